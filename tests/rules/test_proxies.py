"""Who asks, behind proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.rules.proxies import client_address, is_exempt, is_within, parse_networks

TRUSTED = parse_networks("10.0.0.0/24, 192.0.2.9,2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("10.0.0.5", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.5", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.5", ["1.1.1.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.5", ["203.0.113.7, 10.0.0.6"], "203.0.113.7"),
        ("10.0.0.5", ["203.0.113.7, 192.0.2.9 , 10.0.0.6"], "203.0.113.7"),
        ("10.0.0.5", ["10.0.0.7, 10.0.0.6"], "10.0.0.7"),
        ("10.0.0.5", ["[2a00::1]:443"], "2a00::1"),
        ("10.0.0.5", ["2a00::1"], "2a00::1"),
        ("10.0.0.5", ["203.0.113.7:5000"], "203.0.113.7"),
        ("::ffff:10.0.0.5", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8::1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.5", [], "10.0.0.5"),
        ("10.0.0.5", [""], "10.0.0.5"),
        ("10.0.0.5", ["unknown"], "10.0.0.5"),
        ("10.0.0.5", ["203.0.113.7, _hidden"], "10.0.0.5"),
        ("203.0.113.1", ["127.0.0.1"], "203.0.113.1"),
        ("10.0.1.5", ["127.0.0.1"], "10.0.1.5"),
        ("", ["127.0.0.1"], ""),
    ],
)
def test_client_address(peer: str, forwarded_for: list[str], client: str) -> None:
    """The first address from the right that no trusted proxy has."""
    assert client_address(peer, forwarded_for, TRUSTED) == client


@given(st.lists(st.text(max_size=40), max_size=4), st.ip_addresses().map(str))
def test_strangers_say_nothing(forwarded_for: list[str], peer: str) -> None:
    """Whatever the header holds, somebody who is no trusted proxy is who they are."""
    if not is_within(peer, TRUSTED):
        assert client_address(peer, forwarded_for, TRUSTED) == peer


@given(st.text(max_size=60))
def test_what_is_written_left_of_a_stranger(forged: str) -> None:
    """An address that the trusted proxy saw itself cannot be talked away by what stands before it."""
    assert client_address("10.0.0.5", [forged, "203.0.113.7"], TRUSTED) == "203.0.113.7"


@pytest.mark.parametrize("text", ["10.0.0.0/33", "proxy.example", "10.0.0.0/24;10.0.1.0/24", "*"])
def test_networks_that_do_not_parse(text: str) -> None:
    """The refusal names the setting and the entry."""
    with pytest.raises(ValueError, match=r"DESKBELL_TRUSTED_PROXIES: '.*' is not like"):
        parse_networks(text)


def test_exempt_from_counting() -> None:
    """Our own machine and the proxies carry many people; others carry themselves."""
    exempt = ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.200", ""]
    assert [address for address in (*exempt, "10.0.1.1", "2a00::1") if is_exempt(address, TRUSTED)] == exempt
