"""What every request must satisfy and every answer carries."""

import pytest

from deskbell.rules.proxies import parse_networks
from deskbell.server.shield import is_odd_path
from server.small import Small, small_app

SECURITY = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
    "strict-transport-security": "max-age=31536000",
    "x-request-id": "req_small",
}


@pytest.mark.parametrize(
    ("method", "target", "host", "status"),
    [
        ("GET", "/open", "desk.example", 200),
        ("HEAD", "/open", "desk.example", 200),
        ("GET", "/open", "evil.example", 400),
        ("GET", "/things", "desk.example", 401),
        ("GET", "/nothing", "desk.example", 404),
        ("GET", "/a/../b", "desk.example", 404),
        ("PUT", "/open", "desk.example", 405),
        ("TRACE", "/open", "desk.example", 405),
        ("GET", "/open?" + "x" * 9_000, "desk.example", 414),
        ("GET", "/often", "desk.example", 429),
        ("GET", "/bug", "desk.example", 500),
        ("GET", "/busy", "desk.example", 503),
    ],
)
async def test_headers_of_every_answer(small: Small, method: str, target: str, host: str, status: int) -> None:
    """Each once, whatever the answer is; nothing names the server or opens it to other origins."""
    answer = await small.ask(method, target, host=host)
    assert answer.status == status
    assert {name: answer.header(name) for name in SECURITY} == SECURITY
    assert answer.header("server") is None
    assert not any(name.startswith("access-control-") for name, _ in answer.headers)


async def test_no_hsts_over_http(small: Small) -> None:
    """Only where the portal is reached by https."""
    plain = Small(desk=small.desk, app=small_app(small.desk, base_url="http://127.0.0.1:8080"))
    answer = await plain.ask("GET", "/open", host="127.0.0.1:8080")
    assert answer.status == 200
    assert answer.header("strict-transport-security") is None
    assert answer.header("x-frame-options") == "DENY"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("desk.example", 200),
        ("DESK.example", 200),
        ("desk.example:443", 200),
        ("desk.example:8443", 400),
        ("desk.example:80", 400),
        ("desk.example.", 400),
        ("desk.example.evil.example", 400),
        ("evil.example", 400),
        ("evil.example:8080", 400),
        ("inner.example", 200),
        ("INNER.example:9000", 200),
        ("ported.example:7000", 200),
        ("ported.example", 400),
        ("127.0.0.1:8080", 200),
        ("localhost:8080", 200),
        ("[::1]:8080", 200),
        ("127.0.0.1", 400),
        ("127.0.0.1:8081", 400),
        ("[::1]", 400),
        ("10.0.0.5:8080", 400),
        ("", 400),
        (":8080", 400),
        ("é", 400),
        ("desk.example@evil.example", 400),
        (None, 400),
    ],
)
async def test_hosts(small: Small, host: str | None, status: int) -> None:
    """The base URL's, a further name, or loopback at our own port; nothing else."""
    app = small_app(small.desk, hosts=("Inner.example", "ported.example:7000"))
    answer = await Small(desk=small.desk, app=app).ask("GET", "/open", host=host)
    assert answer.status == status, answer.body


async def test_loopback_on_port_80(small: Small) -> None:
    """There browsers leave the port out."""
    for host in ("127.0.0.1", "localhost", "[::1]", "127.0.0.1:80"):
        assert (await small.ask("GET", "/open", host=host, server=("127.0.0.1", 80))).status == 200


async def test_two_hosts(small: Small) -> None:
    """Two Host headers are refused even when they agree."""
    assert (await small.ask("GET", "/open", ("Host", "desk.example"))).status == 400


async def test_forwarded_headers_are_passed_over(small: Small) -> None:
    """Nobody says by a header where they come from."""
    forged = (("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=1.2.3.4"))
    answer = await small.ask("POST", "/things", await small.key("webhooks:read"), *forged)
    assert answer.status == 403
    assert (await small.desk.audit())[-1].address == "192.0.2.7"


ODD = [
    "//", "//open", "/open//", "/./open", "/../open", "/x/../open", "/x/..", "/.", "/..", "/%2e%2e/open", "/%2E/open",
    "/.%2e/open", "/x%2fopen", "/x%2Fopen", "/x\\open", "/x%5copen", "/x%00", "/%00",
    "/static/%2e%2e/%2e%2e/etc/passwd", "/static/../../etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("target", ODD)
async def test_odd_paths(small: Small, target: str) -> None:
    """No route is ever reached by a spelling of a path that some other program would read otherwise."""
    answer = await small.ask("GET", target)
    assert answer.status == 404
    assert answer.json["type"] == "/docs/problems/not-found"


@pytest.mark.parametrize(
    "path", [b"/", b"/open", b"/a.b/..c", b"/...", b"/a/b.", b"/%2e%2e%2e", b"/a%20b", b"/%252e%252e"]
)
def test_paths_that_are_not_odd(path: bytes) -> None:
    """Dots inside a name are only dots."""
    assert not is_odd_path(path)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("X", "y" * 15_000)], 200),
        ([("X", "y" * 16_384)], 431),
        ([("Authorization", "A" * 100_000)], 431),
        ([("X", "y" * 5_000)] * 4, 431),
        ([("X", "y")] * 99, 200),
        ([("X", "y")] * 100, 431),
    ],
)
async def test_size_of_the_head(small: Small, headers: list[tuple[str, str]], status: int) -> None:
    """16 KiB and 100 headers with Host; beyond that nothing is looked at."""
    assert (await small.ask("GET", "/open", *headers)).status == status


@pytest.mark.parametrize(("target", "status"), [("/x" + "y" * 8_000, 404), ("/x" + "y" * 8_192, 414)])
async def test_size_of_the_target(small: Small, target: str, status: int) -> None:
    """8 KiB with the query."""
    assert (await small.ask("GET", target)).status == status


async def test_forwarded_by_a_trusted_proxy(small: Small) -> None:
    """What a proxy that the Operator trusts says of who asks stands in the audit."""
    app = small_app(small.desk, trusted_proxies=parse_networks("192.0.2.7"))
    behind = Small(desk=small.desk, app=app)
    said = ("X-Forwarded-For", "1.1.1.1, 2a00::1")
    answer = await behind.ask("POST", "/things", await small.key("webhooks:read"), said)
    assert answer.status == 403
    assert (await small.desk.audit())[-1].address == "2a00::1"
