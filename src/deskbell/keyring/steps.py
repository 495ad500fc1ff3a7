"""The steps of a rotation, each safe to repeat after a crash at any point."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace

from deskbell.config import Config
from deskbell.keyring.file import FILE, present_ring, replace_file
from deskbell.keyring.load import register_writing
from deskbell.keyring.notes import Known, change_known, entry, read_known
from deskbell.keyring.resealing import Resealing, Tally, tally
from deskbell.model.errors import KeyringFault
from deskbell.ports import Clock, Random, Store
from deskbell.rules.keyring_state import drop_refusal, promote_refusal
from deskbell.rules.sealing import KEY_BYTES, Keyring, KeyringEntry


@dataclass(frozen=True, kw_only=True)
class Added:
    """A key that reads from now on."""

    id: str
    entry: str | None  # what to append to DESKBELL_KEYS; None when the file has it


@dataclass(frozen=True, kw_only=True)
class KeyringSteps:
    """What the Operator does with the keyring."""

    config: Config
    store: Store
    clock: Clock
    random: Random

    async def add(self, key_id: str | None) -> Added:
        """A fresh key at the end of the ring: it reads, and writes nothing yet."""
        ring, known = present_ring(self.config), await self._fitting()
        used = {*ring.ids, *known.checks, *known.state.added, *known.state.dropped}
        chosen = key_id or next(name for number in range(1, 10_000) if (name := f"k{number}") not in used)
        if chosen in used:
            raise KeyringFault(f"The id {chosen} was used before. Choose another one, or leave it out.")
        one = KeyringEntry(id=chosen, key=self.random.secret(KEY_BYTES))
        wider = Keyring((*ring.entries, one))
        if self.config.keys is None:
            replace_file(self.config.data / FILE, wider)
        check = wider.check_records()[chosen]

        def step(now_known: Known) -> Known:
            state = now_known.state
            return replace(now_known, state=replace(state, added={**state.added, chosen: check}))

        await change_known(self.store, step, entry(self.clock.now(), "keyring.add", chosen))
        text = None if self.config.keys is None else f"{chosen}:{base64.b64encode(one.key).decode()}"
        return Added(id=chosen, entry=text)

    async def promote(self, key_id: str) -> Keyring:
        """The key writes: first known as needed, then first in the ring, then what all rows are brought to."""
        ring, known = present_ring(self.config), await self._fitting()
        if key_id not in ring.ids:
            raise KeyringFault(f"The keyring does not hold the key {key_id}. It holds {', '.join(ring.ids)}.")
        if key_id in known.state.dropped:
            raise KeyringFault(f"The key {key_id} was dropped. Add a fresh one.")
        now = self.clock.now()
        first = sorted(ring.entries, key=lambda one: one.id != key_id)
        promoted = Keyring(tuple(first))
        refusal = promote_refusal(known.state, key_id, now)
        if refusal is None and self.config.keys is not None and ring.ids[0] != key_id:
            refusal = (
                f"DESKBELL_KEYS decides who writes: put the entry of {key_id} first in it on every node, restart them, "
                "and run this command again."
            )
        if refusal is not None:
            raise KeyringFault(refusal)
        await register_writing(self.store, promoted)
        if self.config.keys is None and ring.ids[0] != key_id:
            replace_file(self.config.data / FILE, promoted)

        def step(now_known: Known) -> Known:
            state = now_known.state
            if state.writes == key_id:
                return now_known
            return replace(now_known, state=replace(state, writes=key_id, resealed=""))

        await change_known(self.store, step, entry(now, "keyring.promote", key_id, {"before": ring.ids[0]}))
        return promoted

    async def reseal(self, ring: Keyring, told: Callable[[int], None]) -> Tally:
        """Seal anew now, beside a running Deskbell or without one."""
        return await Resealing(self.store, ring, self.random, self.clock).run(told)

    async def drop(self, key_id: str) -> None:
        """Take a key out that nothing needs. Raises KeyringFault, naming what still needs it."""
        ring, known = present_ring(self.config), await self._fitting()
        if key_id not in ring.ids and key_id not in {*known.checks, *known.state.added}:
            raise KeyringFault(f"There is no key {key_id}. There are {', '.join(ring.ids)}.")
        if ring.ids[0] == key_id:
            raise KeyringFault(f"{key_id} is the key that writes. Promote another one first.")
        await self._must_be_unused(key_id)
        check = {**known.state.added, **known.checks}.get(key_id) or ring.check_records()[key_id]
        now = self.clock.now()

        def step(now_known: Known) -> Known:
            refusal = drop_refusal(now_known.state, key_id, now)
            if refusal is not None:
                raise KeyringFault(refusal)
            return _without(now_known, key_id, check)

        await change_known(self.store, step, entry(now, "keyring.drop", key_id))
        try:
            await self._must_be_unused(key_id)  # written between the look and the step
        except KeyringFault:
            await change_known(self.store, lambda it: _with(it, key_id, check), entry(now, "keyring.keep", key_id))
            raise
        if self.config.keys is None and key_id in ring.ids:
            left = tuple(one for one in present_ring(self.config).entries if one.id != key_id)
            replace_file(self.config.data / FILE, Keyring(left))

    async def _fitting(self) -> Known:
        known = await read_known(self.store)
        known.must_fit(present_ring(self.config))
        return known

    async def _must_be_unused(self, key_id: str) -> None:
        found = await tally(self.store)
        if found.of(key_id):
            raise KeyringFault(f"The key {key_id} is still needed: {found.tables(key_id)}. Nothing was dropped.")
        if found.unreadable:
            raise KeyringFault(
                f"{found.unreadable} rows with secrets cannot be read, so nobody knows which keys they need. Restore "
                "or delete them first: `deskbell doctor` names them."
            )


def _without(known: Known, key_id: str, check: str) -> Known:
    return replace(
        known,
        checks={name: text for name, text in known.checks.items() if name != key_id},
        state=replace(
            known.state,
            added={name: text for name, text in known.state.added.items() if name != key_id},
            dropped={**known.state.dropped, key_id: check},
        ),
    )


def _with(known: Known, key_id: str, check: str) -> Known:
    dropped = {name: text for name, text in known.state.dropped.items() if name != key_id}
    return replace(
        known, checks={**known.checks, key_id: check}, state=replace(known.state, dropped=dropped, resealed="")
    )
