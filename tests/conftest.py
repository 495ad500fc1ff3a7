"""What tests of several rooms share: a PostgreSQL server, started when a test first asks for it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog

from postgres_server import PostgresServer, fresh_database


@pytest.fixture(scope="session", autouse=True)
def loggers_can_be_captured() -> Iterator[None]:
    """A command that a test runs in its own process sets up logs for good: let their loggers still be captured."""
    configure = structlog.configure

    def configure_without_caching(**settings: Any) -> None:
        configure(**{**settings, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", configure_without_caching)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for this test process."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The URL of a new database with all tables."""
    async with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
async def empty_database(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The URL of a new database without tables."""
    name = await postgres_server.create()
    yield postgres_server.url(name)
    await postgres_server.drop(name)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many seeds were simulated, and how fast, over all processes."""
    reports = [one for some in terminalreporter.stats.values() for one in some if getattr(one, "when", "") == "call"]
    found = [value for one in reports for name, value in getattr(one, "user_properties", ()) if name == "simulated"]
    seeds, seconds = sum(one[0] for one in found), sum(one[1] for one in found)
    if seeds:
        terminalreporter.write_line(f"simulated {seeds} seeds in {seconds:.1f} s of one core: {seeds / seconds:.1f}/s")
