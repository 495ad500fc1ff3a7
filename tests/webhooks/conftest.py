"""A started engine with registrations."""

from collections.abc import AsyncIterator

import pytest

from webhooks.office import Office


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """The registrations of one site."""
    found = Office()
    await found.world.start()
    yield found
    await found.world.engine.stop(1.0)
