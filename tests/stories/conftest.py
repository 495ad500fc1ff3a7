"""What every story has: a running Deskbell and a receiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from receiver import Receiver
from running import Running, running


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Running]:
    """A fresh install, served."""
    async with running(tmp_path) as found:
        yield found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The party behind the URL."""
    async with Receiver() as found:
        yield found
