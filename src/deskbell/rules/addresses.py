"""Which addresses may be dialled: the table of what is public, and the Operator's entries. Nothing else decides."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from deskbell.rules.urls import HTTP_PORTS, HTTPS_PORTS, ReceiverUrl, UrlPolicy

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    )
)  # fmt: skip
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_BEHIND_A_NAME = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
_LOOPBACK_PORT_MIN = 1024


@dataclass(frozen=True, kw_only=True)
class Vetted:
    """Every address passed."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AddressRefused:
    """One address did not pass, so none is dialled."""

    rule: str  # address_not_public, address_ourselves, port_not_allowed
    address: str  # shown to owners only
    detail: str


def is_public(address: Address, *, nat64: bool = False) -> bool:
    """Whether the address is on the public internet; what is not listed as assigned there is not."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if nat64 and address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def vet(addresses: Sequence[str], url: ReceiverUrl, policy: UrlPolicy, site: str) -> Vetted | AddressRefused:
    """All answers of a look-up must pass; one that does not blocks the attempt."""
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return AddressRefused(rule="address_not_public", address=text, detail="This is not an address.")
        refused = _refusal(address, url, policy, site)
        if refused is not None:
            return refused
    return Vetted(addresses=tuple(addresses))


def _refusal(address: Address, url: ReceiverUrl, policy: UrlPolicy, site: str) -> AddressRefused | None:
    text = str(address)
    if is_ourselves(address, url.port, policy):
        detail = "This address and port are Deskbell itself."
        return AddressRefused(rule="address_ourselves", address=text, detail=detail)
    if _is_allowed(address, url, policy, site):
        return None
    named = any(entry.host == url.host and entry.is_for(site, url.port) for entry in policy.allow)
    public = is_public(address, nat64=policy.nat64)
    if public and (named or _is_listed_port(url, policy)):
        return None
    if public:
        entry = f"DESKBELL_ALLOW={url.host}:{url.port}"
        detail = f"Port {url.port} is not open for receivers. The Operator can allow it: {entry}"
        return AddressRefused(rule="port_not_allowed", address=text, detail=detail)
    if named and _is_behind_a_name(address, url.host):
        return None
    detail = (
        "The name leads to an address that is not on the public internet. The Operator can allow it: DESKBELL_ALLOW."
    )
    return AddressRefused(rule="address_not_public", address=text, detail=detail)


def is_ourselves(address: Address, port: int, policy: UrlPolicy) -> bool:
    """Whether this process listens there. All of loopback counts: a wildcard listener hears it all."""
    for host, own_port in policy.listen:
        if port != own_port:
            continue
        own = ipaddress.ip_address(host) if host not in ("", "localhost") else ipaddress.IPv4Address("127.0.0.1")
        if (
            address == own
            or address.is_unspecified
            or (address.is_loopback and (own.is_loopback or own.is_unspecified))
        ):
            return True
    return False


def is_loopback_allowed(address: Address, port: int, policy: UrlPolicy) -> bool:
    """`DESKBELL_ALLOW_LOOPBACK`: loopback at every port from 1024."""
    is_entry = address.version == 4 or address == ipaddress.IPv6Address("::1")
    return policy.allow_loopback and address.is_loopback and is_entry and port >= _LOOPBACK_PORT_MIN


def _is_allowed(address: Address, url: ReceiverUrl, policy: UrlPolicy, site: str) -> bool:
    if is_loopback_allowed(address, url.port, policy):
        return True
    return any(entry.has_address(address) and entry.is_for(site, url.port) for entry in policy.allow)


def _is_listed_port(url: ReceiverUrl, policy: UrlPolicy) -> bool:
    if url.scheme == "https":
        return url.port in HTTPS_PORTS
    return policy.allow_http and url.port in HTTP_PORTS


def _is_behind_a_name(address: Address, host: str) -> bool:
    if host == "localhost" and address.is_loopback and getattr(address, "ipv4_mapped", None) is None:
        return True
    return any(network.version == address.version and address in network for network in _BEHIND_A_NAME)
