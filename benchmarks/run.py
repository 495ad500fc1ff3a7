"""Measures the budgets of the embedded default and reconciles every event. Usage: python benchmarks/run.py [--short]"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import uvloop

import publisher

HERE = Path(__file__).parent
RESULTS = HERE / "results"
ENVIRONMENT = {**os.environ, "DESKBELL_ALLOW": "127.0.0.0/8:*"}
DESKBELL = [sys.executable, "-m", "deskbell.cli.main"]


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def calibrate() -> float:
    """A loop of fixed work, ms: how fast the machine is just now."""
    started = time.perf_counter()
    total = 0
    for n in range(2_000_000):
        total += n & 7
    return round((time.perf_counter() - started) * 1000, 1)


def percentile(values: list[float], share: float) -> float:
    """A percentile, rounded to 0.01."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) if ordered else 0.0


class Scene:
    """Deskbell and a receiver as processes of their own."""

    def __init__(self, folder: Path, webhooks: int = 1) -> None:
        self.folder = folder
        self.port, self.receiver_port = free_port(), free_port()
        self.webhooks = webhooks
        self.file = folder / "seen.json"

    def __enter__(self) -> "Scene":
        data = str(self.folder / "data")
        made = subprocess.run(
            [*DESKBELL, "init", "--data", data, "--json"], check=True, capture_output=True, env=ENVIRONMENT
        )
        self.key = json.loads(made.stdout)["apiKey"]
        self.receiver = subprocess.Popen(
            [sys.executable, str(HERE / "receiver.py"), str(self.receiver_port), str(self.file)]
        )
        self.started = time.time()
        self.server = subprocess.Popen(
            [*DESKBELL, "serve", "--data", data, "--port", str(self.port)],
            env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.ready_s = self.wait_ready()
        for n in range(self.webhooks):
            url = f"http://127.0.0.1:{self.receiver_port}/hook/{n}"
            self.call("POST", "/webhooks", {"description": f"w{n}", "receiverUrl": url, "eventTypes": ["custom.*"]})
        return self

    def __exit__(self, *_: object) -> None:
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(60)
        self.receiver.send_signal(signal.SIGTERM)
        self.receiver.wait(60)

    def wait_ready(self) -> float:
        """Seconds from start until it can accept."""
        while True:
            try:
                self.call("GET", "/site")
                return time.time() - self.started
            except OSError:
                time.sleep(0.005)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def quiet(self) -> float:
        """Wait until nothing waits; when that was."""
        while self.call("GET", "/deliveries?state=waiting&limit=1")["items"]:
            time.sleep(0.02)
        return time.time()

    def arrivals(self) -> list[tuple[str, float]]:
        """What the receiver saw, once the scene has ended."""
        return [(webhook_id, at) for webhook_id, at in json.loads(self.file.read_text())]


def reconcile(load: publisher.Load, arrivals: list[tuple[str, float]], fan_out: int) -> dict[str, Any]:
    """Acknowledged against arrived."""
    counted = Counter(webhook_id for webhook_id, _ in arrivals)
    expected = len(load.sent_at) * fan_out
    return {
        "acknowledged": len(load.sent_at),
        "expected": expected,
        "lost": expected - len(counted),
        "duplicates": sum(counted.values()) - len(counted),
        "refused": load.refused,
    }


def throughput(seconds: float, fan_out: int, connections: int) -> dict[str, Any]:
    """Budgets 1 and 2: deliveries per second from first publish until nothing waits."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder), fan_out)
        with scene:
            run = publisher.as_fast_as_possible(scene.port, scene.key, connections=connections, seconds=seconds)
            before = Path(f"/proc/{scene.server.pid}/stat").read_text().split()
            load = uvloop.run(run)
            ended = scene.quiet()
            after = Path(f"/proc/{scene.server.pid}/stat").read_text().split()
            memory = Path(f"/proc/{scene.server.pid}/status").read_text().split("VmHWM:")[1].split()[0]
        cpu_s = sum(int(after[n]) - int(before[n]) for n in (13, 14)) / os.sysconf("SC_CLK_TCK")
        found = reconcile(load, scene.arrivals(), fan_out)
    deliveries = found["expected"]
    return {
        "deliveries_per_s": round(deliveries / (ended - load.started)),
        "server_cpu_us_per_delivery": round(cpu_s / max(deliveries, 1) * 1e6),
        "memory_peak_mb": int(memory) // 1024,
        **found,
    }


def ceiling(seconds: float, connections: int) -> dict[str, Any]:
    """The same with no store: what the machine could do."""
    with tempfile.TemporaryDirectory() as folder:
        port, receiver_port, file = free_port(), free_port(), Path(folder) / "seen.json"
        receiver = subprocess.Popen([sys.executable, str(HERE / "receiver.py"), str(receiver_port), str(file)])
        server = subprocess.Popen([sys.executable, str(HERE / "ceiling.py"), str(port), str(receiver_port)])
        wait_for_port(port)
        load = uvloop.run(publisher.as_fast_as_possible(port, "none", connections=connections, seconds=seconds))
        time.sleep(1.0)
        server.kill()
        server.wait()
        receiver.send_signal(signal.SIGTERM)
        receiver.wait(30)
        arrivals = json.loads(file.read_text())
    ended = max(at for _, at in arrivals)
    return {"deliveries_per_s": round(len(arrivals) / (ended - load.started))}


def wait_for_port(port: int) -> None:
    """Until somebody listens."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


def latency(per_second: int, seconds: float) -> dict[str, Any]:
    """Budgets 4, 5 and 9: accept latency, accept to arrival, start to ready."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        with scene:
            run = publisher.at_rate(scene.port, scene.key, per_second=per_second, seconds=seconds)
            load = uvloop.run(run)
            scene.quiet()
            pairs = deliveries_of(scene, len(load.sent_at))
        arrived = dict(reversed(scene.arrivals()))
        waits = [(arrived[d] - load.sent_at[e]) * 1000 for e, d in pairs.items() if d in arrived and e in load.sent_at]
        found = reconcile(load, scene.arrivals(), 1)
    return {
        "start_to_accepting_s": round(scene.ready_s, 2),
        "accept_ms": {name: percentile(load.latencies_ms, share) for name, share in SHARES.items()},
        "arrival_ms": {name: percentile(waits, share) for name, share in SHARES.items()},
        "mean_accept_ms": round(statistics.mean(load.latencies_ms), 2),
        **found,
    }


SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def deliveries_of(scene: Scene, count: int) -> dict[str, str]:
    """Event id to delivery id, read by API."""
    pairs: dict[str, str] = {}
    cursor = ""
    while len(pairs) < count:
        page = scene.call("GET", f"/deliveries?limit=200{cursor}")
        pairs.update({one["eventIds"][0]: one["id"] for one in page["items"]})
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    return pairs


def main() -> int:
    """Run, print, keep. Exit 1 when something was lost."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="a smoke run of a few seconds")
    options.add_argument("--seconds", type=float, default=8.0)
    chosen = options.parse_args()
    seconds = 1.0 if chosen.short else chosen.seconds
    report: dict[str, Any] = {"calibration_ms_before": calibrate()}
    report["ceiling"] = ceiling(seconds, 64)
    report["1 fan-out 1"] = throughput(seconds, 1, 64)
    if not chosen.short:
        report["2 fan-out 10"] = throughput(seconds, 10, 32)
    report["4, 5, 9 at 200/s"] = latency(200, seconds)
    if not chosen.short:
        report["5 at 1,000/s"] = latency(1_000, seconds)
    report["calibration_ms_after"] = calibrate()
    ratio = report["1 fan-out 1"]["deliveries_per_s"] / report["ceiling"]["deliveries_per_s"]
    report["1 as a share of the ceiling"] = round(ratio, 2)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{int(time.time())}.json").write_text(json.dumps(report, indent=1))
    for name, value in report.items():
        print(f"{name:28} {json.dumps(value)}")
    lost = sum(value.get("lost", 0) for value in report.values() if isinstance(value, dict))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
