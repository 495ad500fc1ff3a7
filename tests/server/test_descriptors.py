"""How many callers are served at once, by how many files may be open."""

import resource

import pytest

from deskbell.server.descriptors import connections_max, raise_limit


@pytest.mark.parametrize(
    ("descriptors", "served"), [(65_536, 1_000), (4_040, 1_000), (1_024, 246), (64, 6), (40, 1), (8, 1)]
)
def test_the_listener_takes_its_share(descriptors: int, served: int) -> None:
    """What the system allows bounds the limit of the settings; somebody is always served."""
    assert connections_max(1_000, descriptors) == served


def test_the_soft_limit_is_raised() -> None:
    """Up to the hard one; the answer is what is in force."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        found = raise_limit()
        assert found == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        assert found > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
