"""Budget 12: the same on PostgreSQL, which runs on the same machine with every commit on the disk."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from budgets import CONNECTIONS, Run, flood, rate_1
from products import HERE, Deskbell
from reckoning import Report, rate, reconcile
from scene import Scene

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from postgres_server import PostgresServer

DURABLE = {"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "shared_buffers": "256MB"}


@contextmanager
def database() -> Iterator[str]:
    """An empty database of a server that is removed afterwards."""
    server = PostgresServer()
    try:
        server.start(**DURABLE)
        server.run("createdb", "bench")
        yield server.url("bench")
    finally:
        server.remove()


def one_node(run: Run) -> Report:
    """Fan-out 1, one process."""
    with database() as url:
        return flood(run, run.deskbell(DESKBELL_DATABASE_URL=url))


def two_nodes(run: Run) -> Report:
    """One process accepts and delivers, another only delivers."""
    with database() as url:
        product = run.deskbell(DESKBELL_DATABASE_URL=url)
        scene = Scene(product)
        with scene:
            scene.webhooks(20)
            product.add_worker()
            time.sleep(6.0)  # the shards are shared out within a lease
            load = scene.publish(seconds=run.seconds, connections=CONNECTIONS // 4)
            product.quiet()
        arrivals = scene.arrivals()
        return {"events_per_s": round(rate(load, arrivals)), **reconcile(load, arrivals, list(scene.expected))}


def worker_alone(run: Run) -> Report:
    """A backlog, and one process that does nothing but deliver it."""
    with database() as url:
        product = run.deskbell(DESKBELL_DATABASE_URL=url)
        scene = Scene(product)
        with scene:
            scene.webhooks(1)
            (webhook,) = scene.expected.values()
            version = product.call("GET", f"/webhooks/{webhook}")["version"]
        rows = [url, "desk", webhook, str(version), str(min(run.rows, 100_000))]
        subprocess.run([sys.executable, str(HERE / "filling.py"), *rows], check=True, env=product.environment)
        return drained(run, product, scene.receiver_port)


def drained(run: Run, product: Deskbell, port: int) -> Report:
    """Deliveries per second of a worker, by its own count."""
    alone = _WorkerAlone(product.folder, product.port, product.side_port, product.environment)
    alone.key = product.key
    with Scene(alone, port):
        began, before = time.time(), alone.metrics()
        time.sleep(run.seconds)
        after = alone.metrics()
        lasted_s = time.time() - began
    attempts = after["deskbell_attempt_seconds_count"] - before["deskbell_attempt_seconds_count"]
    return {"drained_per_s": round(attempts / lasted_s)}


class _WorkerAlone(Deskbell):
    """No `serve`: a worker that is measured by its metrics."""

    def start(self) -> None:
        """Until it delivers."""
        self.server = self.spawn("worker", "--data", str(self.data))
        while True:
            try:
                if self.metrics()["deskbell_attempt_seconds_count"] > 0:
                    return
            except OSError:
                if self.server.poll() is not None:
                    raise
            time.sleep(0.02)


def budget_12(run: Run) -> None:
    """PostgreSQL: one node, a worker draining alone, two nodes."""
    alone = run.once("12 one node", lambda: one_node(run))
    worker = run.once("12 worker alone", lambda: worker_alone(run))
    both = run.once("12 two nodes, 20 webhooks", lambda: two_nodes(run))
    share = alone["events_per_s"] / max(1, rate_1(run)["events_per_s"])
    run.judge("12 PostgreSQL, one node", share, 0.7, "of rate 1", more=True)
    run.judge("12 worker draining alone", worker["drained_per_s"], 25_000, "/s", more=True)
    run.judge("12 two nodes, fan-out 20", both["events_per_s"], 20_000, "/s", more=True)
