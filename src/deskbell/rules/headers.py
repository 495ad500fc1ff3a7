"""Own headers of a webhook: what they may be called and hold."""

import re
from collections.abc import Iterable, Mapping, Sequence

from deskbell.model.errors import FaultAt
from deskbell.rules.limits import Limits

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^|~`]+", re.ASCII)
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?", re.ASCII)
RESERVED = frozenset(
    {
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive",
        "te", "trailer", "upgrade", "expect", "accept", "accept-encoding", "cookie", "user-agent", "date", "via",
        "forwarded", "x-real-ip", "metadata", "metadata-flavor", "x-dd-signature", "x-hub-signature",
        "x-hub-signature-256", "stripe-signature",
    }
)  # fmt: skip
RESERVED_PREFIXES = (
    "webhook-", "deskbell-", "proxy-", "sec-", "x-forwarded-", "x-aws-ec2-metadata", "x-amz-", "x-goog-",
)  # fmt: skip


def check_headers(
    headers: Mapping[str, str] | Sequence[tuple[str, str]], limits: Limits, *, known: Iterable[str] = ()
) -> tuple[FaultAt, ...]:
    """Every fault of a webhook's own headers; `known` are names that it has already and keeps."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    faults = [
        fault
        for name, value in pairs
        for fault in (check_name(name, limits), check_value(name, value, limits))
        if fault
    ]
    names = [name.lower() for name, _ in pairs]
    kept = [name for name in known if name.lower() not in names]
    if len(pairs) + len(kept) > limits.webhook_headers_max:
        faults.append(_fault("", "header_count", f"Use at most {limits.webhook_headers_max} headers."))
    if sum(len(name) + len(value) for name, value in pairs) > limits.webhook_headers_bytes_max:
        faults.append(
            _fault("", "header_bytes", f"All headers together: at most {limits.webhook_headers_bytes_max:,} bytes.")
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [_fault(name, "header_twice", "A header can be given once, in upper or lower case.") for name in twice]
    return tuple(faults)


def check_name(name: str, limits: Limits) -> FaultAt | None:
    """A name: RFC 9110 token without underscore, not one of ours."""
    if len(name) > limits.header_name_chars_max or not _NAME.fullmatch(name):
        detail = f"A header name has 1 to {limits.header_name_chars_max} letters, digits or hyphens; no underscore."
        return _fault(name, "header_name", detail)
    lowered = name.lower()
    if lowered in RESERVED or lowered.startswith(RESERVED_PREFIXES):
        return _fault(name, "header_reserved", f"{name} is set by Deskbell itself or could harm the receiver.")
    return None


def check_value(name: str, value: str, limits: Limits) -> FaultAt | None:
    """A value: visible ASCII, spaces and tabs only inside."""
    if len(value) > limits.header_value_chars_max or not _VALUE.fullmatch(value):
        detail = (
            f"A header value has 1 to {limits.header_value_chars_max:,} visible ASCII characters, spaces only inside."
        )
        return _fault(name, "header_value", detail)
    return None


def _fault(name: str, code: str, detail: str) -> FaultAt:
    step = name.replace("~", "~0").replace("/", "~1")
    return FaultAt(pointer=f"/headers/{step}" if step else "/headers", code=code, detail=detail)
