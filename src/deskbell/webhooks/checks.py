"""Every fault of a webhook's settings at once; API and portal are judged by the same rules."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from deskbell.model.errors import FaultAt
from deskbell.model.site import Site
from deskbell.rules.headers import check_headers
from deskbell.rules.limits import Limits
from deskbell.rules.signing import check_secret
from deskbell.rules.text import check_line
from deskbell.rules.urls import UrlPolicy, UrlRefused, parse_receiver_url
from deskbell.webhooks.checks_numbers import check_numbers
from deskbell.webhooks.checks_order import check_batch, check_order
from deskbell.webhooks.checks_types import check_types
from deskbell.webhooks.kinds import Kind
from deskbell.webhooks.reading_members import pointer_of
from deskbell.webhooks.spec import POINTERS, WebhookSpec

FORMATS = ("desk", "standard", "cloudevents", "template")
DD_ENCODINGS = ("hex", "base64", "off")
ALSO = ("none", "github", "stripe")
NOT_AVAILABLE = "This is not available in this version; leave it out."


def check_spec(
    spec: WebhookSpec,
    site: Site,
    policy: UrlPolicy,
    limits: Limits,
    kinds: Mapping[str, Kind],
    *,
    kept_headers: Iterable[str] = (),
) -> tuple[FaultAt, ...]:
    """All faults, in the order of the API's members. A URL of None stays and is not judged again."""
    return (
        *_one(check_line(spec.description, POINTERS["description"], limits)),
        *check_url(spec.receiver_url, site, policy, limits),
        *check_types(spec.event_types, limits),
        *_check_kind(spec, kinds),
        *_check_choices(spec),
        *_check_unavailable(spec),
        *check_headers(spec.headers, limits, known=kept_headers),
        *check_numbers(spec, limits),
        *check_batch(spec),
        *check_order(spec),
        *(() if spec.secret is None else _one(check_secret(spec.secret))),
    )


def check_url(text: str | None, site: Site, policy: UrlPolicy, limits: Limits) -> tuple[FaultAt, ...]:
    """The one fault of a receiver URL, with the repaired URL where the repair is plain."""
    if text is None:
        return ()
    found = parse_receiver_url(text, policy, site=site.site, allowed_receivers=site.allowed_receivers, limits=limits)
    if not isinstance(found, UrlRefused):
        return ()
    detail = found.detail if found.repaired is None else f"{found.detail} Did you mean {found.repaired}"
    return (FaultAt(pointer=POINTERS["receiver_url"], code=found.code, detail=detail),)


def _check_kind(spec: WebhookSpec, kinds: Mapping[str, Kind]) -> Iterator[FaultAt]:
    """The kind, and what the kind says about its own settings."""
    kind = kinds.get(spec.kind)
    if kind is None:
        detail = f"This receiver kind is not available in this version. Known: {', '.join(kinds)}."
        yield FaultAt(pointer=POINTERS["kind"], code="not_available", detail=detail)
        return
    for finding in kind.check(spec.settings):
        if finding.level == "refuse":
            yield FaultAt(pointer=pointer_of("settings", finding.field), code=finding.code, detail=finding.text)


def kind_warnings(spec: WebhookSpec, kinds: Mapping[str, Kind]) -> tuple[FaultAt, ...]:
    """What the kind finds odd, but takes."""
    kind = kinds.get(spec.kind)
    return tuple(
        FaultAt(pointer=pointer_of("settings", one.field), code=one.code, detail=one.text)
        for one in (kind.check(spec.settings) if kind else ())
        if one.level == "warn"
    )


def _check_choices(spec: WebhookSpec) -> Iterator[FaultAt]:
    """Members that take one of a few words."""
    given: tuple[tuple[str, str, tuple[str, ...]], ...] = (
        (POINTERS["format"], spec.format, FORMATS),
        (f"{POINTERS['signature']}/ddEncoding", spec.signature.dd_encoding, DD_ENCODINGS),
        (f"{POINTERS['signature']}/also", spec.signature.also, ALSO),
        (POINTERS["ordered_by"], spec.ordered_by, ("none", "subject")),
        (POINTERS["on_exhausted"], spec.on_exhausted, ("continue", "hold")),
    )
    for pointer, value, choices in given:
        if value not in choices:
            yield FaultAt(pointer=pointer, code="choice", detail=f"Choose one of {', '.join(choices)}.")


_UNAVAILABLE: tuple[tuple[str, Callable[[WebhookSpec], bool]], ...] = (
    (POINTERS["preset"], lambda spec: spec.preset is not None),
    (f"{POINTERS['signature']}/ed25519", lambda spec: spec.signature.ed25519),
)
"""What the contract has and this version does not do: refused, so that nobody relies on it in vain."""


def _check_unavailable(spec: WebhookSpec) -> Iterator[FaultAt]:
    for pointer, is_wanted in _UNAVAILABLE:
        if is_wanted(spec):
            yield FaultAt(pointer=pointer, code="not_available", detail=NOT_AVAILABLE)


def _one(fault: FaultAt | None) -> tuple[FaultAt, ...]:
    return () if fault is None else (fault,)
