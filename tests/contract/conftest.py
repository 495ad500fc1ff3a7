"""One suite, every store: a store exists when it is green here."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deskbell.ports import Store
from deskbell.storage.memory import MemoryStore
from deskbell.storage.sqlite import SqliteStore


def open_memory(_folder: Path) -> Store:
    """A store in memory."""
    return MemoryStore()


def open_sqlite(folder: Path) -> Store:
    """A store in a real file."""
    return SqliteStore.open(folder / "deskbell.db")


STORES = {"memory": open_memory, "sqlite": open_sqlite}


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    opened = STORES[request.param](tmp_path)
    yield opened
    await opened.close()
