"""A started engine for each test."""

from collections.abc import AsyncIterator

import pytest

from deskbell.rules.limits import Limits
from deskbell.storage.memory import MemoryStore
from engine.world import World


@pytest.fixture
def limits() -> Limits:
    """The numbers in force; a module may override it."""
    return Limits()


@pytest.fixture
async def world(limits: Limits) -> AsyncIterator[World]:
    """A started engine on an empty site."""
    made = World(MemoryStore(), limits)
    await made.start()
    yield made
    await made.engine.stop(0.1)
    await made.store.close()
