"""An installation with one site."""

import pytest

from accounts.desk import Desk


@pytest.fixture
async def desk() -> Desk:
    """Nobody has a login yet."""
    found = Desk()
    await found.site()
    return found
