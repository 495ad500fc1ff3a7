"""What stops a start: a missing or wrong key, a file that others read, a dropped key; the text names the ids."""

from dataclasses import replace
from pathlib import Path

import pytest
import structlog.testing

from deskbell.keyring.file import FILE, present_ring, replace_file
from deskbell.model.errors import KeyringFault
from deskbell.rules.keyring_state import GONE_S
from deskbell.rules.sealing import Keyring, KeyringEntry
from deskbell.storage.memory import MemoryStore
from keyring.site import Installed

K9 = KeyringEntry(id="k9", key=b"9" * 32)


@pytest.fixture
async def alone(tmp_path: Path) -> Installed:
    """An installation in memory with its first key."""
    installed = Installed(tmp_path, MemoryStore())
    await installed.ring()
    return installed


def file_of(installed: Installed) -> Path:
    """Its keyring file."""
    return installed.data / FILE


async def test_a_missing_file_is_never_made_anew(alone: Installed) -> None:
    """The database holds key ids: a fresh ring would not open anything."""
    file_of(alone).unlink()
    with pytest.raises(KeyringFault, match=r"deskbell\.keys is missing"):
        await alone.ring()
    assert not file_of(alone).exists()


async def test_a_file_that_others_can_read_is_refused(alone: Installed) -> None:
    """The text says what to do."""
    file_of(alone).chmod(0o640)
    with pytest.raises(KeyringFault, match=r"Run: chmod 600 .*deskbell\.keys"):
        await alone.ring()


async def test_missing_and_wrong_keys_are_named(alone: Installed) -> None:
    """By their ids, never by their bytes."""
    replace_file(file_of(alone), Keyring((K9,)))
    with pytest.raises(KeyringFault, match="lacks the key k1"):
        await alone.ring()
    replace_file(file_of(alone), Keyring((replace(K9, id="k1"),)))
    with pytest.raises(KeyringFault, match="another key under the id k1"):
        await alone.ring()


async def test_a_wrong_key_under_an_added_id_is_named(alone: Installed) -> None:
    """An added key has a check record before it seals; a node that lacks it still starts."""
    before = present_ring(alone.config())
    added = await alone.steps().add("k9")
    assert added.id == "k9"
    replace_file(file_of(alone), Keyring((*before.entries, K9)))
    with pytest.raises(KeyringFault, match="another key under the id k9"):
        await alone.ring()
    replace_file(file_of(alone), before)
    assert (await alone.ring()).ids == ("k1",)


async def test_a_ring_of_before_the_drop_does_not_start(alone: Installed) -> None:
    """It would seal with a key that the others have no more."""
    old = present_ring(alone.config())
    steps = alone.steps()
    await steps.add(None)
    await steps.promote("k2")
    await steps.reseal(present_ring(alone.config()), lambda rows: None)
    alone.settle()
    await steps.drop("k1")
    lacking = Keyring((*old.entries, *present_ring(alone.config()).entries))
    replace_file(file_of(alone), lacking)
    with pytest.raises(KeyringFault, match="writes with the key k1, which was dropped"):
        await alone.ring()
    replace_file(file_of(alone), Keyring(lacking.entries[::-1]))
    assert (await alone.ring()).ids == ("k2", "k1")


async def test_a_running_process_keeps_its_keys_when_the_file_is_bad(alone: Installed) -> None:
    """It says so once; a good file is taken afterwards."""
    ring = await alone.ring()
    watch = await alone.watch(ring)
    good = file_of(alone).read_text()
    with structlog.testing.capture_logs() as logs:
        for bad in ("", "k9:" + "A" * 43 + "=\n", good.replace("k1:", "k7:")):
            file_of(alone).write_text(bad)
            await watch.look()
            await watch.look()
    assert [one["event"] for one in logs] == ["keyring.refused"] * 3
    assert ring.ids == ("k1",)
    replace_file(file_of(alone), Keyring((*ring.entries, K9)))
    await watch.look()
    assert ring.ids == ("k1", "k9")
    await watch.close()


async def test_a_process_with_keys_of_the_environment_is_told_to_restart(alone: Installed) -> None:
    """It cannot notice; the log says what to do, once."""
    text = present_ring(alone.config()).format().strip()
    ring = await alone.ring(DESKBELL_KEYS=text)
    await alone.steps().add("k9")
    wide = present_ring(alone.config()).format().replace("\n", ",")
    ring.become(await alone.ring(DESKBELL_KEYS=wide))
    watch = await alone.watch(ring, DESKBELL_KEYS=wide)
    await alone.steps().promote("k9")
    with structlog.testing.capture_logs() as logs:
        await watch.look()
        await watch.look()
    assert [(one["event"], one["remedy"]) for one in logs] == [
        ("keyring.behind", "put it first in DESKBELL_KEYS and restart")
    ]
    await watch.close()


async def test_a_process_that_is_gone_holds_up_nothing(alone: Installed) -> None:
    """One that was killed is forgotten after a while; until then it is named."""
    await alone.watch(await alone.ring(), "gone")
    steps = alone.steps()
    await steps.add(None)
    with pytest.raises(KeyringFault, match="gone cannot read"):
        await steps.promote("k2")
    alone.clock.go(GONE_S + 1)
    assert (await steps.promote("k2")).ids == ("k2", "k1")
