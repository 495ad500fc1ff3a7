"""Vetting of addresses: every row of the corpus that reaches it, and properties."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bad_inputs import row_id, rows
from deskbell.rules.addresses import AddressRefused, Vetted, is_public, vet
from deskbell.rules.limits import Limits
from deskbell.rules.urls import ReceiverUrl, UrlPolicy, parse_receiver_url
from rules.test_urls import policy

V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)
PRIVATE = st.sampled_from(["10.0.0.5", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "224.0.0.1"])


def url(keys: dict[str, Any]) -> ReceiverUrl:
    """The row's URL; also where the parser would refuse it, since vetting must hold by itself."""
    scheme, port = keys.get("scheme", "https"), keys.get("port", 443)
    text = f"{scheme}://{keys['host']}:{port}/"
    found = parse_receiver_url(text, policy(keys), site="dd", limits=Limits())
    if isinstance(found, ReceiverUrl):
        return found
    return ReceiverUrl(text=text, scheme=scheme, host=keys["host"], port=port, target="/")


ANSWERED = [row for row in rows("resolution") if isinstance(row["input"]["answers"], list) and row["input"]["answers"]]


@pytest.mark.parametrize("row", ANSWERED, ids=row_id)
def test_corpus(row: dict[str, Any]) -> None:
    """Each set of answers is blocked, or dialled at the address that the row says."""
    keys = row["input"]
    found = vet(keys["answers"], url(keys), policy(keys), "dd")
    if row["expect"] == "blocked":
        assert isinstance(found, AddressRefused), row["why"]
    else:
        assert isinstance(found, Vetted), (row["why"], found)
        assert found.addresses[0] == row["expect"].removeprefix("dial:")


@given(V6)
def test_only_assigned_ipv6_is_public(address: ipaddress.IPv6Address) -> None:
    """Everything outside 2000::/3 is refused."""
    if address not in ipaddress.IPv6Network("2000::/3"):
        assert not is_public(address)


@given(PRIVATE)
def test_other_spellings_of_private_ipv4(text: str) -> None:
    """Mapped, compatible, translated and tunnelled spellings of a forbidden address are forbidden."""
    number = int(ipaddress.IPv4Address(text))
    for prefix in (
        0xFFFF << 32,
        0,
        0xFFFF << 48,
        0x64FF9B << 96,
        (0x64FF9B << 96) | (1 << 80),
        0x2002 << 112 | number << 80,
    ):
        assert not is_public(ipaddress.IPv6Address(prefix | number))
        assert not is_public(ipaddress.IPv6Address(prefix | number), nat64=True)


@given(V4)
def test_nat64_is_judged_by_its_ipv4(address: ipaddress.IPv4Address) -> None:
    """With NAT64 on, the translated address is public exactly when the IPv4 address is."""
    translated = ipaddress.IPv6Address((0x64FF9B << 96) | int(address))
    assert is_public(translated, nat64=True) == is_public(address)
    assert not is_public(translated)


@given(st.lists(st.just("93.184.216.34"), max_size=5), PRIVATE, st.integers(0, 5))
def test_one_forbidden_answer_blocks_all(good: list[str], bad: str, place: int) -> None:
    """Any forbidden answer blocks, in any order and number."""
    answers = [*good[:place], bad, *good[place:]]
    assert isinstance(vet(answers, url({"host": "h.example.com"}), UrlPolicy(), "dd"), AddressRefused)


def test_no_entry_opens_ourselves() -> None:
    """An entry for everything does not open our own listener."""
    keys = {"host": "h.example.com", "allow": ["0.0.0.0/0:*"], "port": 8080, "scheme": "http"}
    found = vet(["127.0.0.1"], url(keys), policy(keys), "dd")
    assert isinstance(found, AddressRefused)
    assert found.rule == "address_ourselves"


@pytest.mark.parametrize(
    "answer",
    ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "224.0.0.1", "2002:a00:1::"],
)
def test_named_entry_never_opens_metadata(answer: str) -> None:
    """A host:port entry leads to internal networks, never to a cloud's own services; only its CIDR entry does."""
    keys: dict[str, Any] = {"host": "n8n", "allow": ["n8n:5678"], "port": 5678, "scheme": "http"}
    assert isinstance(vet(["100.100.100.201"], url(keys), policy(keys), "dd"), Vetted)
    assert isinstance(vet([answer], url(keys), policy(keys), "dd"), AddressRefused)
    network = f"[{answer}]" if ":" in answer else answer
    keys["allow"] = [f"{network}:5678"]
    assert isinstance(vet([answer], url(keys), policy(keys), "dd"), Vetted)


@pytest.mark.parametrize("answer", ["2606:4700::1%eth0", "nonsense", "", "1.1.1.1 ", "01.1.1.1"])
def test_what_is_no_plain_address_is_refused(answer: str) -> None:
    """An answer that is no address, or one with a zone, blocks."""
    found = vet(["1.1.1.1", answer], url({"host": "h.example.com"}), UrlPolicy(), "dd")
    assert isinstance(found, AddressRefused)
    assert found.rule == "address_not_public"


@given(
    st.lists(st.one_of(V4, V6).map(str), min_size=1, max_size=4), st.sampled_from(["10.0.0.0/8:*", "[2000::/3]:443"])
)
def test_an_entry_never_blocks(answers: list[str], entry: str) -> None:
    """What passed without an entry passes with one."""
    keys: dict[str, Any] = {"host": "h.example.com"}
    if isinstance(vet(answers, url(keys), policy(keys), "dd"), Vetted):
        assert isinstance(vet(answers, url(keys), policy({**keys, "allow": [entry]}), "dd"), Vetted)
