"""Chains: what follows, what was cut by retention, and what only looks like it."""

import json
from dataclasses import replace

import pytest

from deskbell.model.audit import AuditEntry, AuditPlace, AuditRow
from deskbell.model.ids import SiteId
from deskbell.model.instant import TICKS_PER_SECOND, Instant
from deskbell.model.people import SYSTEM
from deskbell.rules.audit_chain import FIRST_HASH, PURGE, ChainCheck, chain_hash, cut

DAY = 86_400 * TICKS_PER_SECOND


def chain(days: list[int], tells: dict[int, dict[str, object]] | None = None) -> list[AuditRow]:
    """Rows made on these days; some tell of a cut."""
    rows: list[AuditRow] = []
    for seq, day in enumerate(days, 1):
        told = (tells or {}).get(seq)
        entry = AuditEntry(
            site=SiteId("dd"), at=Instant(day * DAY), actor=SYSTEM, operation=PURGE if told else "a.b", object_id="",
            after=json.dumps(told) if told else None,
        )  # fmt: skip
        before = rows[-1].hash if rows else FIRST_HASH
        rows.append(AuditRow(seq=seq, entry=entry, previous_hash=before, hash=chain_hash(before, entry)))
    return rows


def place(row: AuditRow) -> AuditPlace:
    """Its number and hash."""
    return AuditPlace(seq=row.seq, hash=row.hash)


def test_whole_chain() -> None:
    """In any portions; the head is the last row."""
    rows = chain([1, 2, 3])
    check = ChainCheck(None, {3: rows[2].hash})
    assert check.take(rows[:1])
    assert check.take(rows[1:])
    found = check.finish()
    assert (found.rows, found.head, found.broken) == (3, place(rows[2]), None)
    assert found.sentence.startswith("The chain is whole: all 3 rows follow, up to row 3 with hash ")
    assert ChainCheck(None).finish().sentence == "Nothing is recorded yet."


@pytest.mark.parametrize(("known", "broken"), [({2: "f" * 64}, 2), ({4: "f" * 64}, 4)])
def test_known_rows(known: dict[int, str], broken: int) -> None:
    """A chain that was made anew from somewhere, or lost its end, is not the one that the log knew."""
    check = ChainCheck(None, known)
    check.take(chain([1, 2, 3]))
    assert check.finish().broken == broken


def test_cut_that_a_row_tells_of() -> None:
    """Retention's own cut is whole; the same cut without its row, or with another hash, is not."""
    first = chain([1, 2])
    told = {"upTo": 2, "lastHash": first[1].hash, "rows": 2}
    rows = chain([1, 2, 3, 4], {4: told})
    for rows_, broken in ((rows, None), (chain([1, 2, 3, 4]), 3), (chain([1, 2, 3, 4], {4: {**told, "upTo": 1}}), 3)):
        check = ChainCheck(place(rows_[1]))
        check.take(rows_[2:])
        found = check.finish()
        assert found.broken == broken
        assert found.rows == 2
    assert ChainCheck(place(rows[1])).finish().broken == 3
    assert "Rows up to 2 were deleted by retention." in replace(found, broken=None).sentence


@pytest.mark.parametrize(
    ("days", "today", "upto"),
    [
        ([], 500, None),
        ([1, 50, 90], 102, None),  # not a day late yet
        ([1, 50, 90], 103, 1),
        ([1, 50, 60, 90, 150], 200, 4),
        ([1, 2, 3], 500, 2),  # the newest stays
        ([1], 500, None),
        ([1, 150, 2, 199], 200, 1),  # a clock that went back: the beginning ends where something newer stands
    ],
)
def test_cut(days: list[int], today: int, upto: int | None) -> None:
    """What is older than 100 days goes, at most once a day."""
    found = cut(chain(days), Instant(today * DAY), 100)
    assert (found and found.seq) == upto
