"""A real SQLite store in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deskbell.storage.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An empty database."""
    opened = SqliteStore.open(tmp_path / "deskbell.db")
    yield opened
    await opened.close()
