"""What fault tests share: processes that start at once, each with a data directory of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.nursery import Nursery
from faults.process import ENVIRONMENT, Process, ports

MakeProcess = Callable[..., Process]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The parent of this test process's Deskbells."""
    made = Nursery(ENVIRONMENT)
    yield made
    made.close()


@pytest.fixture
def make_process(tmp_path: Path, nursery: Nursery) -> Iterator[MakeProcess]:
    """Makes and sets up processes, not started yet; whatever still runs at the end is killed."""
    made: list[Process] = []

    def make(name: str = "data", **environment: str) -> Process:
        process = Process(data=tmp_path / name, port=ports(), nursery=nursery, environment=environment)
        process.init()
        made.append(process)
        return process

    yield make
    for one in made:
        if one.child is not None and one.child.poll() is None:
            one.kill()
