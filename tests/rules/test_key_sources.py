"""From where a key may be used."""

import pytest

from deskbell.rules.key_sources import SOURCES_MAX, canonical_sources, check_sources, may_come_from


@pytest.mark.parametrize(
    ("sources", "address", "may"),
    [
        ([], "", True),
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["10.0.0.0/8"], "11.1.2.3", False),
        (["10.0.0.0/8"], "::1", False),
        (["2001:db8::/48", "192.0.2.7"], "192.0.2.7", True),
        (["2001:db8::/48"], "2001:db8::5", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["10.0.0.0/8"], "somewhere", False),
        (["10.0.0.0/8"], "", False),
    ],
)
def test_may_come_from(sources: list[str], address: str, may: bool) -> None:
    """From everywhere without networks, else only from inside one of them."""
    assert may_come_from(sources, address) is may


def test_what_is_a_network() -> None:
    """Each fault at its place; what is stored is each network once."""
    assert check_sources(["10.0.0.1/8", "2001:db8::1", "0.0.0.0/0"], "/sources") == ()
    found = check_sources(["10.0.0.0/40", "", "desk.example", "fe80::1%eth0", "\u0661.1.1.1"], "/sources")
    assert [one.pointer for one in found] == [f"/sources/{n}" for n in range(5)]
    assert check_sources(["10.0.0.1"] * (SOURCES_MAX + 1), "/sources")[0].pointer == "/sources"
    assert canonical_sources(["10.0.0.1/8", "10.0.0.0/8", "192.0.2.7"]) == ("10.0.0.0/8", "192.0.2.7/32")
