"""The site's settings as a merge patch: what may be set, and every fault at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from deskbell.model.errors import Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.rules.limits import Limits
from deskbell.rules.redacting_paths import is_path
from deskbell.rules.text import check_line
from deskbell.rules.url_host import HostRefused, canonical_name, check_name
from deskbell.webhooks.reading_members import Reader, Shape, pointer_of

RETENTION_DAYS = (1, 400)
AUDIT_RETENTION_DAYS = (30, 3_650)
ALLOWED_MAX, NOTIFY_MAX, REDACT_MAX = 200, 50, 50
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", re.ASCII)
_EMAIL = re.compile(r"[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]{1,189}")
_LINK = re.compile(r"(https?://|/)[\x21-\x7e]*", re.ASCII)

SHAPES: Mapping[str, tuple[str, Shape]] = MappingProxyType(
    {
        "name": ("name", Shape.TEXT),
        "webhooksEnabled": ("webhooks_enabled", Shape.FLAG),
        "timeZone": ("time_zone", Shape.TEXT),
        "locale": ("locale", Shape.TEXT),
        "chatLink": ("chat_link", Shape.TEXT),
        "ticketLink": ("ticket_link", Shape.TEXT),
        "allowedReceivers": ("allowed_receivers", Shape.TEXTS),
        "retentionDays": ("retention_days", Shape.WHOLE),
        "auditRetentionDays": ("audit_retention_days", Shape.WHOLE),
        "notify": ("notify", Shape.TEXTS),
        "redact": ("redact", Shape.TEXTS),
    }
)
"""Member of the API: the name in the model, and what it must be."""

_REQUIRED = frozenset({"name", "webhooksEnabled"})
_DEFAULTS = Site(site=SiteId("default"), name="", created_at=Instant(0))


def patched_site(site: Site, members: Mapping[str, Any], limits: Limits) -> Site:
    """The site with these members; null goes back to the default. Raises Invalid with every fault at once."""
    reader = Reader()
    found: dict[str, Any] = {}
    for name, value in members.items():
        pointer = pointer_of(name)
        ours, shape = SHAPES.get(name, (name, None))
        if shape is None:
            reader.fault(pointer, "unknown_member", "There is no such setting of the site.")
        elif value is None and name in _REQUIRED:
            reader.fault(pointer, "required", "This member is required.")
        elif value is None:
            found[ours] = getattr(_DEFAULTS, ours)
        else:
            present = getattr(site, ours)
            count = len(reader.faults)
            found[ours] = reader.read(pointer, shape, value, present)
            if name in _CHECKS and len(reader.faults) == count:
                _CHECKS[name](reader, pointer, found[ours], limits)
    if reader.faults:
        raise Invalid("Some settings of the site are not valid.", faults=reader.faults)
    if "allowed_receivers" in found:
        found["allowed_receivers"] = tuple(dict.fromkeys(_host(one) for one in found["allowed_receivers"]))
    return replace(site, **found)


def _check_text(reader: Reader, pointer: str, value: str, limits: Limits) -> None:
    fault = check_line(value, pointer, limits)
    if fault is not None:
        reader.fault(fault.pointer, fault.code, fault.detail)


def _check_zone(reader: Reader, pointer: str, value: str, limits: Limits) -> None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or the name of a folder
        reader.fault(pointer, "time_zone", "Use a name of the time zone database, like Europe/Vienna.")


def _check_locale(reader: Reader, pointer: str, value: str, limits: Limits) -> None:
    if not _LOCALE.fullmatch(value):
        reader.fault(pointer, "locale", "Use a language tag like en or de-AT.")


def _check_link(reader: Reader, pointer: str, value: str, limits: Limits) -> None:
    if not _LINK.fullmatch(value) or "{id}" not in value or len(value) > limits.url_chars_max:
        reader.fault(pointer, "link", "Use an address that holds {id}, like https://desk.example/chats/{id}.")


def _check_receivers(reader: Reader, pointer: str, value: tuple[str, ...], limits: Limits) -> None:
    if len(value) > ALLOWED_MAX:
        reader.fault(pointer, "range", f"Use at most {ALLOWED_MAX} hosts.")
    for place, one in enumerate(value):
        try:
            check_name(_host(one).removeprefix("*."), listed=True)
        except HostRefused:
            reader.fault(f"{pointer}/{place}", "host", "Use a host like hooks.example.com, or *.example.com.")


def _check_people(reader: Reader, pointer: str, value: tuple[str, ...], limits: Limits) -> None:
    if len(value) > NOTIFY_MAX:
        reader.fault(pointer, "range", f"Use at most {NOTIFY_MAX} addresses.")
    for place, one in enumerate(value):
        if not _EMAIL.fullmatch(one) or check_line(one, pointer, limits) is not None:
            reader.fault(f"{pointer}/{place}", "email", "Enter an e-mail address.")


def _check_paths(reader: Reader, pointer: str, value: tuple[str, ...], limits: Limits) -> None:
    if len(value) > REDACT_MAX:
        reader.fault(pointer, "range", f"Use at most {REDACT_MAX} paths.")
    for place, one in enumerate(value):
        if not is_path(one):
            detail = "Use up to 10 member names with dots between them, like customer.phone or *.iban."
            reader.fault(f"{pointer}/{place}", "path", detail)


def _in_range(low: int, high: int) -> Callable[[Reader, str, int, Limits], None]:
    def check(reader: Reader, pointer: str, value: int, limits: Limits) -> None:
        if not low <= value <= high:
            reader.fault(pointer, "range", f"Use {low:,} to {high:,} days.")

    return check


def _host(text: str) -> str:
    """A host in canonical form, the star kept; empty when it is none."""
    star = "*." if text.startswith("*.") else ""
    try:
        return star + canonical_name(text.removeprefix("*."))
    except HostRefused:
        return ""


_CHECKS: Mapping[str, Callable[[Reader, str, Any, Limits], None]] = MappingProxyType(
    {
        "name": _check_text,
        "timeZone": _check_zone,
        "locale": _check_locale,
        "chatLink": _check_link,
        "ticketLink": _check_link,
        "allowedReceivers": _check_receivers,
        "retentionDays": _in_range(*RETENTION_DAYS),
        "auditRetentionDays": _in_range(*AUDIT_RETENTION_DAYS),
        "notify": _check_people,
        "redact": _check_paths,
    }
)
