"""Rows of the audit for people and programs: members by name, a line of JSON, cells of a spreadsheet, differences."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from deskbell.model.audit import AuditEntry, AuditRow
from deskbell.model.instant import format_instant
from deskbell.rules.text import csv_cell

FORMS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
"""How an export can be written, with its media type."""

COLUMNS = (
    "seq", "at", "actorKind", "actorName", "actorId", "operation", "objectId", "address", "requestId", "before",
    "after", "reason", "previousHash", "hash",
)  # fmt: skip


def members(row: AuditRow) -> dict[str, Any]:
    """A row under the names of the API."""
    entry = row.entry
    return {
        "seq": row.seq,
        "at": format_instant(entry.at),
        "actor": {"kind": entry.actor.kind.value, "name": entry.actor.name, "id": entry.actor.id},
        "operation": entry.operation,
        "objectId": entry.object_id,
        "address": entry.address,
        "requestId": entry.request_id,
        "before": value_of(entry.before),
        "after": value_of(entry.after),
        "reason": entry.reason,
        "previousHash": row.previous_hash,
        "hash": row.hash,
    }


def value_of(text: str | None) -> Any:
    """Before or after as the JSON value that it is; a text that is none stays one."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def head_of(form: str) -> str:
    """What stands before the first row."""
    return csv_line(COLUMNS) if form == "csv" else ""


def line_of(row: AuditRow, form: str) -> str:
    """One row."""
    if form == "jsonl":
        return json.dumps(members(row), ensure_ascii=False, separators=(",", ":")) + "\n"
    entry = row.entry
    return csv_line(
        (
            str(row.seq), format_instant(entry.at), entry.actor.kind.value, entry.actor.name, entry.actor.id or "",
            entry.operation, entry.object_id, entry.address, entry.request_id, entry.before or "", entry.after or "",
            entry.reason or "", row.previous_hash, row.hash,
        )
    )  # fmt: skip


def csv_line(cells: tuple[str, ...]) -> str:
    """One line; no cell is taken for a formula."""
    out = io.StringIO()
    csv.writer(out).writerow([csv_cell(cell) for cell in cells])
    return out.getvalue()


def differences(entry: AuditEntry) -> Iterator[tuple[str, str | None, str | None]]:
    """(member, before, after) of what an entry tells; None: there is nothing on that side."""
    before, after = (value_of(text) for text in (entry.before, entry.after))
    if not isinstance(before or {}, dict) or not isinstance(after or {}, dict):
        yield "", None if before is None else words_of(before), None if after is None else words_of(after)
        return
    names = dict.fromkeys([*(before or {}), *(after or {})])
    for name in names:
        sides = [words_of(side[name]) if side is not None and name in side else None for side in (before, after)]
        if sides[0] != sides[1]:
            yield name, sides[0], sides[1]


def words_of(value: Any) -> str:
    """A value as people read it: texts as they are, nothing as such, lists with commas."""
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(str(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
