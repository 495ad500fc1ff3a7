"""The settings of a webhook that people and programs can give, under the names of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

import msgspec

from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.webhook import Batch, SignatureSettings, Webhook
from deskbell.webhooks.reading_members import Reader, Shape, pointer_of

INVALID = "Some settings of the webhook are not valid."
REQUIRED = "This member is required."


@dataclass(frozen=True, kw_only=True)
class WebhookSpec:
    """The settable members. Header values and URL are in clear here and never show in a repr."""

    description: str
    receiver_url: str | None = field(repr=False)  # None in a change: the present one stays
    event_types: tuple[str, ...]
    kind: str = "generic"
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    format: str = "desk"
    template: Any = None
    filter: str | None = None
    changed_fields: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: Mapping[str, Any] | None = field(default=None, repr=False)  # None in a change: the present one stays
    client_certificate: Mapping[str, Any] | None = field(default=None, repr=False)  # the same
    signature: SignatureSettings = field(default_factory=SignatureSettings)
    loop_protection: bool = False
    batch: Batch = field(default_factory=Batch)
    ordered_by: str = "none"
    on_exhausted: str = "continue"
    rate_per_second: float | None = None
    retry_schedule_s: tuple[int, ...] | None = None  # None: the default schedule
    timeout_s: float | None = None
    payload_bytes_max: int | None = None
    secret: str | None = field(default=None, repr=False)  # brought along; None: one is made


SHAPES: Mapping[str, tuple[str, Shape]] = MappingProxyType(
    {
        "description": ("description", Shape.TEXT),
        "receiverUrl": ("receiver_url", Shape.TEXT),
        "eventTypes": ("event_types", Shape.TEXTS),
        "kind": ("kind", Shape.TEXT),
        "preset": ("preset", Shape.TEXT),
        "settings": ("settings", Shape.OBJECT),
        "format": ("format", Shape.TEXT),
        "template": ("template", Shape.ANY),
        "filter": ("filter", Shape.TEXT),
        "changedFields": ("changed_fields", Shape.TEXTS),
        "headers": ("headers", Shape.OBJECT),
        "auth": ("auth", Shape.OBJECT),
        "clientCertificate": ("client_certificate", Shape.OBJECT),
        "signature": ("signature", Shape.OBJECT),
        "loopProtection": ("loop_protection", Shape.FLAG),
        "batch": ("batch", Shape.OBJECT),
        "orderedBy": ("ordered_by", Shape.TEXT),
        "onExhausted": ("on_exhausted", Shape.TEXT),
        "ratePerSecond": ("rate_per_second", Shape.NUMBER),
        "retrySchedule": ("retry_schedule_s", Shape.WHOLES),
        "timeoutSeconds": ("timeout_s", Shape.NUMBER),
        "payloadBytesMax": ("payload_bytes_max", Shape.WHOLE),
    }
)
"""Member of the API: the name here, and what it must be."""

POINTERS = MappingProxyType({ours: f"/{theirs}" for theirs, (ours, _) in SHAPES.items()})
"""Name here: where a fault of it is shown."""

CREDENTIALS = ("auth", "client_certificate")
"""Set or removed as a whole: their secret parts are never read back, so there is nothing to merge into."""

_REQUIRED = ("description", "receiver_url", "event_types")
_DEFAULTS = WebhookSpec(description="", receiver_url=None, event_types=())
_SIGNATURE = MappingProxyType(
    {"ddEncoding": ("dd_encoding", Shape.TEXT), "also": ("also", Shape.TEXT), "ed25519": ("ed25519", Shape.FLAG)}
)
_BATCH = MappingProxyType({"eventsMax": ("events_max", Shape.WHOLE), "waitMs": ("wait_ms", Shape.WHOLE)})


@dataclass(frozen=True, kw_only=True)
class Patched:
    """A merge patch applied: the wanted settings, own headers that go, and what could not be read."""

    spec: WebhookSpec
    dropped_headers: frozenset[str] = frozenset()  # in lower case
    dropped: frozenset[str] = frozenset()  # `auth`, `client_certificate`: whole credentials that go
    faults: tuple[FaultAt, ...] = ()


def read_spec(members: Mapping[str, Any]) -> WebhookSpec:
    """Settings from members of the API. Raises Invalid with every fault of form."""
    given = dict(members)
    secret = given.pop("secret", None)
    patched = patch(_DEFAULTS, given)
    missing = [POINTERS[name] for name in _REQUIRED if POINTERS[name][1:] not in given]
    faults = [FaultAt(pointer=pointer, code="required", detail=REQUIRED) for pointer in missing]
    faults += patched.faults
    if secret is not None and not isinstance(secret, str):
        faults.append(FaultAt(pointer="/secret", code="type", detail="This must be a text."))
    if faults:
        raise Invalid(INVALID, faults=tuple(faults))
    return replace(patched.spec, secret=secret)


def spec_of(webhook: Webhook) -> WebhookSpec:
    """The present settings, without URL, header values and credentials."""
    others = {"receiver_url", "headers", "auth", "client_certificate", "format", "template", "secret"}
    same = {one.name for one in fields(WebhookSpec)} - others
    return WebhookSpec(
        receiver_url=None,
        format=webhook.format.value,
        template=None if webhook.template is None else msgspec.json.decode(webhook.template),
        **{name: getattr(webhook, name) for name in same},
    )


def patch(present: WebhookSpec, members: Mapping[str, Any]) -> Patched:
    """JSON merge patch: a value sets, null goes back to the default; faults name what cannot be read."""
    reader = Reader()
    found: dict[str, Any] = {}
    dropped: frozenset[str] = frozenset()
    for name, value in members.items():
        ours, shape = SHAPES.get(name, (name, None))
        if shape is None:
            reader.fault(pointer_of(name), "unknown_member", "There is no such setting.")
        elif ours == "headers":
            found[ours], dropped = _headers(reader, value)
        elif value is None:
            if ours in _REQUIRED:
                reader.fault(f"/{name}", "required", REQUIRED)
            else:
                found[ours] = getattr(_DEFAULTS, ours)
        elif ours in ("signature", "batch"):
            table = _SIGNATURE if ours == "signature" else _BATCH
            found[ours] = _nested(reader, f"/{name}", table, getattr(present, ours), value)
        else:
            found[ours] = reader.read(f"/{name}", shape, value, getattr(present, ours))
    gone = frozenset(name for name in CREDENTIALS if name in found and found[name] is None)
    return Patched(spec=replace(present, **found), dropped_headers=dropped, dropped=gone, faults=reader.faults)


def _headers(reader: Reader, value: Any) -> tuple[dict[str, str], frozenset[str]]:
    """Texts set, nulls remove; null for the whole removes all (`*`)."""
    if value is None:
        return {}, frozenset({"*"})
    given = reader.read("/headers", Shape.OBJECT, value, {})
    texts = {name: text for name, text in given.items() if isinstance(text, str)}
    for name, text in given.items():
        if text is not None and not isinstance(text, str):
            reader.fault(pointer_of("headers", name), "type", "A text sets the header, null removes it.")
    return texts, frozenset(name.lower() for name, text in given.items() if text is None)


def _nested(reader: Reader, pointer: str, table: Mapping[str, tuple[str, Shape]], present: Any, value: Any) -> Any:
    """An object with members of its own, merged into the present one."""
    found = {}
    defaults = type(present)()
    for name, one in reader.read(pointer, Shape.OBJECT, value, {}).items():
        ours, shape = table.get(name, (name, None))
        if shape is None:
            reader.fault(pointer + pointer_of(name), "unknown_member", "There is no such setting.")
        elif one is None:
            found[ours] = getattr(defaults, ours)
        else:
            found[ours] = reader.read(f"{pointer}/{name}", shape, one, getattr(present, ours))
    return replace(present, **found)
