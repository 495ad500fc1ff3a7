"""Property 12: re-encryption stopped anywhere and resumed ends with one key, whatever happens meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.keyring import resealing
from deskbell.keyring.file import present_ring
from deskbell.keyring.resealing import Resealing
from deskbell.model.changes import Reseal, Unit, Verdict
from deskbell.rules.sealing import Keyring
from deskbell.storage.memory import MemoryStore
from keyring.site import Installed

Step = Callable[[], Awaitable[None]]


class Stopped(Exception):
    """The process was killed."""


class Stopping(MemoryStore):
    """Ends the process before or after the commit of that number."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self.is_after = False

    async def commit(self, unit: Unit) -> Verdict:
        if self.left is None:
            return await super().commit(unit)
        self.left -= 1
        if self.left < 0 and not self.is_after:
            raise Stopped
        verdict = await super().commit(unit)
        if self.left < 0:
            raise Stopped
        return verdict


async def rotate(folder: Path, stops: list[tuple[int, bool]], changes: list[tuple[int, int]]) -> None:
    """Kill it at each stop; before a try some webhooks are changed by a process that still has the old ring."""
    store = Stopping()
    installed = Installed(folder, store)
    old = await installed.ring()
    hooks = await installed.register(old, 7)
    steps = installed.steps()

    async def until_done(step: Step, meanwhile: list[tuple[int, int]]) -> None:
        for attempt, (left, is_after) in enumerate([*stops, (10_000, False)]):
            for which in [which for which, when in meanwhile if when == attempt]:
                await installed.change(old, hooks[which])
            store.left, store.is_after = left, is_after
            try:
                await step()
            except Stopped:
                continue
            finally:
                store.left = None
            return

    async def add() -> None:
        if "next" not in present_ring(steps.config).ids:
            await steps.add("next")

    async def promote() -> None:
        await steps.promote("next")

    async def reseal() -> None:
        await Resealing(store, present_ring(steps.config), installed.chance, installed.clock).run()

    async def drop() -> None:
        if "k1" in present_ring(steps.config).ids:
            await steps.drop("k1")

    await until_done(add, changes)
    await until_done(promote, changes)
    await until_done(reseal, changes)
    await reseal()
    assert await installed.keys_in_use() == {"next"}
    installed.settle()
    await until_done(drop, [])
    left = present_ring(steps.config)
    assert left.ids[0] == "next"
    await installed.must_open(Keyring(left.entries[:1]), hooks)


@settings(max_examples=60, deadline=None)
@given(
    stops=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=3),
    changes=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=4),
)
def test_stopped_anywhere_and_resumed_it_ends_with_one_key(
    stops: list[tuple[int, bool]], changes: list[tuple[int, int]]
) -> None:
    """Each step of the rotation is killed before or after any of its commits, and begun again."""
    before = resealing.BATCH, resealing.PAUSE_S
    resealing.BATCH, resealing.PAUSE_S = 2, 0
    try:
        with TemporaryDirectory() as folder:
            asyncio.run(rotate(Path(folder), stops, changes))
    finally:
        resealing.BATCH, resealing.PAUSE_S = before


class Racing(MemoryStore):
    """Somebody changes a row between its reading and its writing."""

    def __init__(self) -> None:
        super().__init__()
        self.race: Step | None = None

    async def commit(self, unit: Unit) -> Verdict:
        race, is_reseal = self.race, type(unit.changes[0]) is Reseal
        if race is not None and is_reseal:
            self.race = None
            await race()
        return await super().commit(unit)


async def test_a_change_in_the_middle_of_a_batch_is_kept(tmp_path: Path) -> None:
    """It is not overwritten, and the next round seals it anew."""
    store = Racing()
    installed = Installed(tmp_path, store)
    old = await installed.ring()
    (hook,) = await installed.register(old)
    await installed.steps().add(None)
    ring = await installed.steps().promote("k2")

    async def change() -> None:
        await installed.change(old, hook)

    store.race = change
    await installed.steps().reseal(ring, lambda rows: None)
    after = await store.webhooks.get(hook.site, hook.id)
    assert after is not None
    assert after.version == 2
    assert await installed.keys_in_use() == {"k2"}
