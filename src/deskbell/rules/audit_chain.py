"""The audit's chain: each row's hash covers the hash before it, so a row cannot be altered or dropped unseen."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from deskbell.model.audit import AuditEntry, AuditPlace, AuditRow
from deskbell.model.instant import TICKS_PER_SECOND, Instant

FIRST_HASH = "0" * 64
"""What stands before the first row of a chain."""

PURGE = "audit.purge"
"""The row that tells how far retention cut the chain."""

_DAY = 86_400 * TICKS_PER_SECOND


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


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check of a chain found."""

    rows: int  # that follow one from the other
    head: AuditPlace | None  # the last of them; None: the chain is empty
    checkpoint: AuditPlace | None  # the last row that retention took
    broken: int | None  # the first row that is altered or missing; None: the chain is whole

    @property
    def sentence(self) -> str:
        """The finding in words."""
        if self.broken is not None:
            return f"Row {self.broken} is the first that was altered or is missing; {self.rows:,} before it are whole."
        if self.head is None:
            return "Nothing is recorded yet."
        cut = f" Rows up to {self.checkpoint.seq:,} were deleted by retention." if self.checkpoint else ""
        rows = "1 row follows" if self.rows == 1 else f"all {self.rows:,} rows follow"
        return f"The chain is whole: {rows}, up to row {self.head.seq:,} with hash {self.head.hash}.{cut}"


class ChainCheck:
    """Takes the rows of a chain, oldest first and in any portions.

    `known` are rows by number with the hash that they had: from the log, or from a backup.
    """

    def __init__(self, checkpoint: AuditPlace | None, known: Mapping[int, str] | None = None) -> None:
        self._checkpoint = checkpoint
        self._first = (checkpoint.seq if checkpoint else 0) + 1
        self._known = {seq: digest for seq, digest in (known or {}).items() if seq >= self._first}
        self._seq = self._first - 1
        self._hash = checkpoint.hash if checkpoint else FIRST_HASH
        self._broken: int | None = None
        self._is_told = checkpoint is None

    def take(self, rows: Iterable[AuditRow]) -> bool:
        """Whether the chain is whole so far."""
        for row in rows:
            if self._broken is not None:
                break
            self._take(row)
        return self._broken is None

    def _take(self, row: AuditRow) -> None:
        follows = row.seq == self._seq + 1 and row.previous_hash == self._hash
        if (
            not follows
            or row.hash != chain_hash(self._hash, row.entry)
            or self._known.get(row.seq, row.hash) != row.hash
        ):
            self._broken = row.seq if row.seq <= self._seq + 1 or row.previous_hash != self._hash else self._seq + 1
            return
        self._seq, self._hash = row.seq, row.hash
        self._is_told = self._is_told or cut_told_by(row.entry) == self._checkpoint

    def finish(self) -> Checked:
        """What was found. A cut that no row tells of was made by somebody else; so was a missing end."""
        broken = self._broken
        if broken is None and max(self._known, default=0) > self._seq:
            broken = self._seq + 1
        if broken is None and not self._is_told:
            broken = self._first
        rows = self._seq - self._first + 1
        head = AuditPlace(seq=self._seq, hash=self._hash) if rows or self._checkpoint else None
        return Checked(rows=rows, head=head, checkpoint=self._checkpoint, broken=broken)


def cut_told_by(entry: AuditEntry) -> AuditPlace | None:
    """Where this entry says that retention has cut the chain."""
    if entry.operation != PURGE or entry.after is None:
        return None
    told: Any = json.loads(entry.after)
    return AuditPlace(seq=told["upTo"], hash=told["lastHash"])


def cut(rows: Sequence[AuditRow], now: Instant, days: int) -> AuditRow | None:
    """The last row that retention takes of these, the oldest of a chain; None: nothing for now.

    A row for each cut is added to the chain, so cuts are made at most once a day: a chain that is in constant use
    would else grow by what makes it shorter. The newest row stays, for the next one to follow.
    """
    before = now - days * _DAY
    if not rows or rows[0].entry.at >= before - _DAY:
        return None
    found: AuditRow | None = None
    for row in rows[:-1]:
        if row.entry.at >= before:
            break
        found = row
    return found
