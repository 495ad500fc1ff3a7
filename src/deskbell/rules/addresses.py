"""Which addresses may be dialled: what is public, and the Operator's entries. Nothing else decides."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from deskbell.rules.address_table import Address, is_behind_a_name, is_loopback, is_ourselves, is_public
from deskbell.rules.urls import HTTP_PORTS, HTTPS_PORTS, LOOPBACK_PORT_MIN, ReceiverUrl, UrlPolicy

__all__ = ["AddressRefused", "Vetted", "is_public", "vet"]


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


def vet(addresses: Sequence[str], url: ReceiverUrl, policy: UrlPolicy, site: str) -> Vetted | AddressRefused:
    """All answers of a look-up must pass; one that does not blocks the attempt."""
    for text in addresses:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return AddressRefused(rule="address_not_public", address=text, detail="This is not an address.")
        if "%" in text:
            return AddressRefused(rule="address_not_public", address=text, detail="An address with a zone is local.")
        refused = _refusal(address, url, policy, site)
        if refused is not None:
            return refused
    return Vetted(addresses=tuple(addresses))


def _refusal(address: Address, url: ReceiverUrl, policy: UrlPolicy, site: str) -> AddressRefused | None:
    text = str(address)
    if is_ourselves(address, url.port, policy.listen):
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
    if named and (is_behind_a_name(address) or (url.host == "localhost" and is_loopback(address))):
        return None
    detail = (
        "The name leads to an address that is not on the public internet. The Operator can allow it: DESKBELL_ALLOW."
    )
    return AddressRefused(rule="address_not_public", address=text, detail=detail)


def _is_allowed(address: Address, url: ReceiverUrl, policy: UrlPolicy, site: str) -> bool:
    """By a CIDR:port entry, or by `DESKBELL_ALLOW_LOOPBACK`, which acts as such entries."""
    if policy.allow_loopback and is_loopback(address) and url.port >= LOOPBACK_PORT_MIN:
        return True
    return any(entry.has_address(address) and entry.is_for(site, url.port) for entry in policy.allow)


def _is_listed_port(url: ReceiverUrl, policy: UrlPolicy) -> bool:
    if url.scheme == "https":
        return url.port in HTTPS_PORTS
    return policy.allow_http and url.port in HTTP_PORTS
