"""The Operator's commands with DESKBELL_DATABASE_URL."""

import json
import os
import subprocess
import sys
from pathlib import Path

from cli.test_commands import run
from deskbell.config import read_config
from deskbell.storage.postgres.migrate import newest_version

SECRET = "geheim-1"


def test_migrate_makes_the_tables_once(tmp_path: Path, empty_database: str) -> None:
    """The first time and every other time it says the version."""
    for _ in range(2):
        answer = run("migrate", "--data", str(tmp_path), "--json", DESKBELL_DATABASE_URL=empty_database)
        assert answer.exit_code == 0, answer.output
        assert json.loads(answer.stdout) == {"schema": newest_version()}


def test_migrate_of_a_file(tmp_path: Path) -> None:
    """Without a URL it is the file of the data directory."""
    answer = run("migrate", "--data", str(tmp_path / "data"), DESKBELL_DATABASE_URL="")
    assert answer.exit_code == 0
    assert f"schema version {newest_version()}." in answer.output
    assert (tmp_path / "data" / "deskbell.db").exists()


def test_init_keeps_the_keyring_beside(tmp_path: Path, database: str) -> None:
    """The site is in the server, its keys in the data directory; a fresh directory without them is refused."""
    data = tmp_path / "data"
    answer = run("init", "--data", str(data), "--json", DESKBELL_DATABASE_URL=database)
    assert answer.exit_code == 0, answer.output
    assert [one.name for one in data.iterdir()] == ["deskbell.keys"]
    other = run("init", "--data", str(tmp_path / "other"), DESKBELL_DATABASE_URL=database)
    assert other.exit_code == 1
    assert "deskbell.keys is missing" in other.output


def test_doctor_looks_at_the_server(tmp_path: Path, database: str) -> None:
    """The tests' server is set to be fast: that is a warning with its remedy, no stop."""
    run("init", "--data", str(tmp_path / "data"), DESKBELL_DATABASE_URL=database)
    answer = run("doctor", "--data", str(tmp_path / "data"), "--json", DESKBELL_DATABASE_URL=database)
    assert answer.exit_code == 0, answer.output
    found = {one["what"]: one["remedy"] for one in json.loads(answer.stdout)["findings"]}
    assert "fsync = on" in found["PostgreSQL runs with fsync = off."]
    assert "PostgreSQL runs with full_page_writes = off." in found


def test_commands_for_files_name_the_others(tmp_path: Path, database: str) -> None:
    """Backup and restore are the server's own."""
    copy = tmp_path / "copy.db"
    answer = run("backup", str(copy), "--data", str(tmp_path), DESKBELL_DATABASE_URL=database)
    assert answer.exit_code == 1
    assert "pg_dump" in answer.output
    copy.write_bytes(b"x")
    answer = run("restore", str(copy), "--data", str(tmp_path), DESKBELL_DATABASE_URL=database)
    assert "pg_restore" in answer.output


def test_the_password_is_never_told(tmp_path: Path) -> None:
    """Neither by a server that is not there, nor by a URL that is wrong, nor by the settings themselves."""
    away = {"DESKBELL_LIMIT_DATABASE_WAIT_S": "0.1"}
    for url in (f"postgresql://desk:{SECRET}@127.0.0.1:1/desk", f"postgresql://desk:{SECRET}@127.0.0.1:1"):
        for command in ("migrate", "init", "doctor"):
            answer = run(command, "--data", str(tmp_path), DESKBELL_DATABASE_URL=url, **away)
            assert answer.exit_code == 1
            assert "DESKBELL_DATABASE_URL" in answer.output
            assert SECRET not in answer.output
    config = read_config({"DESKBELL_DATABASE_URL": f"postgresql://desk:{SECRET}@db/desk", "DESKBELL_KEYS": SECRET})
    assert SECRET not in repr(config)


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    """Without asyncpg the command says what to install."""
    program = "import sys; sys.modules['asyncpg'] = None; from deskbell.cli.main import main; main()"
    environment = {**os.environ, "DESKBELL_DATABASE_URL": "postgresql://desk@db/desk"}
    command = [sys.executable, "-c", program, "migrate", "--data", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert answer.returncode == 1
    assert "install deskbell[postgres]" in answer.stderr
