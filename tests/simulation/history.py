"""The history check: what publishers were told, what receivers got, and what the database says in the end."""

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from deskbell.model.delivery import ENDED, Delivery, DeliveryState
from deskbell.model.webhook import WebhookState
from simulation.watch import in_effect

if TYPE_CHECKING:
    from simulation.people import Wish
    from simulation.world import World

_HANDED = (DeliveryState.DELIVERED, DeliveryState.ACCEPTED)


def check_history(world: "World") -> None:
    """Lost = nothing, unexpected = nothing, bodies identical, duplicates bounded."""
    rows: dict[str, Delivery] = {row.id: row for row in world.database.tables.rows["delivery"].values()}
    arrived = _arrived(world, rows)
    for wish in world.wishes:
        _check_wish(world, wish, rows, arrived)
    _check_rows(world, rows, arrived)
    _check_duplicates(world, rows)
    _check_once(world)
    _check_stays(world)


def _arrived(world: "World", rows: dict[str, Delivery]) -> dict[str, int]:
    """How often each delivery was answered 2xx; the same id must always have had the same bytes."""
    bodies: dict[str, bytes] = {}
    taken: Counter[str] = Counter()
    for receiver in world.receivers:
        for arrival, status in receiver.arrivals:
            delivery_id = arrival.headers["webhook-id"]
            if delivery_id not in rows:
                world.find("unexpected", f"{delivery_id} arrived, and nobody made it")
            if bodies.setdefault(delivery_id, arrival.body) != arrival.body:
                world.find("bodies", f"{delivery_id} arrived with different bytes")
            taken[delivery_id] += status == 200
    return taken


def _check_wish(world: "World", wish: "Wish", rows: dict[str, Delivery], arrived: dict[str, int]) -> None:
    """One event for one wish; if it was answered 2xx, each webhook that it matches has it, or says why not."""
    stored = world.database.tables.rows["event"]
    if len(set(wish.answers)) > 1 and world.jumped_s < 80_000.0:
        world.find("idempotency", f"wish {wish.number} was answered with {wish.answers}")
    for event_id in wish.answers[:1]:
        event = stored.get((wish.site, event_id))
        if event is None:
            world.find("lost", f"{event_id} was answered 2xx and is not stored")
            continue
        made = {one.webhook_id: one.delivery_id for one in event.trace if one.delivery_id is not None}
        for webhook_id in _matching(world, event_id, wish.site) - made.keys():
            world.find("lost", f"{event_id} matches {webhook_id} and has no delivery to it")
        for delivery_id in made.values():
            _check_delivery(world, event_id, delivery_id, rows, arrived)


def _check_delivery(
    world: "World", event_id: str, delivery_id: str, rows: dict[str, Delivery], arrived: dict[str, int]
) -> None:
    row = rows.get(delivery_id)
    if row is None or event_id not in row.event_ids:
        world.find("lost", f"{event_id} was to be carried by {delivery_id}, which does not")
    elif row.state not in ENDED:
        world.find("stuck", f"{delivery_id} is {row.state} long after everything was healed")
    elif row.state in _HANDED and not arrived.get(delivery_id):
        world.find("lost", f"{delivery_id} counts as delivered and never arrived")


def _matching(world: "World", event_id: str, site: str) -> set[str]:
    """Webhooks that surely get the event: they wanted it, and were going, all the while around its commit."""
    at, event = world.watch.events[event_id]
    around = world.plan.tick_s * 2 + 60.0 if world.plan.nodes > 1 else 30.0
    if not all(one.webhooks_enabled for one in in_effect(world.watch.site_rows[site], at + around, 2 * around)):
        return set()
    found = set()
    for webhook_id, versions in world.watch.webhooks.items():
        if world.site_of[webhook_id] != site or versions[0][0] > at - around > 0:
            continue
        known = in_effect(versions, at + around, 2 * around)
        going = all(one.state in (WebhookState.ENABLED, WebhookState.PAUSED) for one in known)
        if going and any(_chooses(choice, event.type) for choice in known[-1].event_types):
            found.add(webhook_id)
    return found


def _chooses(choice: str, event_type: str) -> bool:
    return choice in ("*", event_type) or (choice.endswith(".*") and event_type.startswith(choice[:-1]))


def _check_rows(world: "World", rows: dict[str, Delivery], arrived: dict[str, int]) -> None:
    """Every delivery, whoever caused it."""
    events = world.database.tables.rows["event"]
    for row in rows.values():
        if world.site_of.get(row.webhook_id) != row.site:
            world.find("site", f"{row.id} of {row.site} belongs to a webhook of another site")
        if row.state not in ENDED:
            world.find("stuck", f"{row.id} is {row.state} long after everything was healed")
        for event_id in row.event_ids:
            if (row.site, event_id) not in events:
                world.find("site", f"{row.id} carries {event_id}, which its site does not know")
    if world.database.tables.rows["asked"]:
        world.find("stuck", "an attempt that somebody asked for was never made")


def _check_duplicates(world: "World", rows: dict[str, Delivery]) -> None:
    """A process that was told 2xx tells nobody else to send, unless it ended, slept or lost the database."""
    extra = sum(max(0, count - 1) for one, count in world.watch.answers.items() if one not in world.watch.moved)
    mishaps = world.deaths + world.sleeps + world.outages
    plan = world.plan
    bound = mishaps * min(plan.in_flight_all, plan.in_flight * plan.webhooks)
    if not plan.by_hand and extra > bound:
        world.find("duplicates", f"{extra} duplicates, {mishaps} mishaps explain {bound}")


def _check_once(world: "World") -> None:
    """A wish is one event; so is a stay that ended too late."""
    seen: Counter[str] = Counter()
    stays: Counter[tuple[str, int]] = Counter()
    for event in world.database.tables.rows["event"].values():
        data = json.loads(event.snapshot)
        if event.type == "custom.dwell":
            subject, epoch = data["data"]["dwell"]
            stays[subject, epoch] += 1
        elif event.type.startswith("custom.") and not event.test:
            seen[str(data["data"]["n"])] += 1
    for wish in world.wishes:
        if seen[str(wish.number)] > 1 and world.jumped_s < 80_000.0:  # a key is remembered for a day
            world.find("idempotency", f"wish {wish.number} is {seen[str(wish.number)]} events")
    for (subject, epoch), count in stays.items():
        if count > 1:
            world.find("timer", f"stay {epoch} of {subject} was told {count} times")
    world.told = stays


def _check_stays(world: "World") -> None:
    """A chat that stayed was told."""
    if world.jumped_s:  # the stay is measured by the wall
        return
    last: dict[int, int] = defaultdict(int)
    for stay in world.stays:
        last[stay.chat] = max(last[stay.chat], stay.epoch)
    for stay in world.stays:
        is_over = stay.due_at + world.plan.tick_s < world.loop.time()
        if stay.armed and stay.epoch == last[stay.chat] and is_over and not world.told[f"chat:{stay.chat}", stay.epoch]:
            world.find("timer", f"stay {stay.epoch} of chat {stay.chat} was never told")
