"""Properties of the wire: headers keep their bytes, signatures notice every bit, retries keep their schedule."""

import base64
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deskbell.model.exchange import Outcome, OutcomeClass, Sendable
from deskbell.model.ids import SiteId
from deskbell.model.instant import from_seconds, to_seconds
from deskbell.outbound.request import build_head
from deskbell.rules.headers import RESERVED, RESERVED_PREFIXES, check_headers
from deskbell.rules.limits import RETRY_SCHEDULE_S, Limits
from deskbell.rules.retry import decide
from deskbell.rules.signing import sign_v1
from deskbell.sdk import SignatureRefused, verify

LIMITS = Limits()
NOW = 1_700_000_000
NAME = st.text(st.sampled_from("aZ0!#$%&'*+-.^_|~` :\r\n\0é"), max_size=8) | st.sampled_from(
    ["x-a", "Host", "x-\r\nb: c"]
)
VALUE = st.text(st.characters(max_codepoint=0x180), max_size=12) | st.sampled_from(["a b", " a", "a\r\nx: y", "\u212a"])


@given(st.dictionaries(NAME, VALUE, max_size=4))
def test_what_is_saved_is_sent_as_one_line_with_those_bytes(headers: dict[str, str]) -> None:
    """A header that passes stands in the request exactly once, as typed, and adds no other line."""
    if check_headers(headers, LIMITS):
        return
    own = (("content-type", "application/json"), ("content-length", "2"))
    sent = Sendable(site=SiteId("dd"), url="https://a.example/", headers=(*own, *headers.items()), body=b"[]")
    head = build_head(sent, target="/", host="a.example")
    assert head is not None
    lines = head.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert len(lines) == 1 + 1 + 2 + len(headers) + 2
    for name, value in headers.items():
        assert lines.count(f"{name}: {value}".encode("ascii")) == 1


@given(st.sampled_from(sorted(RESERVED) + [f"{one}x" for one in RESERVED_PREFIXES]), st.data())
def test_reserved_names_are_refused_however_they_are_spelled(name: str, data: st.DataObject) -> None:
    """Upper or lower case, each letter by itself."""
    ups = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    spelled = "".join(letter.upper() if up else letter for letter, up in zip(name, ups, strict=True))
    assert [one.code for one in check_headers({spelled: "x"}, LIMITS)] == ["header_reserved"]


@given(st.binary(min_size=24, max_size=64), st.from_regex(r"[a-z0-9_]{1,20}", fullmatch=True), st.binary(max_size=60),
       st.sampled_from(["id", "time", "body", "secret", "signature"]), st.integers(0, 10_000))  # fmt: skip
def test_every_bit_counts(key: bytes, message_id: str, body: bytes, part: str, bit: int) -> None:
    """What was signed verifies; with one bit of id, time, body, secret or signature turned it does not."""
    secret = "whsec_" + base64.b64encode(key).decode()
    parts = {"id": message_id.encode(), "time": str(NOW).encode(), "body": body, "secret": key,
             "signature": sign_v1(secret, message_id, NOW, body).removeprefix("v1,").encode()}  # fmt: skip
    check(parts)
    changed = bytearray(parts[part] or b"\0")
    at = bit % (len(changed) * 8)
    changed[at // 8] ^= 1 << at % 8
    if part == "signature" and decodes_alike(bytes(changed), parts[part]):
        return  # the last letter of base64 has bits that say nothing
    with pytest.raises(SignatureRefused):
        check({**parts, part: bytes(changed)})


def decodes_alike(one: bytes, other: bytes) -> bool:
    """Whether two base64 texts are the same bytes."""
    try:
        return base64.b64decode(one) == base64.b64decode(other)
    except ValueError:
        return False


def check(parts: dict[str, bytes]) -> None:
    """Verify, as a receiver would."""
    headers = {
        "webhook-id": parts["id"].decode("latin-1"),
        "webhook-timestamp": parts["time"].decode("latin-1"),
        "webhook-signature": "v1," + parts["signature"].decode("latin-1"),
    }
    verify(parts["body"], headers, ["whsec_" + base64.b64encode(parts["secret"]).decode()], now=NOW)


@example(kind=OutcomeClass.THROTTLED, wait_s=86_400.0, fractions=[1.0] * 12)
@given(
    kind=st.sampled_from([OutcomeClass.FAILED, OutcomeClass.BLOCKED, OutcomeClass.THROTTLED]),
    wait_s=st.none() | st.floats(0, 1e9),
    fractions=st.lists(st.floats(0, 1), min_size=12, max_size=12),
)
def test_retries_keep_their_schedule_and_end(kind: OutcomeClass, wait_s: float | None, fractions: list[float]) -> None:
    """Never before its step, never after step, jitter and what the receiver may ask for; and it ends."""
    outcome = Outcome(kind=kind, name="x", wait_s=wait_s)
    times = [float(NOW)]
    for step, fraction in enumerate(fractions):
        now = from_seconds(times[-1])
        found = decide(outcome, step=step, schedule=RETRY_SCHEDULE_S, now=now, fraction=fraction, limits=LIMITS)
        if found.at is None:
            break
        times.append(to_seconds(found.at))
    assert len(times) == len(RETRY_SCHEDULE_S) + 1
    for base, (before, after) in zip(RETRY_SCHEDULE_S, pairwise(times), strict=True):
        longest = base + min(base * LIMITS.jitter_share, LIMITS.jitter_s_max)
        assert base - 1e-3 <= after - before <= max(longest, min(wait_s or 0.0, LIMITS.retry_after_s_max)) + 1e-3
