"""The inspector's use cases: bins, their captures, and what they answer."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from deskbell.inspector.live_bins import LiveBin, LiveBins
from deskbell.inspector.receive import Answer, Receiving, must_be_mended
from deskbell.inspector.scripts import read_steps, script_of
from deskbell.inspector.signatures import AllSecrets, SecretsOf, Signatures
from deskbell.inspector.waiting import wait_for
from deskbell.model.account import Caller
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import DeleteRow, Insert, Refused, Replace, TrimCaptures, Unit
from deskbell.model.errors import Conflict, FaultAt, Invalid, NotFound
from deskbell.model.ids import SiteId, make_id
from deskbell.model.inspector import Bin, Capture
from deskbell.model.instant import unix_ms
from deskbell.model.people import Actor, ActorKind
from deskbell.ports import Clock, Doorbell, Random, Store
from deskbell.rules.limits import Limits
from deskbell.rules.text import check_line

_ADDRESS_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_MEMBERS = ("name", "webhookId", "script", "steps", "replaceAddress")
_TRIES = 8
NOWHERE = Origin(address="", request_id="")


class Inspector:
    """Bins that capture what is sent to them. Everything but `receive` is of one site."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random: Random,
        limits: Limits,
        doorbell: Doorbell,
        secrets_of: SecretsOf,
        all_secrets: AllSecrets,
        changed: Callable[[SiteId, str, str], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._limits = limits
        self._doorbell = doorbell
        self._changed = changed or _nobody
        self._bins = LiveBins(store=store, clock=clock, limits=limits)
        self._receiving = Receiving(
            store=store,
            clock=clock,
            random=random,
            limits=limits,
            doorbell=doorbell,
            bins=self._bins,
            signatures=Signatures(store=store, secrets_of=secrets_of, all_secrets=all_secrets),
            changed=self._changed,
        )

    async def create(
        self,
        caller: Caller,
        name: str,
        webhook_id: str | None = None,
        script: str = "always ok",
        *,
        origin: Origin = NOWHERE,
    ) -> Bin:
        """A new bin with a ready-made script. Raises Invalid, or Conflict when the site has enough."""
        count_max = self._limits.bins_per_site
        if len(await self._store.bins.all(caller.site)) >= count_max:
            raise Conflict(f"This site has {count_max} bins already. Delete one first.")
        self._check_name(name)
        await self._check_webhook(caller.site, webhook_id)
        now = self._clock.now()
        row = Bin(
            site=caller.site,
            id=make_id("bin", unix_ms=unix_ms(now), chance=self._random.bits(74)),
            name=name,
            address=self._new_address(),
            created_at=now,
            created_by=caller.name,
            webhook_id=webhook_id,
            steps=script_of(script),
        )
        verdict = await self._store.commit(
            Unit(
                changes=(Insert(row=row),), audit=self._audit(caller, "bin.create", row.id, origin, after=told_of(row))
            )
        )
        if isinstance(verdict, Refused):
            must_be_mended(verdict)
            raise Conflict("Try again.")
        self._changed(caller.site, "bin", row.id)
        return row

    async def list(self, site: SiteId) -> tuple[Bin, ...]:
        """The bins of the site."""
        return await self._store.bins.all(site)

    async def get(self, site: SiteId, bin_id: str) -> Bin:
        """The bin. Raises NotFound."""
        found = await self._store.bins.get(site, bin_id)
        if found is None:
            raise NotFound("There is no such bin on this site.")
        return found

    async def change(self, caller: Caller, bin_id: str, patch: Mapping[str, Any], *, origin: Origin = NOWHERE) -> Bin:
        """Change name, webhookId, script (ready-made) or steps (own); `replaceAddress: true` gives a new address.

        A new script begins at its first step. Raises NotFound, Invalid, Conflict.
        """
        await self._check_patch(caller.site, patch)
        steps = read_steps(patch["steps"]) if "steps" in patch else None
        steps = script_of(patch["script"]) if "script" in patch else steps

        def changed(row: Bin) -> Bin:
            row = replace(row, name=patch.get("name", row.name), webhook_id=patch.get("webhookId", row.webhook_id))
            if patch.get("replaceAddress"):
                row = replace(row, address=self._new_address())
            return replace(row, steps=steps, answered=0) if steps is not None else row

        return await self._rewrite(caller, bin_id, origin, changed, script_changed=steps is not None)

    async def delete(self, caller: Caller, bin_id: str, *, origin: Origin = NOWHERE) -> None:
        """Delete the bin and its captures. Raises NotFound."""
        row = await self.get(caller.site, bin_id)
        gone = DeleteRow(site=caller.site, kind="bin", key=(bin_id,))
        async with self._bins.of(row).write:
            entry = self._audit(caller, "bin.delete", bin_id, origin, before=told_of(row))
            verdict = await self._store.commit(Unit(changes=(gone,), audit=entry))
            if isinstance(verdict, Refused):
                must_be_mended(verdict)
                raise NotFound("There is no such bin on this site.")
            self._bins.forget(row.address)
        self._changed(caller.site, "bin", bin_id)

    async def clear(self, caller: Caller, bin_id: str, *, origin: Origin = NOWHERE) -> None:
        """Delete the bin's captures; numbering goes on. Raises NotFound."""
        await self.get(caller.site, bin_id)
        trim = TrimCaptures(site=caller.site, bin_id=bin_id, keep=0)
        verdict = await self._store.commit(
            Unit(changes=(trim,), audit=self._audit(caller, "bin.clear", bin_id, origin))
        )
        if isinstance(verdict, Refused):
            must_be_mended(verdict)
        self._changed(caller.site, "bin", bin_id)

    async def captures(
        self, site: SiteId, bin_id: str, before_seq: int | None = None, limit: int = 50
    ) -> tuple[Capture, ...]:
        """Captures of the bin, newest first. Raises NotFound."""
        await self.get(site, bin_id)
        return await self._store.bins.captures(site, bin_id, before_seq, limit)

    async def capture(self, site: SiteId, capture_id: str) -> Capture:
        """One capture. Raises NotFound."""
        found = await self._store.bins.capture(site, capture_id)
        if found is None:
            raise NotFound("There is no such capture on this site. A bin keeps the newest ones only.")
        return found

    async def wait(
        self, site: SiteId, bin_id: str, count: int, timeout_s: float, after_seq: int = 0
    ) -> tuple[Capture, ...]:
        """The captures newer than `after_seq`, oldest first, as soon as there are `count` or the time is over.

        At most 60 s; fewer than `count` say that the time was over. Raises NotFound.
        """
        await self.get(site, bin_id)
        count = min(max(count, 1), self._limits.captures_per_bin)
        return await wait_for(self._store, self._doorbell, site, bin_id, count, timeout_s, after_seq)

    async def receive(
        self,
        address: str,
        method: str,
        path: str,
        query: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        body_cut: bool,
        peer: str,
    ) -> Answer:
        """Capture one request and say what to answer. Raises NotFound, Throttled, Busy."""
        return await self._receiving.receive(address, method, path, query, headers, body, body_cut, peer)

    @asynccontextmanager
    async def held(self, address: str) -> AsyncIterator[None]:
        """Around a hang or drip: at most so many of a bin at once. Raises Throttled, NotFound."""
        with self._bins.hold(await self._bins.at(address)):
            yield

    async def _rewrite(
        self, caller: Caller, bin_id: str, origin: Origin, changed: Callable[[Bin], Bin], *, script_changed: bool
    ) -> Bin:
        live = self._bins.of(await self.get(caller.site, bin_id))
        async with live.write:
            for _ in range(_TRIES):
                old = live.row
                row = changed(replace(old, answered=live.answered))
                row = replace(row, version=old.version + 1)
                audit = self._audit(caller, "bin.change", bin_id, origin, before=told_of(old), after=told_of(row))
                verdict = await self._store.commit(Unit(changes=(Replace(row=row),), audit=audit))
                if not isinstance(verdict, Refused):
                    self._remember(live, row, script_changed)
                    return row
                must_be_mended(verdict)
                await self._bins.refresh(live)
        raise Conflict("Others are changing this bin at the same time. Try again.")

    def _remember(self, live: LiveBin, row: Bin, script_changed: bool) -> None:
        if row.address == live.row.address:
            live.stored(row, script_changed=script_changed)
        else:
            self._bins.forget(live.row.address)
        self._changed(row.site, "bin", row.id)

    async def _check_patch(self, site: SiteId, patch: Mapping[str, Any]) -> None:
        unknown = [name for name in patch if name not in _MEMBERS]
        if unknown:
            faults = [
                FaultAt(pointer=f"/{name}", code="unknown_member", detail="No such member here.") for name in unknown
            ]
            raise Invalid(faults=tuple(faults))
        if "name" in patch:
            self._check_name(patch["name"])
        if "webhookId" in patch:
            await self._check_webhook(site, patch["webhookId"])
        if "script" in patch and not isinstance(patch["script"], str):
            raise Invalid(faults=(FaultAt(pointer="/script", code="type", detail="The name of a script."),))

    def _check_name(self, name: Any) -> None:
        if not isinstance(name, str):
            raise Invalid(faults=(FaultAt(pointer="/name", code="type", detail="This must be a text."),))
        fault = check_line(name, "/name", self._limits)
        if fault is not None:
            raise Invalid(faults=(fault,))

    async def _check_webhook(self, site: SiteId, webhook_id: Any) -> None:
        if webhook_id is None:
            return
        known = isinstance(webhook_id, str) and await self._store.webhooks.get(site, webhook_id) is not None
        if not known:
            raise Invalid(faults=(FaultAt(pointer="/webhookId", code="unknown", detail="There is no such webhook."),))

    def _new_address(self) -> str:
        chance = int.from_bytes(self._random.secret(17), "big")
        return "".join(_ADDRESS_ALPHABET[chance >> 5 * place & 31] for place in range(26))

    def _audit(
        self, caller: Caller, operation: str, object_id: str, origin: Origin, *, before: str = "", after: str = ""
    ) -> AuditEntry:
        actor = Actor(kind=ActorKind.KEY if caller.kind == "key" else ActorKind.PERSON, name=caller.name, id=caller.id)
        return AuditEntry(
            site=caller.site,
            at=self._clock.now(),
            actor=actor,
            operation=operation,
            object_id=object_id,
            address=origin.address,
            request_id=origin.request_id,
            before=before or None,
            after=after or None,
        )


def told_of(row: Bin) -> str:
    """What the audit tells of a bin; its address is known only to those who see the bin."""
    mark = hashlib.sha256(row.address.encode()).hexdigest()[:8]
    told = {"name": row.name, "webhookId": row.webhook_id, "steps": len(row.steps), "address": f"•••• {mark}"}
    return json.dumps(told, ensure_ascii=False)


def _nobody(site: SiteId, noun: str, item: str) -> None:
    """Nobody looks."""
