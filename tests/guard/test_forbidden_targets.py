"""Forbidden targets: the real process in a network of its own, where every packet is counted."""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from faults.report import reported

TESTS = Path(__file__).parents[1]
LIMIT_S = 240


@cache
def unshare() -> list[str] | None:
    """The command that makes network and mount namespaces here; None: rights or tools are missing."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return None
    for command in (["unshare", "-n", "-m"], ["unshare", "-r", "-n", "-m"]):
        probe = "ip link set lo up && mount --bind /etc/hosts /etc/hosts"
        if subprocess.run([*command, "sh", "-c", probe], capture_output=True).returncode == 0:
            return command
    return None


def run(scenario: str, folder: Path) -> dict[str, Any]:
    """Findings of a scenario."""
    command = unshare()
    if command is None:
        pytest.skip("fault row 24 was not run: it needs network namespaces (root, or user namespaces) and iproute2")
    paths = [str(TESTS), str(TESTS.parent / "src")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, sys.executable, "-m", "guard.inside", scenario, str(folder)],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["lost"] == 0, "the counter did not see every packet"
    return found


def found_in(scenario: str, folder: Path) -> dict[str, int]:
    """Figures of a scenario that found no fault."""
    with reported(24, scenario) as figures:
        found = run(scenario, folder)
        assert found["faults"] == []
        figures |= found["figures"]
    return dict(found["figures"])


def test_resolution_rows_by_event_and_by_test(tmp_path: Path) -> None:
    """Packets go to the address of a `dial` row and nowhere else, whatever a name leads to."""
    assert found_in("resolution", tmp_path)["rows"] == 44


def test_receiver_url_rows_by_event_and_by_test(tmp_path: Path) -> None:
    """What is refused looks nothing up and opens nothing; what is taken opens only what the row's setting allows."""
    assert found_in("urls", tmp_path)["rows"] == 192


def test_redirects_to_canaries_are_not_followed(tmp_path: Path) -> None:
    """A place that a response names is never visited, and no cookie comes back."""
    assert found_in("redirects", tmp_path)["rows"] == 36


def test_hostile_environment_changes_nothing(tmp_path: Path) -> None:
    """Proxies, netrc, aliases and hosts file of the environment do not count."""
    assert found_in("environment", tmp_path)["packets"] > 0


def test_rebinding_is_vetted_at_each_attempt_and_the_counter_sees_what_is_allowed(tmp_path: Path) -> None:
    """Flipping and mixed answers never open a forbidden address; an entry of the Operator does, and is counted."""
    assert found_in("rebinding", tmp_path)["control_connections"] == 1


def test_loop_over_two_installations_ends_after_one_hop(tmp_path: Path) -> None:
    """Webhooks that publish at each other: one event on each side, then 508."""
    assert found_in("loops", tmp_path)["packets"] > 0


def test_with_an_egress_proxy_only_the_proxy_is_dialled(tmp_path: Path) -> None:
    """The proxy is given vetted addresses and hears nothing of forbidden ones."""
    assert found_in("proxied", tmp_path)["packets"] > 0


def test_token_requests_are_vetted_and_not_redirected(tmp_path: Path) -> None:
    """A token URL leads to forbidden addresses no more than a receiver URL does."""
    assert found_in("tokens", tmp_path)["packets"] > 0
