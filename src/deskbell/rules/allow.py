"""`DESKBELL_ALLOW`: receivers that the Operator allows besides public https."""

import ipaddress
import re
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SITE = re.compile(r"[a-z][a-z0-9]{0,31}", re.ASCII)
_PORT = re.compile(r"\*|[1-9][0-9]{0,4}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
FORM = "an entry is CIDR:port, [IPv6 CIDR]:port or host:port, port may be *, <msp>= may stand in front"


@dataclass(frozen=True, kw_only=True)
class AllowEntry:
    """One entry: either `network` or `host` is set."""

    site: str | None = None  # None: every site
    network: Network | None = None
    host: str | None = None  # lower case, one exact name
    port: int | None = None  # None: every port

    def is_for(self, site: str, port: int) -> bool:
        """Whether the entry speaks of this site and port."""
        return self.site in (None, site) and self.port in (None, port)

    def has_address(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        """Whether the address is in the entry's network; IPv4 in IPv6 clothes never is."""
        if self.network is None or self.network.version != address.version:
            return False
        return getattr(address, "ipv4_mapped", None) is None and address in self.network


def parse_allow(text: str) -> tuple[AllowEntry, ...]:
    """All entries, comma-separated. Raises ValueError that names the entry and the form it should have."""
    return tuple(_entry(part.strip()) for part in text.split(",") if part.strip())


def _entry(text: str) -> AllowEntry:
    site, equals, rest = text.rpartition("=")
    target, colon, port = rest.rpartition(":")
    if (equals and not _SITE.fullmatch(site)) or not colon or not _PORT.fullmatch(port):
        raise ValueError(f"DESKBELL_ALLOW: {text!r} cannot be read; {FORM}")
    number = None if port == "*" else int(port)
    if number is not None and number > 65_535:
        raise ValueError(f"DESKBELL_ALLOW: {text!r}: there is no port {number}")
    network, host = _target(text, target)
    return AllowEntry(site=site if equals else None, network=network, host=host, port=number)


def _target(text: str, target: str) -> tuple[Network | None, str | None]:
    bracketed = target.startswith("[") and target.endswith("]")
    try:
        network = ipaddress.ip_network(target[1:-1] if bracketed else target, strict=True)
    except ValueError as error:
        host = target.lower().removesuffix(".")
        labels = host.split(".")
        is_name = all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
        if bracketed or "/" in target or not is_name or len(host) > 253:
            raise ValueError(f"DESKBELL_ALLOW: {text!r} cannot be read ({error}); {FORM}") from None
        return None, host
    if bracketed != (network.version == 6):
        raise ValueError(f"DESKBELL_ALLOW: {text!r}: IPv6 stands in brackets, IPv4 does not; {FORM}")
    return network, None
