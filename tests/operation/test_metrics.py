"""Metrics: what the process did is told in Prometheus' form, on an address of its own, and nothing secret in it."""

import asyncio
import http.client
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deskbell.config import ConfigError, metrics_address
from deskbell.server.listener import open_socket
from portal_kit import free_port
from receiver import Receiver
from running import Running, running


def _get(port: int, path: str, method: str = "GET") -> tuple[int, str, str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request(method, path)
        answer = line.getresponse()
        return answer.status, answer.headers["content-type"] or "", answer.read().decode()
    finally:
        line.close()


async def ask(port: int, path: str, method: str = "GET") -> tuple[int, str, str]:
    """One request to the second listener."""
    return await asyncio.to_thread(_get, port, path, method)


async def samples(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by name and labels, read by the library's own parser."""
    status, media, text = await ask(port, "/metrics")
    assert status == 200
    assert media.startswith("text/plain")
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


async def work(app: Running, receiver: Receiver) -> None:
    """One delivered event, one that failed, one held."""
    await app.webhook(receiver.url, "custom.good")
    bad = await app.webhook(f"http://127.0.0.1:{free_port()}/closed", "custom.bad", retrySchedule=[])
    await app.good("POST", "/events", [{"type": "custom.good", "data": 1}, {"type": "custom.bad", "data": 1}])
    await app.delivery(lambda one: one["state"] == "delivered")
    await app.delivery(lambda one: one["state"] == "exhausted")
    await app.good("POST", f"/webhooks/{bad['id']}/pause")
    await app.good("POST", "/events", {"type": "custom.bad", "data": 1})


async def test_what_was_done_is_told(tmp_path: Path) -> None:
    """Counters, spreads of times, the queue by state; no host, URL or name."""
    port = free_port()
    async with running(tmp_path, DESKBELL_METRICS=f"127.0.0.1:{port}") as app, Receiver() as receiver:
        close = app.house.open_side_door()
        await work(app, receiver)
        found = await samples(port)
        _, _, text = await ask(port, "/metrics")
        await close()

    def value(name: str, **labels: str) -> float:
        return found[name, frozenset(labels.items())]

    assert value("deskbell_events_total") == 6  # two webhooks were created and one was changed
    assert value("deskbell_deliveries_total") == 3
    assert value("deskbell_attempts_total", outcome="delivered") == 1
    assert value("deskbell_attempts_total", outcome="failed") == 1
    assert value("deskbell_attempt_seconds_count") == 2
    assert value("deskbell_arrival_seconds_count") == 1
    assert value("deskbell_accept_seconds_bucket", le="+Inf") >= 2
    assert value("deskbell_commit_seconds_count") > 0
    assert value("deskbell_read_seconds_count") > 0
    assert value("deskbell_queue", site="desk", state="held") == 1
    assert value("deskbell_queue", site="desk", state="waiting") == 0
    assert value("deskbell_webhooks", site="desk", state="paused") == 1
    assert value("deskbell_breakers_open", site="desk") == 0
    assert value("process_resident_memory_bytes") > 1_000_000
    assert "127.0.0.1" not in text
    assert "closed" not in text


async def test_the_second_listener_serves_health_too(tmp_path: Path) -> None:
    """A probe needs no way to the portal; everything else is 404."""
    port = free_port()
    async with running(tmp_path, DESKBELL_METRICS=f"127.0.0.1:{port}") as app:
        close = app.house.open_side_door()
        assert [(await ask(port, path))[0] for path in ("/healthz", "/readyz", "/webhook")] == [200, 200, 404]
        assert (await ask(port, "/metrics", "POST"))[0] == 405
        await app.house.rooms.engine.stop(1)
        status, _, text = await ask(port, "/readyz")
        assert (status, text) == (503, "Deskbell is starting or stopping.\n")
        await close()


async def test_a_taken_port_is_a_warning(tmp_path: Path) -> None:
    """Serving goes on without metrics."""
    taken = open_socket("127.0.0.1", 0)
    async with running(tmp_path, DESKBELL_METRICS=f"127.0.0.1:{taken.getsockname()[1]}") as app:
        await app.house.open_side_door()()
        assert (await app.call("GET", "/healthz")).status == 200
    taken.close()


async def test_metrics_can_be_off(tmp_path: Path) -> None:
    """Then nothing listens."""
    async with running(tmp_path, DESKBELL_METRICS="off") as app:
        assert app.house.config.metrics is None
        await app.house.open_side_door()()


@pytest.mark.parametrize("text", ["9464", "host:", ":9464", "host:0", "host:99999", "host:x", "on"])
def test_an_address_that_is_none_stops_the_start(text: str) -> None:
    """With a sentence that names the setting."""
    with pytest.raises(ConfigError, match="DESKBELL_METRICS"):
        metrics_address(text)
