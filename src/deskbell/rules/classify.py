"""What came back, judged: every reply of an HTTP receiver has one outcome (class and stable name)."""

from collections.abc import Sequence

from deskbell.model.exchange import Outcome, OutcomeClass, Reply
from deskbell.model.instant import Instant
from deskbell.rules.limits import Limits
from deskbell.rules.redaction import scrub
from deskbell.rules.retry_after import read_retry_after
from deskbell.rules.urls import mask_url

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSED_FAULTS = frozenset({"too_large", "unbuildable"})
_TEXT_CHARS_MAX = 300


def classify_http(reply: Reply, now: Instant, limits: Limits) -> Outcome:
    """The outcome of a generic receiver's reply. The status decides, never the body."""
    status = reply.status
    if status is None:
        return _without_status(reply)
    if 200 <= status < 300:
        return Outcome(kind=OutcomeClass.DELIVERED, name=f"http_{status}", status=status, text="; ".join(reply.notes))
    if status in REDIRECTS:
        return Outcome(kind=OutcomeClass.FAILED, name="redirect", status=status, text=_moved_to(reply.headers))
    if status == 410:
        return Outcome(kind=OutcomeClass.GONE, name="http_410", status=status)
    if status == 413:
        return Outcome(kind=OutcomeClass.REFUSED, name="http_413", status=status)
    wait_s = _asked_wait(reply.headers, now, limits) if status in (429, 503) else None
    if status == 429 or wait_s is not None:
        return Outcome(kind=OutcomeClass.THROTTLED, name=f"http_{status}", status=status, wait_s=wait_s)
    return Outcome(kind=OutcomeClass.FAILED, name=f"http_{status}", status=status)


def internal(name: str, text: str) -> Outcome:
    """An error of ours: `internal`, or `quarantined` when it was the last one allowed."""
    return Outcome(kind=OutcomeClass.INTERNAL, name=name, text=text)


def refused(name: str, text: str) -> Outcome:
    """A request that cannot or must not be sent: `too_large`, `unbuildable`."""
    return Outcome(kind=OutcomeClass.REFUSED, name=name, text=text)


def _without_status(reply: Reply) -> Outcome:
    fault = reply.fault or "connection_closed"
    text = scrub(reply.text)[:_TEXT_CHARS_MAX]
    if fault == "blocked":
        return Outcome(kind=OutcomeClass.BLOCKED, name="blocked", text=reply.rule or text)
    if fault in _REFUSED_FAULTS:
        return Outcome(kind=OutcomeClass.REFUSED, name=fault, text=text)
    return Outcome(kind=OutcomeClass.FAILED, name=fault, text=text)


def header(headers: Sequence[tuple[str, str]], name: str) -> str | None:
    """The only value of a header; None when it is absent or sent more than once."""
    found = [value for key, value in headers if key == name]
    return found[0] if len(found) == 1 else None


def _asked_wait(headers: Sequence[tuple[str, str]], now: Instant, limits: Limits) -> float | None:
    return read_retry_after(header(headers, "retry-after"), now, limits)


def _moved_to(headers: Sequence[tuple[str, str]]) -> str:
    target = header(headers, "location")
    if not target:
        return "no address was named"
    if "://" not in target:
        return "another path of the same host"
    try:
        return mask_url(target)[:_TEXT_CHARS_MAX]
    except ValueError:
        return "an address that is no URL"
