"""Replays as a person handles them: begin, pause, resume, cancel; and what happened while webhooks were off."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from deskbell.model.account import Caller, Permission
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import Change, Insert, Refused, Replace, Unit
from deskbell.model.errors import Conflict, Forbidden, NotFound
from deskbell.model.ids import SiteId, make_id
from deskbell.model.instant import Instant, format_instant, unix_ms
from deskbell.model.replay import Choice, Replay, ReplayState
from deskbell.model.site import Site
from deskbell.model.webhook import WebhookState
from deskbell.ports import Clock, Random, Replayer, Store
from deskbell.rules.limits import Limits
from deskbell.rules.replay_run import moved
from deskbell.webhooks.audit_view import as_json
from deskbell.webhooks.ground import CHANGED_MEANWHILE, actor_of, refusal_of
from deskbell.webhooks.replay_reading import ReplayReading
from deskbell.webhooks.replay_wish import Wish, chosen

TRIES_MAX = 50
"""A run writes its row with every step; a person is served in between."""
_PAGE = 100
_VERBS = {
    ReplayState.PAUSED: "replay.pause",
    ReplayState.RUNNING: "replay.resume",
    ReplayState.CANCELLED: "replay.cancel",
}


class Replays(ReplayReading):
    """The site's replays; each change is audited in its own unit."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random: Random,
        limits: Limits,
        replayer: Replayer,
        site_changed: Callable[[SiteId], None],
    ) -> None:
        super().__init__(store=store, clock=clock, limits=limits, replayer=replayer)
        self._random = random
        self._site_changed = site_changed

    async def begin(
        self,
        caller: Caller,
        wish: Wish,
        *,
        origin: Origin,
        also: Callable[[Replay], Sequence[Change]] = lambda replay: (),
    ) -> Replay:
        """Count, then run. Raises Invalid, or Conflict when it cannot send now; `also` is written in the same unit."""
        site = await self._site(caller.site)
        if not site.webhooks_enabled:
            raise Conflict("Webhooks are off for this site. Switch them on first.", reason="off")
        await self._check_room(caller.site)
        now = self._clock.now()
        choice = chosen(wish, await self._store.webhooks.all(caller.site), now, self._limits)
        if any(site.holds(one) for one in choice.webhook_ids):
            raise Conflict("A backup was restored: first answer what is to be sent.", reason="restored")
        made = await self._made(caller, choice, now, wish.rate_per_second)
        entry = self._entry(caller, origin, "replay.create", made.id, after=as_json(view(made)))
        await self._write((Insert(row=made), *also(made)), entry)
        return made

    async def begin_missed(self, caller: Caller, *, origin: Origin) -> Replay:
        """Send what happened while webhooks were off, exactly; the question is answered in the same unit."""
        if not caller.may(Permission.DELIVERIES_REPLAY):
            raise Forbidden
        await self._check_room(caller.site)
        site = await self._site(caller.site)
        if site.missed is None or not site.webhooks_enabled:
            raise Conflict("Nothing is to be answered: no events wait for it.", reason="nothing_missed")
        webhooks = await self._store.webhooks.all(caller.site)
        choice = Choice(
            webhook_ids=tuple(one.id for one in webhooks if one.state is not WebhookState.DELETED),
            states=("missed",),
            since=site.missed.since,
            until=site.missed.until,
        )
        made = await self._made(caller, choice, self._clock.now(), None)
        answer = as_json({"answer": "replay", "replayId": made.id, "total": made.total})
        entry = self._entry(caller, origin, "site.missed", site.site, before=as_json({"missed": True}), after=answer)
        answered = Replace(row=replace(site, missed=None, version=site.version + 1))
        await self._write((Insert(row=made), answered), entry)
        self._site_changed(site.site)
        return made

    async def pause(self, caller: Caller, replay_id: str, *, origin: Origin) -> Replay:
        """Begin no more deliveries until it is resumed. Raises Conflict when it does not run."""
        return await self._move(caller, replay_id, ReplayState.PAUSED, origin)

    async def resume(self, caller: Caller, replay_id: str, *, origin: Origin) -> Replay:
        """Go on where it was paused. Raises Conflict when it is not paused."""
        return await self._move(caller, replay_id, ReplayState.RUNNING, origin)

    async def cancel(self, caller: Caller, replay_id: str, *, origin: Origin) -> Replay:
        """Begin no more deliveries, for good; those that were begun go on. Raises Conflict when it has ended."""
        return await self._move(caller, replay_id, ReplayState.CANCELLED, origin)

    async def _move(self, caller: Caller, replay_id: str, state: ReplayState, origin: Origin) -> Replay:
        for _ in range(TRIES_MAX):
            before = await self.get(caller.site, replay_id)
            after = moved(before, state, by=actor_of(caller), now=self._clock.now())
            if after is None:
                raise Conflict(f"This replay is {before.state.value}.", reason=before.state.value)
            entry = self._entry(
                caller,
                origin,
                _VERBS[state],
                before.id,
                before=as_json({"state": before.state.value, "done": before.done}),
                after=as_json({"state": after.state.value, "done": after.done}),
            )
            verdict = await self._store.commit(Unit(changes=(Replace(row=after),), audit=entry))
            if not isinstance(verdict, Refused):
                self._replayer.replay_changed()
                return after
            if verdict.reason != "version":
                raise refusal_of(verdict)
        raise Conflict(CHANGED_MEANWHILE, reason="version")

    async def _made(self, caller: Caller, choice: Choice, now: Instant, rate: float | None) -> Replay:
        """A new run, counted; one with nothing to do has ended already."""
        total = sum((await self._replayer.count_replay(caller.site, choice, now)).values())
        return Replay(
            site=caller.site,
            id=make_id("rpl", unix_ms=unix_ms(now), chance=self._random.bits(74)),
            choice=choice,
            by=actor_of(caller),
            created_at=now,
            total=total,
            state=ReplayState.RUNNING if total else ReplayState.FINISHED,
            rate_per_second=rate,
            ended_at=None if total else now,
        )

    async def _write(self, changes: tuple[Change, ...], entry: AuditEntry) -> None:
        verdict = await self._store.commit(Unit(changes=changes, audit=entry))
        if isinstance(verdict, Refused):
            raise refusal_of(verdict)
        self._replayer.replay_changed()

    async def _check_room(self, site: SiteId) -> None:
        """Raises Conflict when so many run or are paused that one more would only wait."""
        open_states = (ReplayState.RUNNING, ReplayState.PAUSED)
        rows = await self._store.replays.page(site, None, _PAGE)
        if sum(row.state in open_states for row in rows) >= self._limits.replays_running_max:
            most = self._limits.replays_running_max
            raise Conflict(f"{most} replays have not ended yet. Wait for one, or cancel one.", reason="too_many")

    async def _site(self, site: SiteId) -> Site:
        found = await self._store.sites.get(site)
        if found is None:
            raise NotFound
        return found

    def _entry(
        self,
        caller: Caller,
        origin: Origin,
        operation: str,
        object_id: str,
        *,
        before: str | None = None,
        after: str | None = None,
    ) -> AuditEntry:
        return AuditEntry(
            site=caller.site,
            at=self._clock.now(),
            actor=actor_of(caller),
            operation=operation,
            object_id=object_id,
            address=origin.address,
            request_id=origin.request_id,
            before=before,
            after=after,
        )


def view(replay: Replay) -> dict[str, Any]:
    """What the audit tells of a new replay."""
    choice = replay.choice
    return {
        "webhookIds": list(choice.webhook_ids),
        "states": list(choice.states),
        "since": None if choice.since is None else format_instant(choice.since),
        "until": None if choice.until is None else format_instant(choice.until),
        "eventTypes": list(choice.event_types),
        "words": list(choice.words),
        "ratePerSecond": replay.rate_per_second,
        "total": replay.total,
    }
