"""The shared store in PostgreSQL 15 and newer, through asyncpg."""

from deskbell.storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
