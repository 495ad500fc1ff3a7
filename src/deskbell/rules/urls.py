"""The one parser of receiver URLs: text and policy to a ReceiverUrl, or to a refusal that names the rule."""

import ipaddress
import re
from dataclasses import dataclass

from deskbell.rules.address_table import is_loopback, is_ourselves, is_public
from deskbell.rules.allow import AllowEntry
from deskbell.rules.limits import Limits
from deskbell.rules.url_host import HostRefused, canonical_name, check_name, literal_of

HTTPS_PORTS = frozenset({443, 8443, 8080, 8000})
HTTP_PORTS = frozenset({80, 8080, 8000})
DEFAULT_PORTS = {"https": 443, "http": 80}
_SHAPE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)([^?]*)(\?.*)?", re.ASCII | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]+)(?::(.*))?", re.DOTALL)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_BAD_ASCII = re.compile(r"[\x00-\x20\x7f\\\"<>^{|}`]")
_TARGET = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*", re.ASCII)
_INSPECTOR = re.compile(r"/(bin|sim)/[A-Za-z0-9_-]+(/[A-Za-z0-9_.~-]+)*/?", re.ASCII)
_EXAMPLE = "It should look like https://hooks.zapier.com/hooks/catch/…"
_TAIL_CHARS = 4
_SHOWN_WHOLE_CHARS = 20
_URL_SECRET_CHARS_MIN = 12
"""Shorter pieces of a path are words, such as `webhooks`; a credential is longer."""
LOOPBACK_PORT_MIN = 1024


@dataclass(frozen=True, kw_only=True)
class UrlPolicy:
    """What the Operator set."""

    allow: tuple[AllowEntry, ...] = ()
    allow_http: bool = False
    allow_loopback: bool = False
    nat64: bool = False
    base_url: str = "http://127.0.0.1:8080"
    listen: tuple[tuple[str, int], ...] = ()  # addresses and ports on which this process listens


@dataclass(frozen=True, kw_only=True)
class ReceiverUrl:
    """A URL in canonical form, taken apart once."""

    text: str
    scheme: str
    host: str  # A-labels in lower case, or a literal (IPv6 without brackets)
    port: int
    target: str  # path and query, byte for byte as given
    is_literal: bool = False
    is_own: bool = False  # our own inspector: dialled at our own listener in plain http


@dataclass(frozen=True, kw_only=True)
class UrlRefused:
    """Why a text is not taken as a receiver URL."""

    code: str
    detail: str
    repaired: str | None = None  # what was probably meant


@dataclass(frozen=True, kw_only=True)
class _Parts:
    scheme: str
    host: str  # canonical; IPv6 in brackets
    port: int
    path: str
    query: str
    is_literal: bool

    @property
    def bare(self) -> str:
        return self.host.strip("[]")

    @property
    def text(self) -> str:
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}{self.query}"


def parse_receiver_url(
    text: str, policy: UrlPolicy, *, site: str, allowed_receivers: tuple[str, ...] = (), limits: Limits
) -> ReceiverUrl | UrlRefused:
    """Judge one receiver URL for one site. Nothing is looked up."""
    try:
        _check_characters(text, limits)
        parts = _take_apart(text)
        is_own = _is_own(parts, policy)
        if not is_own:
            _check_place(parts, policy, site)
            _check_not_ourselves(parts, policy)
        if allowed_receivers and not _is_narrowed(parts.bare, allowed_receivers):
            raise HostRefused("url_not_in_site_list", "This site allows only: " + ", ".join(allowed_receivers))
        if len(parts.text) > limits.url_chars_max:
            raise HostRefused("url_characters", f"A receiver URL has at most {limits.url_chars_max} characters.")
    except HostRefused as refused:
        return UrlRefused(code=refused.code, detail=refused.detail, repaired=_repaired(text, limits))
    return ReceiverUrl(
        text=parts.text,
        scheme=parts.scheme,
        host=parts.bare,
        port=parts.port,
        target=parts.path + parts.query,
        is_literal=parts.is_literal,
        is_own=is_own,
    )


def mask_url(canonical: str) -> str:
    """What may be shown of a URL: scheme, host, port, `/…` and, when it is long, its last 4 characters."""
    found = _SHAPE.fullmatch(canonical)
    if found is None:
        return "…"
    scheme, authority, path, query = found[1], found[2], found[3], found[4] or ""
    tail = (path + query)[-_TAIL_CHARS:] if len(path + query) > _SHOWN_WHOLE_CHARS else ""
    return f"{scheme}://{authority.rpartition('@')[2]}/…{tail}"


def _check_characters(text: str, limits: Limits) -> None:
    if not text.strip():
        raise HostRefused("url_characters", f"Enter the receiver's URL. {_EXAMPLE}")
    if len(text) > limits.url_chars_max:
        raise HostRefused("url_characters", f"A receiver URL has at most {limits.url_chars_max} characters.")
    if _BAD_ASCII.search(text) or any(
        "\x80" <= letter <= "\x9f" or letter.isspace() or "\ud800" <= letter <= "\udfff"
        for letter in text
        if letter > "\x7f"
    ):
        raise HostRefused("url_characters", 'The URL holds a space, a control character or one of \\ " < > ^ { | } `.')


def _take_apart(text: str) -> _Parts:
    found = _SHAPE.fullmatch(text)
    if found is None or "#" in text or not found[2]:
        raise HostRefused(
            "url_form", f"This is not a full URL. {_EXAMPLE}" if "#" not in text else "Leave out the # part."
        )
    scheme, authority, path, query = found[1].lower(), found[2], found[3], found[4] or ""
    if not (path + query).isascii():
        raise HostRefused("url_characters", "Only the host may hold letters beyond ASCII; percent-encode the rest.")
    if "@" in authority:
        raise HostRefused("url_form", "Leave out user and password; use an own header for credentials.")
    if "%" in authority:
        raise HostRefused("url_percent", "The host holds no percent sign.")
    if not _TARGET.fullmatch(path + query):
        code = "url_percent" if "%" in path + query and not re.search(r"[\[\]]", path + query) else "url_characters"
        raise HostRefused(code, "Path or query hold a character that must be percent-encoded, or a broken escape.")
    split = _AUTHORITY.fullmatch(authority)
    if split is None:
        raise HostRefused("url_form", f"The host cannot be read. {_EXAMPLE}")
    if scheme not in DEFAULT_PORTS:
        raise HostRefused("url_scheme", "Use https://.")
    port = _port(split[2], scheme)
    literal = literal_of(split[1])
    host = canonical_name(split[1]) if literal is None else literal
    return _Parts(scheme=scheme, host=host, port=port, path=path or "/", query=query, is_literal=literal is not None)


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return DEFAULT_PORTS[scheme]
    if not _PORT.fullmatch(text) or int(text) > 65_535:
        raise HostRefused("url_form", "A port is a number from 1 to 65535 without leading zeros.")
    return int(text)


def _is_own(parts: _Parts, policy: UrlPolicy) -> bool:
    """Whether it is our own inspector. Raises HostRefused for anything else of ours."""
    base = _take_apart(policy.base_url)
    at_base = (parts.host, parts.port) == (base.host, base.port)
    at_listener = parts.is_literal and (parts.bare, parts.port) in policy.listen
    if not at_base and not at_listener:
        return False
    scheme_fits = parts.scheme == (base.scheme if at_base else "http")
    dots = any(segment in (".", "..") for segment in parts.path.split("/"))
    if scheme_fits and not dots and _INSPECTOR.fullmatch(parts.path):
        return True
    raise HostRefused("url_ourselves", "This is Deskbell itself. Only its inspector (/bin/…) can receive.")


def _check_not_ourselves(parts: _Parts, policy: UrlPolicy) -> None:
    """Other spellings of our listener: further addresses of loopback, and `localhost`, which is never looked up."""
    if parts.is_literal:
        address = ipaddress.ip_address(parts.bare)
    elif parts.host == "localhost" or parts.host.endswith(".localhost"):
        address = ipaddress.IPv4Address("127.0.0.1")
    else:
        return
    if is_ourselves(address, parts.port, policy.listen):
        raise HostRefused("url_ourselves", f"This is Deskbell itself; its inspector is at {policy.base_url}/bin/….")


def _check_place(parts: _Parts, policy: UrlPolicy, site: str) -> None:
    """Rules 4, 6 and 7: literal, name, scheme and port."""
    entries = [entry for entry in policy.allow if entry.is_for(site, parts.port)]
    if parts.is_literal:
        _check_literal(parts, policy, entries)
        return
    listed = any(entry.host == parts.host for entry in entries)
    local = policy.allow_loopback and (parts.host == "localhost" or parts.host.endswith(".localhost"))
    local = local and parts.port >= LOOPBACK_PORT_MIN
    check_name(parts.host, listed=listed or local)
    if listed or local or any(entry.network is not None for entry in entries):
        return
    if parts.scheme == "https" and parts.port in HTTPS_PORTS:
        return
    if parts.scheme == "http" and policy.allow_http and parts.port in HTTP_PORTS:
        return
    hint = f"The Operator can allow it: DESKBELL_ALLOW={parts.host}:{parts.port}"
    if parts.scheme == "http":
        raise HostRefused(
            "url_scheme", f"Use https://. Plain http is possible only for receivers in DESKBELL_ALLOW. {hint}"
        )
    raise HostRefused("url_port", f"Port {parts.port} is not open for receivers; use 443, 8443, 8080 or 8000. {hint}")


def _check_literal(parts: _Parts, policy: UrlPolicy, entries: list[AllowEntry]) -> None:
    address = ipaddress.ip_address(parts.bare)
    if any(entry.has_address(address) for entry in entries):
        return
    if policy.allow_loopback and is_loopback(address) and parts.port >= LOOPBACK_PORT_MIN:
        return
    hint = f"DESKBELL_ALLOW={parts.host}:{parts.port}"
    where = "is an address, not a name" if is_public(address) else "is inside a private network"
    raise HostRefused("url_literal", f"{parts.bare} {where}. The Operator can allow it: {hint}")


def _is_narrowed(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether the site's own list has this host, exactly or as `*.host`."""
    names = tuple(name.lower().removesuffix(".") for name in allowed)
    return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in names)


def _repaired(text: str, limits: Limits) -> str | None:
    """What was probably meant, where a repair is plain: it must read as a URL, allowed or not."""
    repaired = text.strip().replace("&amp;", "&")
    scheme, separator, rest = repaired.partition("://")
    authority, slash, tail = rest.partition("/")
    repaired = scheme + separator + authority + slash + tail.replace("[", "%5B").replace("]", "%5D")
    if repaired == text:
        return None
    try:
        _check_characters(repaired, limits)
        _take_apart(repaired)
    except HostRefused:
        return None
    return repaired


def url_secrets(canonical: str) -> tuple[str, ...]:
    """The parts of a receiver URL that may be its credential, to be taken out of what the receiver answers."""
    after = canonical.partition("://")[2]
    target = after[len(after.partition("/")[0]) :]
    pieces = re.split(r"[/?&]", target)
    values = [piece.rpartition("=")[2] for piece in pieces]
    long = [one for one in values if len(one) >= _URL_SECRET_CHARS_MIN]
    return tuple(dict.fromkeys([*([target] if long else []), *long]))
