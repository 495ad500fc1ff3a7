"""Sends 200 requests at once to each hostile receiver from a process of its own, and tells memory and times."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import uvloop

from deskbell.model.exchange import Reply, SendPolicy
from deskbell.outbound import GuardedSender
from deskbell.rules.allow import parse_allow
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy
from outbound.loopback import HOST, FakeResolver, sendable

AT_ONCE = 200
TOTAL_S = 0.5
BODY = b"x" * 4_096
LARGE_BODY = b"x" * 1_500_000


async def volley(sender: GuardedSender, url: str, body: bytes) -> list[Reply]:
    """All at once; the replies."""
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Future[Reply]] = [loop.create_future() for _ in range(AT_ONCE)]
    for one in waiting:
        sender.submit(sendable(url, body), SendPolicy(total_s=TOTAL_S), one.set_result)
    return await asyncio.gather(*waiting)


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))


def waited_ms() -> float:
    """How long this process was ready to run while the machine ran others: no fault of the dialler's."""
    with open("/proc/self/schedstat") as file:
        return int(file.read().split()[1]) / 1e6


def peak_bytes() -> int:
    """The most that this process held in memory since `forget_peak`."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def forget_peak() -> None:
    """Begin to measure the peak anew."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


async def run(ports: dict[str, int]) -> dict[str, Any]:
    """Every way of being hostile, one after the other."""
    limits = Limits(tls_timeout_s=TOTAL_S, connections_idle_max=0)
    policy = UrlPolicy(allow=parse_allow("127.0.0.0/8:*"))
    sender = GuardedSender(resolver=FakeResolver({HOST: ["127.0.0.1"]}), policy=policy, limits=limits)
    await volley(sender, f"http://{HOST}:{ports['reset_after_request']}/warm", BODY)
    forget_peak()
    descriptors_before, before = descriptors(), peak_bytes()
    found: dict[str, Any] = {}
    for name, port in ports.items():
        scheme = "https" if name.startswith("tls") else "http"
        body = LARGE_BODY if name == "hang_before_reading" else BODY
        forget_peak()
        kept_waiting = waited_ms()
        replies = await volley(sender, f"{scheme}://{HOST}:{port}/hook", body)
        kept_waiting = waited_ms() - kept_waiting
        await asyncio.sleep(0)  # what was aborted is closed
        found[name] = {
            "outcomes": sorted({f"http_{one.status}" if one.status else str(one.fault) for one in replies}),
            "longest_ms": round(max(one.timing.total_ms for one in replies) - kept_waiting),
            "grown_bytes": peak_bytes() - before,
            "body_bytes_max": max(len(one.body) for one in replies),
        }
    await sender.close()
    await asyncio.sleep(0.05)
    return {
        "receivers": found,
        "grown_bytes": max(one["grown_bytes"] for one in found.values()),
        "descriptors_left": descriptors() - descriptors_before,
    }


def main() -> None:
    """Start the receivers, run, tell."""
    command = [sys.executable, "-m", "outbound.hostile_receivers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as receivers:
        assert receivers.stdout is not None
        try:
            ports = json.loads(receivers.stdout.readline())
            found = uvloop.run(run(ports))
        finally:
            receivers.kill()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
