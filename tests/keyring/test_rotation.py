"""A key is added, promoted and dropped while processes run, on both databases."""

import json

import pytest

from deskbell.accounts import AuditReader
from deskbell.keyring.file import FILE, present_ring
from deskbell.keyring.notes import read_known
from deskbell.model.audit import INSTALLATION
from deskbell.model.changes import Reseal, Unit
from deskbell.model.errors import KeyringFault
from deskbell.rules.sealing import Keyring
from keyring.site import Installed, opens


async def test_a_rotation_from_the_first_key_to_the_next(installed: Installed) -> None:
    """Each step in order, with a process that runs all the time; afterwards one key is left everywhere."""
    ring = await installed.ring()
    hooks = await installed.register(ring, 3)
    await installed.change(ring, hooks[0])
    watch, steps = await installed.watch(ring), installed.steps()
    added = await steps.add(None)
    assert (added.id, added.entry) == ("k2", None)
    await watch.look()
    assert ring.ids == ("k1", "k2")
    assert await installed.keys_in_use() == {"k1"}
    await steps.promote("k2")
    await watch.look()
    assert ring.ids == ("k2", "k1")
    assert await installed.keys_in_use() == {"k2"}
    installed.settle()
    await watch.look()
    await steps.drop("k1")
    await watch.look()
    assert ring.ids == ("k2",)
    await installed.must_open(ring, hooks)
    assert (await read_known(installed.store)).checks.keys() == {"k2"}
    rows = await installed.store.audit.range(INSTALLATION, 0, 20)
    told = [(one.entry.operation, one.entry.object_id) for one in rows]
    assert told == [
        ("keyring.add", "k2"),
        ("keyring.promote", "k2"),
        ("keyring.reseal", "k2"),
        ("keyring.drop", "k1"),
    ]
    assert (await AuditReader(store=installed.store).check(INSTALLATION)).broken is None
    await watch.close()
    assert (await read_known(installed.store)).state.rings == {}


async def test_two_nodes_with_mixed_rings(installed: Installed) -> None:
    """Each node reads what the other seals at every step, and no step leaves a node behind."""
    here = await installed.ring("here")
    there_file = installed.config("there").data / FILE
    there_file.write_bytes((installed.config("here").data / FILE).read_bytes())
    there_file.chmod(0o600)
    there = await installed.ring("there")
    watches = [await installed.watch(here, "here"), await installed.watch(there, "there")]
    hooks = await installed.register(there, 2)
    steps = installed.steps("here")
    await steps.add("next")
    await watches[0].look()
    with pytest.raises(KeyringFault, match="there cannot read with the key next yet"):
        await steps.promote("next")
    there_file.write_bytes((installed.config("here").data / FILE).read_bytes())
    await watches[1].look()
    await steps.promote("next")
    await watches[0].look()
    assert (here.ids, there.ids) == (("next", "k1"), ("k1", "next"))
    late = await installed.register(there, 1)
    assert opens(here, late[0])
    await steps.reseal(here, lambda rows: None)
    with pytest.raises(KeyringFault, match="there still writes with the key k1"):
        await steps.drop("k1")
    await installed.steps("there").promote("next")
    await watches[1].look()
    assert there.ids == ("next", "k1")
    await steps.reseal(here, lambda rows: None)
    with pytest.raises(KeyringFault, match=r"Try again in \d+ s"):
        await steps.drop("k1")
    installed.settle()
    await steps.drop("k1")
    await watches[0].look()
    await installed.must_open(here, [*hooks, *late])
    assert here.ids == ("next",)
    assert there.ids == ("next", "k1")
    for one in watches:
        await one.close()


async def test_a_key_that_a_row_needs_is_not_dropped(installed: Installed) -> None:
    """A row that came late, from a process that nobody knows, is found; nothing was dropped then."""
    ring = await installed.ring()
    await installed.register(ring, 1)
    steps = installed.steps()
    await steps.add(None)
    await steps.promote("k2")
    with pytest.raises(KeyringFault, match="still needed: 1 in secret, 1 in webhook, 1 in webhook_version"):
        await steps.drop("k1")
    await steps.reseal(present_ring(steps.config), lambda rows: None)
    installed.settle()
    await installed.register(ring, 1)
    with pytest.raises(KeyringFault, match="still needed: 1 in secret"):
        await steps.drop("k1")
    assert present_ring(steps.config).ids == ("k2", "k1")
    assert "k1" in (await read_known(installed.store)).checks
    await steps.reseal(present_ring(steps.config), lambda rows: None)
    await steps.drop("k1")
    assert present_ring(steps.config).ids == ("k2",)


async def test_keys_of_the_environment(installed: Installed) -> None:
    """With DESKBELL_KEYS the entry is told, and its order there decides who writes."""
    first = Keyring((await installed.ring()).entries).format().strip()
    steps = installed.steps(DESKBELL_KEYS=first)
    added = await steps.add("k9")
    assert added.entry is not None
    assert added.entry.startswith("k9:")
    behind = installed.steps(DESKBELL_KEYS=f"{first},{added.entry}")
    with pytest.raises(KeyringFault, match="put the entry of k9 first"):
        await behind.promote("k9")
    ready = installed.steps(DESKBELL_KEYS=f"{added.entry},{first}")
    assert (await ready.promote("k9")).ids == ("k9", "k1")
    assert (await read_known(installed.store)).state.writes == "k9"


async def test_a_key_that_sealed_nothing_may_be_dropped_at_once(installed: Installed) -> None:
    """Added by mistake; its id is not used again."""
    await installed.ring()
    steps = installed.steps()
    await steps.add(None)
    await steps.drop("k2")
    assert (await steps.add(None)).id == "k3"
    with pytest.raises(KeyringFault, match="was used before"):
        await steps.add("k2")
    for key_id, told in (("k1", "is the key that writes"), ("other", "There is no key other")):
        with pytest.raises(KeyringFault, match=told):
            await steps.drop(key_id)


async def test_damaged_rows_block_a_drop(installed: Installed) -> None:
    """Nobody knows which key they need."""
    ring = await installed.ring()
    (hook,) = await installed.register(ring)
    (row,) = await installed.store.sealed.page("webhook", None, 10)
    assert row.row == hook
    steps = installed.steps()
    await steps.add(None)
    await steps.promote("k2")

    damaged = {"damaged": True}
    await installed.store.commit(Unit(changes=(Reseal(rows=((row, damaged),)),)))
    left = await steps.reseal(present_ring(steps.config), lambda rows: None)
    assert left.unreadable == 1
    installed.settle()
    with pytest.raises(KeyringFault, match="1 rows with secrets cannot be read"):
        await steps.drop("k1")


async def test_check_records_are_kept_as_before(installed: Installed) -> None:
    """What a backup is checked against: the records of the keys that have sealed."""
    ring = await installed.ring()
    assert json.loads(await installed.store.schema.meta("key_checks") or "") == ring.check_records()
