"""The small app with an owner."""

import pytest

from accounts.desk import Desk
from server.small import Small, small_app


@pytest.fixture
async def small() -> Small:
    """Nobody is signed in yet."""
    desk = Desk()
    await desk.site()
    await desk.owner()
    return Small(desk=desk, app=small_app(desk))
