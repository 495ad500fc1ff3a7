"""The walls: sizes, imports, words. When one hurts, redraw the room; do not raise the wall."""

import ast
import re
from statistics import mean, median

import pytest

from house.source import (
    BANNED,
    BANNED_MODULES,
    BANNED_WORD,
    PACKAGE,
    defined_names,
    files,
    functions,
    imports,
    tree,
    words_of,
)

NETWORK = (
    "socket", "ssl", "http.client", "urllib.request", "smtplib", "imaplib", "poplib", "ftplib", "telnetlib", "nntplib",
    "xmlrpc", "socketserver", "socks", "aiohttp", "httpx", "httpcore", "requests", "urllib3", "aiosmtplib", "pycurl",
    "websockets", "paramiko", "dns", "aiodns", "pycares",
)  # fmt: skip
CONNECTS = {
    "open_connection", "create_connection", "open_unix_connection", "create_unix_connection", "sock_connect",
    "create_datagram_endpoint", "getaddrinfo", "getnameinfo", "start_tls",
}  # fmt: skip
"""What asyncio and the loop offer for the same."""
MAY_OPEN_SOCKETS = {
    "server/listener.py": {"socket"},  # it listens, it does not connect
    "cli/client.py": {"http.client"},  # the command line, a client of the API that a person names
    "cli/demo.py": {"socket"},  # looks for a free port of this machine
    "checkup.py": {"ssl"},  # reads the version of OpenSSL
}


def lengths() -> dict[str, int]:
    """Lines by file."""
    return {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in files()}


def test_sizes_of_files() -> None:
    """Median at most 120 lines, none over 400, three quarters at most 150."""
    found = {name: lines for name, lines in lengths().items() if lines > 1}
    assert {name: lines for name, lines in found.items() if lines > 400} == {}
    assert median(found.values()) <= 120
    assert sum(lines <= 150 for lines in found.values()) >= 0.75 * len(found)


def test_sizes_of_functions() -> None:
    """Nine in ten at most 25 lines, none over 70."""
    found = [(f"{path.name}:{name}", lines) for path in files() for name, lines in functions(path)]
    assert [one for one in found if one[1] > 70] == []
    assert sum(lines <= 25 for _, lines in found) >= 0.9 * len(found)


def test_imports_per_module() -> None:
    """A module imports few of our own rooms: the mean counts rooms, not names."""
    rooms = []
    for path in files():
        own = {name.split(".")[1] for name in imports(path) if name.startswith("deskbell.")}
        own.discard(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))
        rooms.append(len(own))
    assert mean(rooms) <= 2.5


def test_no_vague_modules() -> None:
    """No utils, common, helpers, base or manager."""
    assert [path for path in files() if path.stem in BANNED_MODULES or path.parent.name in BANNED_MODULES] == []


def test_words_in_names() -> None:
    """One word per thing: the refused words stand in no name that we define."""
    found = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in files()
        for name in (*defined_names(path), path.stem)
        if BANNED_WORD.search(words_of(name))
    }
    assert found == set()


@pytest.mark.parametrize(
    "template", sorted((PACKAGE / "portal" / "templates").rglob("*.html")), ids=lambda path: path.name
)
def test_words_in_templates(template) -> None:  # type: ignore[no-untyped-def]  # a path
    """The refused words stand in no text of a template."""
    text = re.sub(r"<code\b.*?</code>|{#.*?#}|<[^>]*>|{%.*?%}|{{.*?}}", " ", template.read_text(), flags=re.S).lower()
    assert [word for word in BANNED if re.search(rf"\b{word}s?\b", text)] == []


def test_only_outbound_opens_connections() -> None:
    """Everything that a user, an event or a receiver can influence goes through the guarded dialler."""
    found = {}
    for path in files():
        name = str(path.relative_to(PACKAGE))
        used = {module for module in imports(path) if module in NETWORK or module.split(".")[0] in NETWORK}
        used |= {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)} & CONNECTS
        if not name.startswith("outbound/") and used - MAY_OPEN_SOCKETS.get(name, set()):
            found[name] = used
    assert found == {}


def test_no_module_has_a_relative_import_or_star() -> None:
    """Names are imported from where they are, in full."""
    assert [str(path) for path in files() if re.search(r"^from \.|import \*", path.read_text(), re.M)] == []
