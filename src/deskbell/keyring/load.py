"""The keyring that a process begins with: it must fit the database, and its writing key must be known there."""

import json
from dataclasses import replace

from deskbell.config import Config
from deskbell.keyring.file import FILE, keyring_text, present_ring
from deskbell.keyring.notes import Known, change_known, read_known
from deskbell.model.errors import KeyringFault
from deskbell.ports import Random, Store
from deskbell.rules.sealing import Keyring, keyring_faults, parse_keyring


async def load_keyring(config: Config, store: Store, random: Random, *, registers: bool = True) -> Keyring:
    """The keyring that fits the database. Raises KeyringFault when it does not.

    Before the first key seals, its check record is stored: from then on a database without it does not start.
    """
    known = await read_known(store)
    ring = parse_keyring(keyring_text(config, is_new=not known.checks, random=random))
    known.must_fit(ring)
    if registers:
        await register_writing(store, ring)
    return ring


async def register_writing(store: Store, ring: Keyring) -> None:
    """Make the ring's first key known as one that has sealed. Raises KeyringFault when it may not."""
    key_id = ring.ids[0]

    def step(known: Known) -> Known:
        known.must_fit(ring)
        if key_id in known.checks:
            return known
        added = {name: check for name, check in known.state.added.items() if name != key_id}
        return replace(
            known,
            checks={**known.checks, key_id: ring.check_records()[key_id]},
            state=replace(known.state, added=added),
        )

    await change_known(store, step)


def check_keyring(config: Config, stored: str | None) -> None:
    """Whether the keyring of these settings opens a backup with these check records. Raises KeyringFault."""
    if stored is None:
        return
    path = config.data / FILE
    if config.keys is None and not path.exists():
        raise KeyringFault(f"The backup needs its keyring: put it at {path} first, readable by its owner alone.")
    faults = keyring_faults(present_ring(config), json.loads(stored))
    if faults:
        raise KeyringFault(" ".join(faults))
