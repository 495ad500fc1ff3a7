"""A running Deskbell with its owner signed in."""

from collections.abc import Iterator

import pytest

from portal_kit import DeskApp, Receiver, run_desk_app


@pytest.fixture(scope="module")
def desk_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskApp]:
    """One app for the tests of a file."""
    yield from run_desk_app(tmp_path_factory.mktemp("portal"))


@pytest.fixture
def fresh_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskApp]:
    """An app of one test's own."""
    yield from run_desk_app(tmp_path_factory.mktemp("portal"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers as told."""
    made = Receiver()
    yield made
    made.close()
