"""The audit's chain: each row's hash covers the hash before it, so a row cannot be altered or dropped unseen."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

from deskbell.model.audit import AuditEntry, AuditRow

FIRST_HASH = "0" * 64
"""What stands before the first row of a chain."""


def canonical(entry: AuditEntry) -> bytes:
    """The one way to write an entry: UTF-8 JSON, names sorted, no spaces, every member present."""
    return json.dumps(asdict(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chain_hash(previous_hash: str, entry: AuditEntry) -> str:
    """SHA-256, as hex, over the 32 bytes of the previous hash and then the canonical entry."""
    return sha256(bytes.fromhex(previous_hash) + canonical(entry)).hexdigest()


def first_broken(rows: Iterable[AuditRow], previous_hash: str | None = FIRST_HASH) -> int | None:
    """The sequence of the first row that does not follow from the row before it; None when all do.

    Rows come oldest first; `previous_hash` None trusts the first row's own (a chain cut by retention).
    """
    for row in rows:
        before = row.previous_hash if previous_hash is None else previous_hash
        if row.previous_hash != before or row.hash != chain_hash(before, row.entry):
            return row.seq
        previous_hash = row.hash
    return None
