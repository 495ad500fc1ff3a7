"""The keyring's text: from DESKBELL_KEYS, else a file beside the database, made once and never replaced in silence."""

import base64
import os
from pathlib import Path

from deskbell.config import Config
from deskbell.model.errors import KeyringFault
from deskbell.ports import Random
from deskbell.rules.sealing import KEY_BYTES, Keyring, parse_keyring

FILE = "deskbell.keys"
Mark = tuple[int, int, int]
"""What of a file changes with its content."""


def keyring_text(config: Config, *, is_new: bool, random: Random) -> str:
    """The entries in force; a fresh file is made only for a database that holds nothing sealed yet."""
    return config.keys or read_file(config.data / FILE, is_new=is_new, random=random)


def read_file(path: Path, *, is_new: bool, random: Random) -> str:
    """The file's text, made when everything is new. Raises KeyringFault when it is missing or others can read it."""
    if not path.exists():
        if not is_new:
            raise KeyringFault(f"{path} is missing, and the database holds secrets that only it can open. Restore it.")
        text = f"k1:{base64.b64encode(random.secret(KEY_BYTES)).decode()}\n"
        _write_new(path, text)
        return text
    return read_present(path)


def read_present(path: Path) -> str:
    """The text of a file that is there. Raises KeyringFault when others can read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise KeyringFault(f"{path} can be read by others. Run: chmod 600 {path}")
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyringFault(f"{path} cannot be read: {error}") from None


def replace_file(path: Path, ring: Keyring) -> None:
    """Put another ring in the file's place, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    _write_new(fresh, ring.format())
    os.replace(fresh, path)
    _sync_folder(path.parent)


def mark_of(path: Path) -> Mark | None:
    """What tells whether the file was changed; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def present_ring(config: Config) -> Keyring:
    """The ring as file or setting hold it now. Raises KeyringFault."""
    return parse_keyring(config.keys or read_present(config.data / FILE))


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
