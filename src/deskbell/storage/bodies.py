"""Values with a JSON body: encoding, decoding, and the named bindings of their look-up columns."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import msgspec

from deskbell.model.audit import AuditEntry, AuditPlace, AuditRow
from deskbell.storage.nouns import NOUN_OF_TYPE
from deskbell.storage.packing import summed, unsummed

T = TypeVar("T")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be stored")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def body_of(value: Any) -> bytes:
    """The JSON body of a value, with its sum; bytes become base64."""
    return summed(_encode(value))


def value_of(kind: type[T], body: bytes) -> T:
    """The value of a JSON body. Raises Quarantined or ValueError for a damaged one."""
    key: Any = kind
    value: T = _decoder(key).decode(unsummed(body))
    return value


def named(row: Any) -> dict[str, Any]:
    """Bindings by column name: site, key, look-up columns, version where there is one, body."""
    noun = NOUN_OF_TYPE[type(row)]
    found: dict[str, Any] = {"site": row.site, "body": body_of(row)}
    found.update((name, getattr(row, name)) for name in noun.key)
    found.update((name, read(row)) for name, read in noun.columns.items())
    if any(one.name == "version" for one in fields(row)):
        found["version"] = row.version
    return found


def audit_of(row: Any) -> AuditRow:
    """The recorded entry of a row."""
    seq, entry, previous_hash, digest = row
    return AuditRow(seq=seq, entry=value_of(AuditEntry, entry), previous_hash=previous_hash, hash=digest)


def audit_place_of(row: Any) -> AuditPlace:
    """The place of a row of number and hash."""
    seq, digest = row
    return AuditPlace(seq=seq, hash=digest)
