"""The engine: accepts events, delivers them, and keeps what is waiting."""

from deskbell.engine.engine import Engine
from deskbell.engine.filter_faults import FilterFault

__all__ = ["Engine", "FilterFault"]
