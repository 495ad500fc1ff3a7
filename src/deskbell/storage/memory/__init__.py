"""The twin in memory: every promise of the Store port but durability, for fast tests and simulations."""

from deskbell.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]
