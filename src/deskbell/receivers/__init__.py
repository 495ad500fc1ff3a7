"""Receiver kinds, one line each."""

from collections.abc import Mapping
from types import MappingProxyType

from deskbell.receivers.contract import Kind
from deskbell.receivers.generic.kind import KIND as GENERIC

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "generic": GENERIC,
    }
)
"""By name, in the order in which they are offered."""

__all__ = ["KINDS", "Kind"]
