"""The keyring: from DESKBELL_KEYS, else a file beside the database, made once and never replaced in silence."""

import base64
import json
import os
from pathlib import Path

from deskbell.clock import SystemRandom
from deskbell.config import Config
from deskbell.model.errors import KeyringFault
from deskbell.ports import Store
from deskbell.rules.sealing import Keyring, keyring_faults, parse_keyring

FILE = "deskbell.keys"
_CHECKS = "key_checks"


async def load_keyring(config: Config, store: Store, random: SystemRandom) -> Keyring:
    """The keyring that fits the database. Raises KeyringFault when it does not."""
    stored = await store.schema.meta(_CHECKS)
    text = config.keys or read_file(config.data / FILE, is_new=stored is None, random=random)
    keyring = parse_keyring(text)
    check(keyring, stored)
    return keyring


def check_keyring(config: Config, stored: str | None) -> None:
    """Whether the keyring of these settings opens a backup with these check records. Raises KeyringFault."""
    if stored is None:
        return
    path = config.data / FILE
    if config.keys is None and not path.exists():
        raise KeyringFault(f"The backup needs its keyring: put it at {path} first, readable by its owner alone.")
    check(parse_keyring(config.keys or path.read_text()), stored)


def check(keyring: Keyring, stored: str | None) -> None:
    """Raises KeyringFault when the keyring does not fit the stored check records."""
    faults = keyring_faults(keyring, json.loads(stored)) if stored is not None else ()
    if faults:
        raise KeyringFault(" ".join(faults))


def read_file(path: Path, *, is_new: bool, random: SystemRandom) -> str:
    """The file's text; a fresh one is made only for a database that holds nothing sealed yet."""
    if path.exists():
        if path.stat().st_mode & 0o077:
            raise KeyringFault(f"{path} can be read by others. Run: chmod 600 {path}")
        return path.read_text()
    if not is_new:
        raise KeyringFault(f"{path} is missing, and the database holds secrets that only it can open. Restore it.")
    text = f"k1:{base64.b64encode(random.secret(32)).decode()}\n"
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return text
