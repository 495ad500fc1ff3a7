"""Every row of area `resolution`: a name with these answers, and the one address that is dialled, or none."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from deskbell.model.exchange import Stage
from deskbell.outbound import ResolveFault
from outbound.loopback import FakeResolver, send

CASES = Path(__file__).parents[1] / "cases" / "badinputs.jsonl"
ROWS = [row for row in map(json.loads, CASES.read_text().splitlines()) if row["area"] == "resolution"]
FAULTS = {"NXDOMAIN": "dns_nxdomain", "REFUSED": "dns_error", "SERVFAIL": "dns_error", "TIMEOUT": "dns_timeout"}


class Recorder:
    """Notes every connect and refuses it."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []

    async def __call__(self, address: str, port: int) -> socket.socket:
        """Connect to nothing."""
        self.dialled.append((address, port))
        raise ConnectionRefusedError


def answers_of(given: Any) -> list[str] | ResolveFault:
    """What the resolver says."""
    if isinstance(given, str):
        return ResolveFault(FAULTS[given])
    if isinstance(given, dict) and "count" in given:
        return [given["first"], *(f"93.184.{n // 250}.{n % 250 + 1}" for n in range(given["count"] - 1))]
    if isinstance(given, dict):
        return ResolveFault("dns_error")  # an endless chain of aliases: the resolver's own test covers it
    return list(given)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
async def test_row_dials_only_what_it_says(row: dict[str, Any], make_sender: Any) -> None:
    """The dialled address, the block or the fault is that of the row."""
    given = row["input"]
    resolver, recorder = FakeResolver({given["host"]: answers_of(given["answers"])}), Recorder()
    listen = tuple(
        (one.rsplit(":", 1)[0], int(one.rsplit(":", 1)[1])) for one in given.get("listen", ["127.0.0.1:8080"])
    )
    policy = {"nat64": given.get("nat64", False), "listen": listen, "base_url": "https://hooks.our-own-portal.example"}
    sender = make_sender(resolver=resolver, connect=recorder, allow=",".join(given.get("allow", [])), policy=policy)
    port = given.get("port", 443)
    reply = await send(sender, f"{given.get('scheme', 'https')}://{given['host']}:{port}/hook")
    assert resolver.asked == ([] if given["host"] == "localhost" else [given["host"]])
    if row["expect"].startswith("dial:"):
        assert recorder.dialled[0] == (row["expect"].removeprefix("dial:"), port)
        assert len(recorder.dialled) <= 3
    elif row["expect"] == "blocked":
        assert (reply.fault, recorder.dialled, reply.stage) == ("blocked", [], Stage.VET)
        assert reply.rule
        assert reply.timing.connect_ms is None
    else:
        assert (f"failed:{reply.fault}", recorder.dialled) == (row["expect"], [])
