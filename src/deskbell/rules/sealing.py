"""Secrets at rest: AES-256-GCM under a keyring whose first key writes and whose every key reads.

A record is version (1 byte) ‖ length of key id (1 byte) ‖ key id ‖ nonce (12) ‖ ciphertext ‖ tag (16). The additional
data names the row, so a record that was moved to another row, webhook or site does not open.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deskbell.model.errors import KeyringFault

RECORD_VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class KeyringEntry:
    """One key; its bytes never show in a text."""

    id: str
    key: bytes = field(repr=False)


class Keyring:
    """Keys in order; the first seals, all open."""

    def __init__(self, entries: tuple[KeyringEntry, ...]) -> None:
        """Raises KeyringFault when there is no entry, an id stands twice, or a key is not 32 bytes."""
        if not entries:
            raise KeyringFault("The keyring is empty. It needs at least one line `id:base64 of 32 bytes`.")
        ids = [entry.id for entry in entries]
        for entry in entries:
            if ids.count(entry.id) > 1:
                raise KeyringFault(f"The keyring names the key {entry.id!r} twice. Remove one of the lines.")
            if _KEY_ID.fullmatch(entry.id) is None:
                raise KeyringFault("A key id is 1 to 32 letters, digits, - or _ and begins with a letter or digit.")
            if len(entry.key) != KEY_BYTES:
                raise KeyringFault(f"The key {entry.id!r} has {len(entry.key)} bytes; it must have {KEY_BYTES}.")
        self._take(entries)

    def become(self, other: "Keyring") -> None:
        """Take another ring's keys: everybody who holds this one works with them from now on."""
        self._take(other.entries)

    def _take(self, entries: tuple[KeyringEntry, ...]) -> None:
        self.entries = entries
        self._ciphers = {entry.id: AESGCM(entry.key) for entry in entries}
        self._marks = {entry.id: _derived(entry.key, b"fingerprint") for entry in entries}

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.ids)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """Key ids, the writing one first."""
        return tuple(entry.id for entry in self.entries)

    def seal(self, plaintext: bytes, aad: bytes, nonce: bytes) -> bytes:
        """A record of the plaintext; `nonce` is 12 bytes that were never used before."""
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
        key_id = self.entries[0].id
        named = key_id.encode("ascii")
        return (
            bytes((RECORD_VERSION, len(named))) + named + nonce + self._ciphers[key_id].encrypt(nonce, plaintext, aad)
        )

    def open(self, record: bytes, aad: bytes) -> bytes:
        """The plaintext. Raises KeyringFault when its key is missing, or record, row or key do not belong together."""
        key_id, rest = _read_record(record)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyringFault(f"A stored secret was sealed with the key {key_id!r}, which the keyring does not hold.")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], aad)
        except InvalidTag:
            raise KeyringFault(
                f"A stored secret does not open with the key {key_id!r}: it was changed, or it belongs to another row."
            ) from None

    def fingerprint(self, text: str) -> str:
        """A keyed hash by the writing key: equal for equal texts, useless without the keyring."""
        return _mark(self.entries[0].id, self._marks[self.entries[0].id], text)

    def fingerprints(self, text: str) -> frozenset[str]:
        """The keyed hashes by every key, to find rows that an older key wrote."""
        return frozenset(_mark(key_id, mark, text) for key_id, mark in self._marks.items())

    def check_records(self) -> dict[str, str]:
        """Key id to a text that is stored once and recognises this very key later, without revealing it."""
        return {entry.id: _derived(entry.key, b"check").hex() for entry in self.entries}

    def format(self) -> str:
        """The lines of the keyring file."""
        return "".join(f"{entry.id}:{base64.b64encode(entry.key).decode('ascii')}\n" for entry in self.entries)


def parse_keyring(text: str) -> Keyring:
    """Read `id:base64(32 bytes)` entries, one a line or separated by commas; lines with # are passed over.

    Raises KeyringFault naming the entry by its position or id, never its key.
    """
    entries = []
    for number, piece in enumerate((one.strip() for one in re.split(r"[,\r\n]+", text)), 1):
        if not piece or piece.startswith("#"):
            continue
        key_id, _, encoded = piece.partition(":")
        try:
            key = base64.b64decode(encoded.strip().encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise KeyringFault(f"Entry {number} of the keyring is not `id:base64 of 32 bytes`.") from None
        entries.append(KeyringEntry(id=key_id.strip(), key=key))
    return Keyring(tuple(entries))


def new_keyring(random32: bytes, key_id: str = "k1") -> Keyring:
    """A keyring with one fresh key. Never make one for a database that already holds key ids."""
    return Keyring((KeyringEntry(id=key_id, key=random32),))


def keyring_faults(keyring: Keyring, stored: Mapping[str, str]) -> tuple[str, ...]:
    """Why this keyring does not fit the stored check records (key id to text); empty when it fits."""
    held = keyring.check_records()
    missing = sorted(set(stored) - set(held))
    wrong = sorted(name for name in stored if name in held and not hmac.compare_digest(stored[name], held[name]))
    faults = []
    if missing:
        faults.append(f"The keyring lacks the key {', '.join(missing)}, which sealed what is stored. Add it again.")
    if wrong:
        faults.append(f"The keyring holds another key under the id {', '.join(wrong)} than the one that sealed.")
    return tuple(faults)


def record_key_id(record: bytes) -> str:
    """Which key sealed the record. Raises KeyringFault when it is no record."""
    return _read_record(record)[0]


def aad_secret(site: str, webhook_id: str, secret_id: str) -> bytes:
    """Additional data of a signing secret."""
    return f"{site}|{webhook_id}|{secret_id}".encode()


def aad_field(site: str, owner_id: str, field: str) -> bytes:
    """Additional data of any other sealed field, e.g. `receiverUrl` of a webhook."""
    return f"{site}|{owner_id}|{field}".encode()


def _read_record(record: bytes) -> tuple[str, bytes]:
    start = 2 + record[1] if len(record) > 1 else 0
    if not start or record[0] != RECORD_VERSION or len(record) < start + NONCE_BYTES + TAG_BYTES:
        raise KeyringFault("A stored secret has a form that this version cannot read.")
    try:
        return record[2:start].decode("ascii"), record[start:]
    except UnicodeDecodeError:
        raise KeyringFault("A stored secret has a form that this version cannot read.") from None


def _derived(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, so that no key serves two."""
    return hmac.digest(key, b"deskbell " + purpose, "sha256")


def _mark(key_id: str, mark: bytes, text: str) -> str:
    return f"{key_id}.{hmac.new(mark, text.encode(), hashlib.sha256).hexdigest()[:32]}"
