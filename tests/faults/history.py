"""The history check: what publishers were told is held against what receivers saw, once all is healed and quiet."""

import asyncio
import base64
import hashlib
import hmac
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from faults.load import Publisher, Told
from faults.report import report
from receiver import Received, Receiver
from running import Running

IN_FLIGHT = 2 * 20  # per webhook: 20 without an answer yet, and as many again whose settle is not durable yet
QUIET_S = 60.0
"""A receiver that is just back gets a queue gently; whatever takes longer than this is stuck."""
ENDED_IN_SIGHT = frozenset({"exhausted", "cancelled"})
"""States in which a person sees a delivery that did not arrive, and can send it again."""


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A webhook of a test, and the receiver at which it is seen: each has a path of its own."""

    id: str
    target: str  # path of its URL
    types: tuple[str, ...]
    secret: str
    receiver: Receiver
    ordered: bool = False

    def wants(self, event_type: str) -> bool:
        """Whether it chose this type."""
        return any(one in ("*", event_type) or event_type.startswith(one.removesuffix("*")) for one in self.types)


async def hook(
    api: Running, receiver: Receiver, name: str = "hook", *types: str, url: str | None = None, **more: Any
) -> Hook:
    """Register a webhook at a path of its own; its retries come soon. `url` leads another way to the receiver."""
    types = types or ("custom.*",)
    address = (url or f"http://127.0.0.1:{receiver.port}") + f"/{name}"
    made = await api.webhook(address, *types, **{"retrySchedule": [1] * 30, **more})
    ordered = made["orderedBy"] == "subject"
    return Hook(
        id=made["id"], target=f"/{name}", types=types, secret=made["secret"], receiver=receiver, ordered=ordered
    )


@dataclass(kw_only=True)
class Found:
    """What the check came to."""

    acknowledged: int = 0
    lost: list[tuple[str, str]] = field(default_factory=list)  # webhook's path, own id
    unexpected: list[tuple[str, str]] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)  # webhook-ids with more than one body
    unsigned: list[str] = field(default_factory=list)
    twice: list[tuple[str, str]] = field(default_factory=list)  # one event in two deliveries of a webhook
    disordered: list[tuple[str, str]] = field(default_factory=list)  # webhook's path, subject
    open: list[str] = field(default_factory=list)  # deliveries that have not ended
    duplicates: int = 0  # requests after the first that was answered 2xx

    @property
    def faults(self) -> dict[str, list[Any]]:
        """Everything that must be empty and is not."""
        names = ("lost", "unexpected", "altered", "unsigned", "twice", "disordered", "open")
        return {name: getattr(self, name)[:5] for name in names if getattr(self, name)}


def compare(told: Mapping[str, Told], hooks: Sequence[Hook], deliveries: Iterable[Mapping[str, Any]]) -> Found:
    """The publishers' log against the receivers' and the list of deliveries that a person sees."""
    found = Found(acknowledged=sum(one.verdict == "ok" for one in told.values()))
    states: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in deliveries:
        if one["endedAt"] is None:
            found.open.append(one["id"])
        for event in one["eventIds"]:
            states[one["webhookId"], event].add(one["state"])
    for each in hooks:
        _compare_hook(found, told, each, states)
    return found


def _compare_hook(
    found: Found, told: Mapping[str, Told], each: Hook, states: Mapping[tuple[str, str], set[str]]
) -> None:
    seen = [one for one in each.receiver.received if one.target == each.target]
    carried: dict[str, set[str]] = defaultdict(set)  # own id: webhook-ids
    first: dict[str, float] = {}
    for request in seen:
        for event in request.events:
            own = event["data"]["own"]
            carried[own].add(request.header("webhook-id"))
            first.setdefault(own, request.at)
    for own in carried:
        if own not in told or told[own].verdict == "failed" or not each.wants(told[own].type):
            found.unexpected.append((each.target, own))
    for own, one in told.items():
        in_sight = states.get((each.id, one.event_id), set()) & ENDED_IN_SIGHT
        if one.verdict == "ok" and each.wants(one.type) and own not in carried and not in_sight:
            found.lost.append((each.target, own))
    found.twice += [(each.target, own) for own, ids in carried.items() if len(ids) > 1]
    found.unsigned += [one.header("webhook-id") for one in seen if not _is_signed(one, each.secret)]
    _compare_requests(found, seen)
    if each.ordered:
        found.disordered += [(each.target, subject) for subject in _disordered(first, told)]


def _compare_requests(found: Found, seen: Iterable[Received]) -> None:
    bodies: dict[str, set[bytes]] = defaultdict(set)
    taken: set[str] = set()
    for request in sorted(seen, key=lambda one: one.at):
        name = request.header("webhook-id")
        found.duplicates += name in taken
        bodies[name].add(hashlib.sha256(request.body).digest())
        if 200 <= request.status < 300:
            taken.add(name)
    found.altered += [name for name, versions in bodies.items() if len(versions) > 1]


def _is_signed(request: Received, secret: str) -> bool:
    """Standard Webhooks by hand, so that signer and verifier share no code."""
    signed = f"{request.header('webhook-id')}.{request.header('webhook-timestamp')}.".encode() + request.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return expected in request.header("webhook-signature").split(" ")


def _disordered(first: Mapping[str, float], told: Mapping[str, Told]) -> set[str]:
    """Subjects whose events arrived, each for the first time, in another order than they were published in."""
    arrivals: dict[str, list[int]] = defaultdict(list)
    for own in sorted(first, key=lambda one: first[one]):
        one = told.get(own)
        if one is not None and one.subject is not None:
            arrivals[one.subject].append(one.n)
    return {subject for subject, numbers in arrivals.items() if numbers != sorted(numbers)}


async def quiet(api: Running) -> None:
    """Until nothing waits any more."""

    async def is_quiet() -> bool:
        waiting = [(await api.good("GET", f"/deliveries?state={one}"))["items"] for one in ("waiting", "gathering")]
        return waiting == [[], []]

    async with asyncio.timeout(QUIET_S):
        while not await is_quiet():  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.05)


async def deliveries_of(api: Running, hooks: Sequence[Hook]) -> list[dict[str, Any]]:
    """All deliveries of these webhooks, as a person can list them."""
    found: list[dict[str, Any]] = []
    for one in hooks:
        cursor: str | None = ""
        while cursor is not None:
            page = await api.good("GET", f"/deliveries?webhook={one.id}&limit=200{cursor}")
            found += page["items"]
            cursor = None if page["next"] is None else f"&cursor={page['next']}"
    return found


async def outcomes(api: Running, each: Hook) -> set[str]:
    """How the attempts for a webhook that is still at work have come out so far, the last of each delivery."""
    items = (await api.good("GET", f"/deliveries?webhook={each.id}&limit=200"))["items"]
    return {one["lastOutcome"] for one in items if one["lastOutcome"]}


async def check(
    api: Running,
    publisher: Publisher,
    hooks: Sequence[Hook],
    *,
    row: int,
    name: str,
    kills: int = 0,
    seconds: float,
    duplicates_max: int | None = None,
    capsys: pytest.CaptureFixture[str] | None = None,
    **figures: int | float | str,
) -> Found:
    """After healing: wait until quiet, compare, tell the figures, and fail when a promise was not kept.

    At most `duplicates_max` requests may have been needless; without it as many as can be in flight at each kill.
    """
    healed = time.monotonic()
    await quiet(api)
    quiet_s = time.monotonic() - healed
    found = compare(publisher.log, hooks, await deliveries_of(api, hooks))
    told = {
        "acknowledged": found.acknowledged,
        "lost": len(found.lost),
        "duplicates": found.duplicates,
        "kills": kills,
        "unknown": publisher.count("unknown"),
        "refused": publisher.count("failed"),
        "quiet_s": round(quiet_s, 2),
        **figures,
    }
    if capsys is not None:
        with capsys.disabled():
            sys.stdout.write(f"\nrow {row}, {name}: {', '.join(f'{value} {what}' for what, value in told.items())}\n")
    assert found.faults == {}
    bound = kills * IN_FLIGHT * len(hooks) if duplicates_max is None else duplicates_max
    assert found.duplicates <= bound
    report(row, name, seconds=seconds, **told)
    return found


def check_rows(data: Path) -> None:
    """After a stop: the file is sound, and of each delivery one attempt at most came to a good end."""
    connection = apsw.Connection(str(data / "deskbell.db"))
    try:
        assert [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
        ends: Counter[str] = Counter()
        sql = (
            "SELECT delivery_id FROM attempt WHERE outcome_class IN ('delivered', 'accepted') AND trigger = 'automatic'"
        )
        ends.update(row[0] for row in connection.execute(sql))
        assert [one for one, count in ends.items() if count > 1] == []
        states = dict(connection.execute("SELECT id, state FROM delivery"))
        assert [one for one in ends if states[one] not in ("delivered", "accepted")] == []
    finally:
        connection.close()
