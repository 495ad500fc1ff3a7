"""A desk, and a provider that it trusts."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme

from running import Running, running
from sign_on.provider import Provider, authority_file, served
from sign_on.traveller import set_up


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who vouches for the provider."""
    return trustme.CA()


@pytest.fixture
def provider(authority: trustme.CA) -> Iterator[Provider]:
    """One that says what the test wants."""
    with served(authority) as found:
        yield found


@pytest.fixture
async def bare(tmp_path: Path, authority: trustme.CA) -> AsyncIterator[Running]:
    """A desk without single sign-on."""
    async with running(tmp_path, DESKBELL_CA_FILE=authority_file(authority, tmp_path)) as found:
        yield found


@pytest.fixture
async def desk(bare: Running, provider: Provider) -> Running:
    """A desk that offers the provider."""
    await set_up(bare, provider.issuer)
    return bare
