"""Who uses Deskbell: publishers who repeat when unsure, an admin who changes things, chats that dwell."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from deskbell.model.account import Caller
from deskbell.model.changes import ArmTimer, Committed, DropTimers, Insert, Overwrite, Replace, Unit
from deskbell.model.delivery import Delivery
from deskbell.model.draft import Draft, Firing
from deskbell.model.event import Subject
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant, plus
from deskbell.model.people import SYSTEM
from deskbell.model.timer import Timer
from deskbell.model.webhook import Deletion, WebhookState
from deskbell.rules.strict_json import PublishItem
from simulation.process import LOST, Process

if TYPE_CHECKING:
    from simulation.world import World

RULE = "tmr_dwell"
TRIES_MAX = 60


@dataclass(slots=True)
class Wish:
    """One event that a publisher wants to be known."""

    number: int
    site: SiteId
    type: str
    subject: Subject | None
    data: bytes
    answers: list[str] = field(default_factory=list)  # event ids, of each 2xx
    tries: int = 0


async def publisher(world: "World", wishes: Sequence[tuple[float, Wish]]) -> None:
    """Publishes at the times given, each until it is answered."""
    for at, wish in wishes:
        await asyncio.sleep(max(0.0, at - world.loop.time()))
        world.start(publish(world, wish))


async def publish(world: "World", wish: Wish) -> None:
    """Until there is a 2xx; sometimes once more."""
    plan, tape = world.plan, world.tape
    extra = tape.chance(plan.repeats)
    while wish.tries < TRIES_MAX:
        wish.tries += 1
        process = await world.any_ready()
        caller = Caller(site=wish.site, kind="key", id="key_1", name="publisher", permissions=frozenset())
        item = PublishItem(type=wish.type, data=wish.data, subject=wish.subject)
        found = await process.ask(_publishing(process, caller, wish, item))
        if isinstance(found, bytes) and tape.chance(plan.lost_answers) and not world.healed:
            found = LOST
        if isinstance(found, bytes):
            wish.answers.append(json.loads(found)["id"])
            world.loop.note("published", wish.number, wish.answers[-1])
            if not extra:
                return
            extra = False
        await asyncio.sleep(tape.skewed(0.05, 5.0) * min(wish.tries, 20))


def _publishing(process: Process, caller: Caller, wish: Wish, item: PublishItem) -> Any:
    return lambda: process.publish(caller, wish.data, [item], f"wish-{wish.number}")


# the admin

STATES = (
    "pause", "resume", "disable", "enable", "delete", "restore", "slider off", "slider on", "url", "rotate",
)  # fmt: skip


async def administer(world: "World", action: str) -> None:
    """One change, at one process, as the registrations room makes it."""
    webhook_id = world.tape.pick(world.webhook_ids)
    process = await world.any_ready()
    world.loop.note("admin", action, webhook_id)
    await process.ask(lambda: change_one(world, process, action, webhook_id))


async def change_one(world: "World", process: Process, action: str, webhook_id: str) -> None:
    """One change of one webhook, or of its site."""
    site = world.site_of[webhook_id]
    if action.startswith("slider"):
        await slide(process, site, action == "slider on")
        return
    row = await process.store.webhooks.get(site, webhook_id)  # type: ignore[attr-defined]
    if row is None:
        return
    now = process.clock.now()
    members: dict[str, Any] = {"state_at": now, "state_by": SYSTEM}
    match action:
        case "pause" if row.state is WebhookState.ENABLED:
            until = plus(now, world.tape.skewed(10.0, 3_600.0)) if world.tape.chance(0.5) else None
            members |= {"state": WebhookState.PAUSED, "paused_until": until}
        case "resume" if row.state is WebhookState.PAUSED:
            members |= {"state": WebhookState.ENABLED, "paused_until": None}
        case "disable" if row.state in (WebhookState.ENABLED, WebhookState.PAUSED):
            members |= {"state": WebhookState.DISABLED, "paused_until": None}
        case "enable" if row.state is WebhookState.DISABLED:
            members |= {"state": WebhookState.ENABLED}
        case "delete" if row.state is not WebhookState.DELETED:
            gone = Deletion(at=now, by=SYSTEM, state_before=row.state)
            members |= {"state": WebhookState.DELETED, "deletion": gone, "paused_until": None}
        case "restore" if row.state is WebhookState.DELETED:
            members |= {"state": WebhookState.ENABLED, "deletion": None}
        case "url" if row.state is not WebhookState.DELETED:
            members = {"receiver_url": world.sealed_url(site, webhook_id, world.new_receiver(webhook_id))}
        case "rotate" if row.state is not WebhookState.DELETED:
            await _rotate(world, process, row)
            return
        case _:
            return
    after = replace(row, version=row.version + 1, **members)
    verdict = await process.store.commit(Unit(changes=(Replace(row=after),)))
    if isinstance(verdict, Committed):
        process.engine.webhook_changed(site, row.id)


async def _rotate(world: "World", process: Process, row: Any) -> None:
    old = (await process.store.webhooks.secrets(row.site, row.id))[0]  # type: ignore[attr-defined]
    ends = plus(process.clock.now(), world.tape.skewed(1.0, 3_600.0))
    changes = (
        Overwrite(row=replace(old, valid_until=ends)),
        Insert(row=world.new_secret(row.site, row.id)),
        Replace(row=replace(row, version=row.version + 1)),
    )
    if isinstance(await process.store.commit(Unit(changes=changes)), Committed):
        process.engine.webhook_changed(row.site, row.id)


async def slide(process: Process, site: SiteId, on: bool) -> None:
    """Move the slider."""
    row = await process.store.sites.get(site)  # type: ignore[attr-defined]
    after = replace(row, version=row.version + 1, webhooks_enabled=on)
    if isinstance(await process.store.commit(Unit(changes=(Replace(row=after),))), Committed):
        process.engine.site_changed(site)


# by hand


async def by_hand(world: "World", action: str) -> None:
    """One delivery sent again, or cancelled; or a test."""
    process = await world.any_ready()
    rows: list[Delivery] = list(world.database.tables.rows["delivery"].values())
    if action == "test":
        webhook_id = world.tape.pick(world.webhook_ids)
        site = world.site_of[webhook_id]
        await process.ask(lambda: process.engine.send_test(site, webhook_id, by=SYSTEM))
        return
    if not rows:
        return
    row = world.tape.pick(rows)
    world.loop.note("by hand", action, row.id)
    if action == "cancel":
        await process.ask(lambda: process.engine.cancel(row.site, row.id))
    elif action == "again":
        await process.ask(lambda: process.engine.send_again(row.site, row.id, by="Ann"))
    else:
        await process.ask(lambda: process.engine.redeliver(row.site, row.id, by="Ann"))


# chats that dwell


@dataclass(slots=True)
class Stay:
    """A chat was in a state from one time on; its timer was to fire after so long."""

    chat: int
    epoch: int
    site: SiteId
    due_at: float  # virtual
    armed: bool = False
    left_by: float | None = None  # before this moment it was surely left; None: it is still there


async def chat(world: "World", number: int) -> None:
    """Comes into a state, stays or goes on to the next."""
    tape, plan = world.tape, world.plan
    site = world.sites[number % len(world.sites)]
    await asyncio.sleep(tape.between(0.0, plan.horizon_s * 0.5))
    sure = True
    for epoch in range(1, 2 + tape.below(4)):
        if world.healed:
            return
        dwell_s = tape.skewed(5.0, plan.horizon_s * 0.2)
        stay = Stay(number, epoch, site, 0.0)
        process = await world.any_ready()
        begun = world.loop.time()
        world.stays.append(stay)
        stay.due_at = begun + dwell_s
        found = await process.ask(lambda p=process, s=stay, d=dwell_s: _enter(p, s, d))  # type: ignore[misc]
        sure = sure and found is not LOST  # else an older one may still come in late
        stay.armed = sure and found is True
        for other in world.stays:
            if other.chat == number and other.epoch < epoch and other.left_by is None:
                other.left_by = begun
        await asyncio.sleep(tape.skewed(1.0, dwell_s * 2))


async def _enter(process: Process, stay: Stay, dwell_s: float) -> bool:
    now, subject = process.clock.now(), f"chat:{stay.chat}"
    timer = Timer(
        site=stay.site, rule=RULE, subject=subject, epoch=stay.epoch, due_at=plus(now, dwell_s), since=now
    )  # fmt: skip
    changes = (DropTimers(site=stay.site, subject=subject, rule=RULE), ArmTimer(timer=timer))
    verdict = await process.store.commit(Unit(changes=changes))
    if isinstance(verdict, Committed):
        process.engine.timers.armed(timer.due_at)
    return isinstance(verdict, Committed)


async def fire(timers: Sequence[Timer], now: Instant) -> list[Firing]:
    """What the desk answers when timers are due: an event each, and the end of the timer."""
    return [
        Firing(
            changes=(DropTimers(site=one.site, subject=one.subject, rule=one.rule),),
            drafts=(
                Draft(
                    type="custom.dwell",
                    by=SYSTEM,
                    occurred_at=now,
                    data=json.dumps({"dwell": [one.subject, one.epoch]}).encode(),
                ),
            ),
        )
        for one in timers
    ]
