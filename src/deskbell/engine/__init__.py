"""The engine: accepts events, delivers them, and keeps what is waiting."""

from deskbell.engine.engine import Engine

__all__ = ["Engine"]
