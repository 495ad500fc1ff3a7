"""A wildcard listener is Deskbell itself at every address of the machine."""

from pathlib import Path

import pytest

from deskbell.config import read_config
from deskbell.own_addresses import local_addresses
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlRefused, parse_receiver_url

TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.168.1.0/24 2 0 1
        |-- 192.168.1.0
           /24 link UNICAST
        |-- 192.168.1.5
           /32 host LOCAL
        |-- 192.168.1.255
           /32 link BROADCAST
"""
INET6 = "fd120000000000000000000000000005 02 40 00 80     eth0\n"


def test_tables_of_the_kernel(tmp_path: Path) -> None:
    """Only the machine's own addresses are taken, none where there is no table."""
    (tmp_path / "trie").write_text(TRIE)
    (tmp_path / "inet6").write_text(INET6)
    assert local_addresses(tmp_path / "trie", tmp_path / "inet6") == ("192.168.1.5", "fd12::5")
    assert local_addresses(tmp_path / "none", tmp_path / "none") == ()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1"])
def test_a_wildcard_covers_the_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """An allow entry for the network does not open our own port at the machine's address there."""
    monkeypatch.setattr("deskbell.config.local_addresses", lambda: ("192.168.1.5", "127.0.0.1"))
    config = read_config({"DESKBELL_ALLOW": "192.168.0.0/16:*"}, host=host)
    policy = config.url_policy()
    found = parse_receiver_url("http://192.168.1.5:8080/api/v1/events", policy, site="desk", limits=Limits())
    assert policy.listen[0] == ("127.0.0.1", 8080)
    assert isinstance(found, UrlRefused) == (host != "127.0.0.1")
