"""A soak: the real process under a mixed load for a long time; then heal, wait until quiet, and check the history.

Usage: python tests/proof/soak.py [--minutes 30] [--restarts 4] [--seed 1] [--json FILE] [--svg FILE]. In the first
quarter the process is restarted so many times, in turn by kill -9 and by SIGTERM; then it lives undisturbed, and its
memory must stay flat.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "src"), str(HERE.parents[1] / "benchmarks")]

from faults.process import Process, ports  # noqa: E402  the paths come first
from proof.soak_judge import Sample, judged, losses  # noqa: E402
from proof.soak_load import Load  # noqa: E402
from proof.soak_receivers import Receivers  # noqa: E402
from running import Running  # noqa: E402

RETRIES = [1, 2, 5, 10] * 5
SETTINGS = {"DESKBELL_LIMIT_BREAKER_OPEN_S": "5", "DESKBELL_LIMIT_BREAKER_OPEN_S_MAX": "10"}
HOOKS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "ok": (("custom.load", "chat.*"), {}),
    "flaky": (("custom.load",), {}),
    "slow": (("custom.load",), {}),
    "throttled": (("custom.few",), {}),
    "batched": (("custom.load",), {"batch": {"eventsMax": 20, "waitMs": 500}}),
    "paused": (("custom.load",), {}),
    "ordered": (("custom.ordered",), {"orderedBy": "subject"}),
    "hang": (("custom.hang",), {"timeoutSeconds": 5}),
    "gone": (("custom.gone",), {}),
}
QUIET_S = 600.0


@dataclass(kw_only=True)
class Soak:
    """One run."""

    minutes: float
    restarts: int
    process: Process
    receivers: Receivers
    load: Load
    metrics: Running  # at an address of their own
    hooks: dict[str, str] = field(default_factory=dict)  # name: id
    samples: list[Sample] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    kills: int = 0
    life: int = 0

    async def run(self) -> dict[str, Any]:
        """Register, load, restart, heal, wait, compare."""
        await self.process.start()
        for name, (types, settings) in HOOKS.items():
            made = await self.process.client.webhook(
                self.receivers.url(name), *types, retrySchedule=RETRIES, **settings
            )
            self.hooks[name] = made["id"]
        self.load.begin(self.hooks["paused"])
        sampling = asyncio.create_task(self.sample())
        await self.live()
        await self.load.end()
        await self.heal()
        quiet_s = await self.until_quiet()
        sampling.cancel()
        states = await self.ended_in_sight()
        code = await asyncio.to_thread(self.process.stop)
        faults = losses(self.load.acknowledged, HOOKS, self.receivers.seen, states)
        return judged(self, faults, quiet_s=quiet_s, exit_code=code)

    async def live(self) -> None:
        """The load, with restarts in the first quarter."""
        whole_s = self.minutes * 60
        for number in range(self.restarts):
            await asyncio.sleep(whole_s / 4 / max(1, self.restarts))
            if number % 2:
                code = await asyncio.to_thread(self.process.stop)
                assert code == 0, f"SIGTERM ended with {code}"
            else:
                self.process.kill()
                self.kills += 1
            self.life += 1
            await self.process.start()
        await asyncio.sleep(max(0.0, self.began + whole_s - time.monotonic()))

    async def heal(self) -> None:
        """Every receiver is well again, and every webhook may send."""
        self.receivers.healed.set()
        api = self.process.client
        for hook in (await api.good("GET", "/webhooks"))["items"]:
            verb = {"paused": "resume", "disabled": "enable"}.get(hook["state"])
            if verb is not None:
                await api.good("POST", f"/webhooks/{hook['id']}/{verb}", {})

    async def until_quiet(self) -> float:
        """Until nothing waits; how long that took."""
        began = time.monotonic()
        while time.monotonic() < began + QUIET_S:
            waiting = [
                (await self.process.client.good("GET", f"/deliveries?state={state}&limit=1"))["items"]
                for state in ("waiting", "gathering")
            ]
            if waiting == [[], []]:
                return time.monotonic() - began
            await asyncio.sleep(0.5)
        raise AssertionError("something still waits")

    async def ended_in_sight(self) -> int:
        """How many deliveries ended without having arrived, where a person sees them."""
        found, cursor = 0, ""
        for state in ("exhausted", "cancelled"):
            while True:
                page = await self.process.client.good("GET", f"/deliveries?state={state}&limit=200{cursor}")
                found += len(page["items"])
                if page["next"] is None:
                    break
                cursor = f"&cursor={page['next']}"
            cursor = ""
        return found

    async def sample(self) -> None:
        """Look at the process every few seconds."""
        pause_s = max(1.0, self.minutes * 60 / 400)
        while True:
            await asyncio.sleep(pause_s)
            with_it = await self.look()
            if with_it is not None:
                self.samples.append(with_it)

    async def look(self) -> Sample | None:
        """One sample; None while it is away."""
        assert self.process.child is not None
        folder = Path(f"/proc/{self.process.child.pid}")
        try:
            status = (folder / "status").read_text()
            opened = len(os.listdir(folder / "fd"))
            page = (await self.metrics.call("GET", "/metrics", key="")).body.decode()
        except (OSError, Exception) as error:
            if not isinstance(error, OSError) and type(error).__module__ != "http.client":
                raise
            return None
        assert "deskbell_queue" in page, page[:200]
        queue = sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith("deskbell_queue{"))
        size = sum(one.stat().st_size for one in self.process.data.glob("deskbell.db*"))
        acknowledged = sum(len(one) for one in self.load.acknowledged.values())
        made = Sample(
            at_s=round(time.monotonic() - self.began, 1),
            life=self.life,
            memory_mb=round(int(status.split("VmRSS:")[1].split()[0]) / 1024, 1),
            descriptors=opened,
            queue=int(queue),
            database_mb=round(size / 1e6, 1),
            acknowledged=acknowledged,
        )
        if len(self.samples) % 10 == 0:
            print(  # noqa: T201  a program that prints
                f"{made.at_s:,.0f} s: {made.memory_mb} MB, {made.descriptors} descriptors, {made.queue} wait, "
                f"{made.database_mb} MB stored, {acknowledged:,} events, {self.kills} kills",
                flush=True,
            )
        return made


async def main(options: argparse.Namespace) -> int:
    """0: nothing was lost, and memory is flat."""
    with tempfile.TemporaryDirectory(prefix="deskbell-soak-") as name:
        metrics = Running(house=None, port=ports(), key="", setup_url="")  # type: ignore[arg-type]  # no house in this process
        environment = {**SETTINGS, "DESKBELL_METRICS": f"127.0.0.1:{metrics.port}"}
        process = Process(data=Path(name) / "data", port=ports(), environment=environment)
        process.init()
        async with Receivers(options.seed) as receivers:
            soak = Soak(
                minutes=options.minutes,
                restarts=options.restarts,
                process=process,
                receivers=receivers,
                load=Load(process),
                metrics=metrics,
            )
            try:
                report = await soak.run()
            finally:
                if process.child is not None and process.child.poll() is None:
                    process.kill()
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    for name, value in report["figures"].items():
        print(f"{name}: {value}")  # noqa: T201
    for note in report["notes"]:
        print("FOUND", note)  # noqa: T201
    return int(bool(report["notes"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--restarts", type=int, default=4, help="in the first quarter: kill -9 and SIGTERM in turn")
    parser.add_argument("--seed", type=int, default=1, help="of the receivers' moods")
    parser.add_argument("--json", type=Path, help="write figures and samples there")
    sys.exit(asyncio.run(main(parser.parse_args())))
