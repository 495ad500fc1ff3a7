"""Installations on every store that a rotation runs on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deskbell.storage.postgres import PostgresStore
from deskbell.storage.sqlite import SqliteStore
from keyring.site import Installed
from postgres_server import fresh_database


@pytest.fixture(params=["postgres", "sqlite"])
async def installed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Installed]:
    """A new installation on each database."""
    if request.param == "sqlite":
        store = SqliteStore.open(tmp_path / "deskbell.db")
        yield Installed(tmp_path, store)
        await store.close()
        return
    async with fresh_database(request.getfixturevalue("postgres_server")) as url:
        shared = await PostgresStore.open(url)
        yield Installed(tmp_path, shared)
        await shared.close()
