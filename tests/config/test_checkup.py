"""Each unsafe setting is named with its remedy."""

import os
from pathlib import Path

import pytest

from deskbell import checkup
from deskbell.checkup import check_up
from deskbell.config import read_config
from deskbell.model.instant import Instant, format_instant, from_seconds, plus

NOW = from_seconds(1_700_000_000)
SAFE = {"DESKBELL_BASE_URL": "https://desk.example"}
LOCAL = {"DESKBELL_BASE_URL": "http://127.0.0.1:8080"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory that is as it should be."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    (path / "deskbell.db").touch()
    (path / checkup.LAST_BACKUP).write_text(format_instant(NOW))
    return path


@pytest.fixture(autouse=True)
def calm_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of its own, a current OpenSSL and room on the disk, whoever runs the tests."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(checkup, "DISK_SHARE_MIN", 0.0)
    monkeypatch.setattr(checkup, "DISK_BYTES_MIN", 1)


def said(data: Path, environment: dict[str, str], host: str = "127.0.0.1", now: Instant = NOW) -> list[str]:
    """Level and text of each finding; each has a remedy."""
    found = list(check_up(read_config(environment, data=str(data), host=host), now))
    assert all(one.remedy for one in found)
    return [f"{one.level}: {one.what}" for one in found]


def test_a_safe_set_up(data: Path) -> None:
    """Nothing is said where nothing is wrong."""
    assert said(data, SAFE) == []
    assert said(data, {**SAFE, "DESKBELL_ALLOW": "10.0.0.0/24:8443,n8n:5678"}) == []
    assert said(data, {**SAFE, "DESKBELL_TRUSTED_PROXIES": "10.0.0.1"}, host="0.0.0.0") == []
    assert said(data, {**SAFE, "DESKBELL_METRICS": "10.0.0.1:9464"}) == []


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({**SAFE, "DESKBELL_ALLOW": "0.0.0.0/0:443"}, "opens every address (0.0.0.0/0)"),
        ({**SAFE, "DESKBELL_ALLOW": "[::/0]:443"}, "opens every address (::/0)"),
        ({**SAFE, "DESKBELL_ALLOW": "10.0.0.0/24:*"}, "opens every port of 10.0.0.0/24"),
        ({**SAFE, "DESKBELL_ALLOW": "n8n:*"}, "opens every port of n8n"),
        ({**SAFE, "DESKBELL_ALLOW_HTTP": "1"}, "DESKBELL_ALLOW_HTTP"),
        ({**LOCAL, "DESKBELL_ALLOW_LOOPBACK": "1"}, "DESKBELL_ALLOW_LOOPBACK"),
        ({"DESKBELL_BASE_URL": "http://desk.example", "DESKBELL_ALLOW_PLAIN_PORTAL": "1"}, "passwords travel readable"),
        ({**SAFE, "DESKBELL_METRICS": "0.0.0.0:9464"}, "Metrics are served on 0.0.0.0"),
        ({**SAFE, "DESKBELL_METRICS": "8.8.8.8:9464"}, "Metrics are served on 8.8.8.8"),
        ({**SAFE, "DESKBELL_METRICS": "metrics.example:9464"}, "Metrics are served on metrics.example"),
    ],
)
def test_unsafe_settings(data: Path, environment: dict[str, str], words: str) -> None:
    """One warning each, which names the setting or what it does."""
    (warning,) = said(data, environment)
    assert warning.startswith("warn: ")
    assert words in warning


def test_listening_on_all_addresses(data: Path) -> None:
    """Without a proxy that is named, whoever reaches the machine reaches the portal."""
    assert said(data, SAFE, host="0.0.0.0") == ["warn: Listening on all addresses."]


def test_directory(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readable by others, not writable, full: each is said."""
    data.chmod(0o755)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(checkup, "DISK_SHARE_MIN", 1.1)
    levels = [one.partition(" ")[0] for one in said(data, SAFE)]
    assert levels == ["stop:", "warn:", "warn:"]


def test_machine(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, and a library older than what was tested."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(checkup, "OPENSSL_MIN", (99, 0))
    root, library = said(data, SAFE)
    assert root == "warn: Running as root."
    assert "older than what was tested" in library


def test_backups(data: Path) -> None:
    """One that is older than a week, and none at all."""
    assert said(data, SAFE, now=plus(NOW, 6 * 86_400)) == []
    assert said(data, SAFE, now=plus(NOW, 9 * 86_400)) == ["warn: The last backup is 9 days old."]
    (data / checkup.LAST_BACKUP).write_text("nonsense")
    assert said(data, SAFE) == ["warn: There is no backup yet."]
