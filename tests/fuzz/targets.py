"""What is fuzzed: the readers of foreign text. Each takes bytes and raises only what is a fault of the reader."""

import json
from collections.abc import Callable
from contextlib import suppress

from deskbell.model.credential import Grant
from deskbell.model.errors import Refusal
from deskbell.model.exchange import Reply, Stage
from deskbell.model.instant import from_seconds
from deskbell.outbound.body import Body
from deskbell.outbound.head import Head, read_head
from deskbell.rules.allow import parse_allow
from deskbell.rules.credentials import check_auth
from deskbell.rules.egress import parse_egress_proxy
from deskbell.rules.expression_source import ExpressionFault
from deskbell.rules.expressions import read_expression
from deskbell.rules.headers import check_headers
from deskbell.rules.limits import Limits
from deskbell.rules.retry_after import read_retry_after
from deskbell.rules.strict_json import read_publish
from deskbell.rules.templates import read_template
from deskbell.rules.tokens import read_token, token_request
from deskbell.rules.urls import ReceiverUrl, UrlPolicy, parse_receiver_url
from deskbell.sdk import SignatureRefused, verify

LIMITS = Limits()
POLICY = UrlPolicy(allow=parse_allow("10.0.0.0/8:*,n8n:*"))
NOW = from_seconds(1_700_000_000)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def text_of(data: bytes) -> str:
    """Text that may hold anything that JSON can bring: lone surrogates, too."""
    return data.decode("utf-8", "surrogateescape")


def url(data: bytes) -> None:
    """A receiver URL: the canonical form is stable and plain."""
    found = parse_receiver_url(text_of(data), POLICY, site="dd", limits=LIMITS)
    if isinstance(found, ReceiverUrl):
        assert found.text.isascii()
        assert not set("\r\n\0 \t") & set(found.text)
        assert parse_receiver_url(found.text, POLICY, site="dd", limits=LIMITS) == found


def header(data: bytes) -> None:
    """An own header."""
    name, _, value = text_of(data).partition(":")
    if not check_headers({name: value}, LIMITS):
        assert not set("\r\n\0") & set(name + value)


def retry_after(data: bytes) -> None:
    """A Retry-After value."""
    found = read_retry_after(data.decode("latin-1"), NOW, LIMITS)
    assert found is None or 0 <= found <= LIMITS.retry_after_s_max


def signature(data: bytes) -> None:
    """Signature headers: nothing but the refusal, and never a pass for what was not signed."""
    parts = [*data.decode("latin-1").split("\n", 2), "", ""]
    headers = {"webhook-id": parts[0], "webhook-timestamp": parts[1], "webhook-signature": parts[2]}
    with suppress(SignatureRefused):
        verify(b"[]", headers, [SECRET], now=1_700_000_000)
        raise AssertionError("a signature was made up")


def template(data: bytes) -> None:
    """A template: read, or its faults."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        tree = {"text": text_of(data)}
    found, faults = read_template(tree, LIMITS)
    assert (found is None) == bool(faults)


def expression(data: bytes) -> None:
    """An expression: read, or its fault."""
    with suppress(ExpressionFault):
        read_expression(text_of(data), LIMITS.expression_chars_max)


def publish(data: bytes) -> None:
    """The body of POST /events: read, or a refusal."""
    with suppress(Refusal):
        read_publish(data, LIMITS)


def response(data: bytes) -> None:
    """A response: a head and a body within their caps, or a fault."""
    end = data.find(b"\r\n\r\n") + 4
    found = read_head(data[:end], LIMITS.response_headers_max) if end > 3 else None
    if isinstance(found, Head):
        body = Body(found, method="POST", bytes_max=64)
        for at in range(end, len(data), 7):
            body.feed(data[at : at + 7])
        body.end()
        assert len(body.content()) <= 64


def token(data: bytes) -> None:
    """A token server's answer: a token that a header can hold, or a sentence without anything the server chose."""
    found = read_token(Reply(stage=Stage.READ, status=200 if data[:1] != b"e" else 401, body=data), LIMITS)
    if not isinstance(found, str):
        assert found.text.isascii()
        assert found.text.isprintable()
        assert 0 <= found.good_for_s <= 86_400


def credential(data: bytes) -> None:
    """An `auth` object; what is taken makes a request of whole lines."""
    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        given = {"type": "basic", "username": text_of(data), "password": text_of(data)}
    if isinstance(given, dict) and not check_auth(given, LIMITS) and given["type"] == "oauth2":
        grant = Grant(token_url="", client_id=given["clientId"], client_secret=given["clientSecret"])
        assert not set("\r\n\0") & set("".join(value for _, value in token_request(grant, "x")[0]))


def setting(data: bytes) -> None:
    """The Operator's texts: read, or a sentence."""
    for read in (parse_allow, parse_egress_proxy):
        with suppress(ValueError):
            read(text_of(data))


TARGETS: tuple[Callable[[bytes], None], ...] = (
    url, header, retry_after, signature, template, expression, publish, response, token, credential, setting,
)  # fmt: skip
SEEDS: dict[str, tuple[bytes, ...]] = {
    "url": (
        b"https://example.com:8443/a?b=%2F",
        b"http://[fd12::5]:9/x",
        "https://faß.de/".encode(),
        b"https://n8n:1/",
    ),
    "header": (b"X-Api-Key:abc def",),
    "retry_after": (b"120", b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT"),
    "signature": (b"msg_1\n1700000000\nv1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,x",),
    "template": (b'{"a":"{{ event.id | upper }}","b":{"$":"event.n","or":0},"c":{"$each":"events","as":"e","do":1}}',),
    "expression": (b"type == 'request' and status.name in ('a', 'b') or not x[0].y | default(1)",),
    "publish": (
        b'[{"type":"custom.a","data":{"n":1.50e3},"subject":{"type":"a","id":"1"},"occurredAt":"2020-01-01T00:00:00Z"}]',
    ),
    "response": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.0 404 x\r\n\r\n",
    ),
    "token": (b'{"access_token":"abc","token_type":"Bearer","expires_in":3600}', b'{"error":"invalid_client"}'),
    "credential": (b'{"type":"oauth2","tokenUrl":"https://a.example/","clientId":"a","clientSecret":"b","scope":"c"}',),
    "setting": (b"acme=10.0.0.0/8:443,[fd00::/8]:*,n8n:5678", b"http://proxy:3128"),
}
"""Good texts, from which bad ones are made."""
