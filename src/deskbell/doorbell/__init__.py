"""Signals between rooms that work may be waiting."""

from deskbell.doorbell.local import LocalDoorbell

__all__ = ["LocalDoorbell"]
