"""One suite, every store: a store exists when it is green here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deskbell.ports import Store
from deskbell.storage.memory import MemoryStore
from deskbell.storage.postgres import PostgresStore
from deskbell.storage.sqlite import SqliteStore
from postgres_server import fresh_database


@asynccontextmanager
async def memory(_request: pytest.FixtureRequest, _folder: Path) -> AsyncIterator[Store]:
    """A store in memory."""
    yield MemoryStore()


@asynccontextmanager
async def sqlite(_request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Store]:
    """A store in a real file."""
    yield SqliteStore.open(folder / "deskbell.db")


@asynccontextmanager
async def postgres(request: pytest.FixtureRequest, _folder: Path) -> AsyncIterator[Store]:
    """A store in a real PostgreSQL."""
    async with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield await PostgresStore.open(url)


STORES = {"memory": memory, "postgres": postgres, "sqlite": sqlite}


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    async with STORES[request.param](request, tmp_path) as opened:
        yield opened
        await opened.close()
