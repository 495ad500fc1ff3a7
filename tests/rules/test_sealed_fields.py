"""One list knows every sealed field; whoever forgets to add one is found here."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from contract.made import account, secret, sign_on, webhook
from deskbell.model.account import SecondFactor
from deskbell.model.errors import KeyringFault
from deskbell.model.instant import Instant
from deskbell.rules.sealed_fields import SEALED, key_ids, resealed
from deskbell.rules.sealing import Keyring, KeyringEntry, record_key_id
from deskbell.storage.nouns import NOUNS
from deskbell.storage.statements import statements

SRC = Path(__file__).parents[2] / "src" / "deskbell"
CLEAR = {
    "Event.snapshot",  # payloads are not encrypted by us
    "Delivery.payload",
    "Attempt.response_body",
    "Idempotency.answer",  # never one that holds a secret: server/once.py
    "Capture.body",
    "Capture.payload",
    "Step.body",
}
"""Bytes that are no sealed records."""
SEALERS = {
    "rules/sealed_fields.py",
    "rules/sealing.py",
    "accounts/codes.py",
    "webhooks/safe.py",
    "engine/credentials.py",
    "engine/opened.py",
    "accounts/sign_on.py",
    "accounts/sign_on_settings.py",
}
"""The modules that seal or open fields; a new one is added with a line in SEALED for what it seals."""
USER = account(
    second_factor=SecondFactor(sealed=b"", since=Instant(1), last_step=0, recovery=("a" * 64,)), enrolling=b""
)
OLD, NEW = (KeyringEntry(id=name, key=name.encode() * 16) for name in ("k1", "k2"))


def bytes_members(kind: Any, seen: set[Any]) -> Iterator[str]:
    """Every member of a stored value, however deep, whose type holds bytes."""
    for argument in (kind, *get_args(kind)):
        if get_origin(argument) is not None and argument is not kind:
            yield from bytes_members(argument, seen)
        if is_dataclass(argument) and argument not in seen:
            seen.add(argument)
            hints = get_type_hints(argument)
            for one in fields(argument):
                if re.search(r"\bbytes\b", str(hints[one.name])):
                    yield f"{argument.__name__}.{one.name}"
                yield from bytes_members(hints[one.name], seen)


def test_every_stored_member_that_holds_bytes_is_sealed_or_known_to_be_clear() -> None:
    """A new member of type bytes is either in SEALED, or in the list above with its reason."""
    found = {name for noun in NOUNS for name in bytes_members(noun.type, set())}
    sealed = {name for table in SEALED for name in table.fields}
    assert found - CLEAR == sealed


def test_no_other_module_seals() -> None:
    """Records are made where the list is known; text members cannot hide one."""
    found = set()
    for path in SRC.rglob("*.py"):
        names = {one.attr if isinstance(one, ast.Attribute) else one.id for one in ast.walk(ast.parse(path.read_text()))
                 if isinstance(one, (ast.Attribute, ast.Name))}  # fmt: skip
        if names & {"aad_field", "aad_secret", "AESGCM"}:
            found.add(path.relative_to(SRC).as_posix())
    assert found <= SEALERS


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("table", SEALED, ids=lambda one: one.table)
def test_every_table_of_the_list_has_its_statements(store: str, table: Any) -> None:
    """Reading for all sites, and writing anew what is still as it was read."""
    assert {f"{table.table}_sealed", f"{table.table}_reseal"} <= set(statements(store))


def sealed_rows(ring: Keyring) -> dict[str, Any]:
    """A row of each table of the list, sealed by a ring."""
    hook, own = webhook(), secret(webhook())
    made = {"webhook": hook, "webhook_version": hook, "secret": own, "sign_on": sign_on(), "user": USER}
    return {
        table.table: table.walk(made[table.table], lambda _, aad: ring.seal(b"in clear", aad, b"n" * 12))
        for table in SEALED
    }


@pytest.mark.parametrize("table", SEALED, ids=lambda one: one.table)
def test_resealing_brings_a_row_to_the_writing_key(table: Any) -> None:
    """Every field opens as before by the new key alone, and a row that is done comes back as it is."""
    row = sealed_rows(Keyring((OLD,)))[table.table]
    assert key_ids(table, row) == {"k1"}
    after = resealed(table, row, Keyring((NEW, OLD)), lambda: b"m" * 12)
    assert key_ids(table, after) == {"k2"}
    table.walk(after, lambda record, aad: _opened(Keyring((NEW,)), record, aad))
    assert resealed(table, after, Keyring((NEW, OLD)), lambda: b"m" * 12) == after


@pytest.mark.parametrize("table", SEALED, ids=lambda one: one.table)
def test_a_field_of_another_row_is_not_resealed(table: Any) -> None:
    """Records that were moved do not open, so sealing anew never makes them look right."""
    row = sealed_rows(Keyring((OLD,)))[table.table]
    moved = table.walk(row, lambda _, aad: Keyring((OLD,)).seal(b"x", aad + b"|moved", b"n" * 12))
    with pytest.raises(KeyringFault, match="another row"):
        resealed(table, moved, Keyring((NEW, OLD)), lambda: b"m" * 12)


def _opened(ring: Keyring, record: bytes, aad: bytes) -> bytes:
    assert ring.open(record, aad) == b"in clear"
    assert record_key_id(record) == ring.ids[0]
    return record
