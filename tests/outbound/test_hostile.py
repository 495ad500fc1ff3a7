"""Fault row 16: hostile responses, 200 at once: bounded memory, no descriptor left, no attempt past its limit."""

import json
import os
import subprocess
import sys
from pathlib import Path

from faults.report import reported
from outbound.hostile_receivers import DRIPS, STALLS, WRITES
from outbound.hostile_run import AT_ONCE, TOTAL_S

TESTS = Path(__file__).parents[1]
MEMORY_BYTES = 64 * 2**20
REFUSED = ("header", "folded", "status_line", "interim", "line_ends")
STATUS_CAME = ("hang_before_body", "hang_in_body", "hang_in_chunk", "drip_body")


def wanted(name: str) -> set[str]:
    """How an attempt at this receiver may end; one that writes fast may be cut by the limit on a slow machine."""
    if name in STALLS or name in DRIPS:
        return {"http_200"} if name in STATUS_CAME else {"timeout"}
    if name in WRITES:
        return {"protocol_error" if any(word in name for word in REFUSED) else "http_200", "timeout"}
    return {"reset_after_request": {"connection_reset"}, "reset_in_body": {"http_200"},
            "close_at_once": {"connection_closed", "connection_reset"}}.get(name, {"timeout"})  # fmt: skip


def test_two_hundred_at_once_stay_within_their_bounds() -> None:
    """Memory grows by at most 64 MiB, every socket is closed, and no attempt outlives its limit by 1 s."""
    with reported(16, "hostile responses, 200 at once") as figures:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS), str(TESTS.parent / "src")))}
        command = [sys.executable, "-m", "outbound.hostile_run"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        found = json.loads(done.stdout)
        receivers = found["receivers"]
        assert {
            name: one["outcomes"] for name, one in receivers.items() if not set(one["outcomes"]) <= wanted(name)
        } == {}
        longest = max(one["longest_ms"] for one in receivers.values())
        assert longest <= (TOTAL_S + 1) * 1000
        assert max(one["body_bytes_max"] for one in receivers.values()) <= 65_536
        assert found["grown_bytes"] <= MEMORY_BYTES
        assert found["descriptors_left"] == 0
        figures |= {
            "receivers": len(receivers), "at_once": AT_ONCE, "grown_bytes": found["grown_bytes"],
            "descriptors_left": found["descriptors_left"], "longest_over_limit_ms": longest - round(TOTAL_S * 1000),
        }  # fmt: skip
