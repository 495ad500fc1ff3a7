"""Where a request really comes from, when it comes through proxies that the Operator trusts."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """Comma-separated CIDRs or addresses. Raises ValueError that names the one that is neither."""
    found = []
    for entry in (part.strip() for part in text.split(",")):
        if not entry:
            continue
        try:
            found.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            raise ValueError(f"DESKBELL_TRUSTED_PROXIES: {entry!r} is not like 10.0.0.0/24 or 10.0.0.5.") from None
    return tuple(found)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of these networks; False for what is no address."""
    found = plain_address(address)
    return found is not None and any(found in network for network in networks if network.version == found.version)


def is_exempt(address: str, trusted: Sequence[Network]) -> bool:
    """Whether many people may stand behind this address: our own machine, a trusted proxy, a unix socket."""
    found = plain_address(address)
    return found is None or found.is_loopback or is_within(address, trusted)


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Who asks: the peer, or what the last proxies in a row that are trusted say of who asked them.

    `forwarded_for`: the values of X-Forwarded-For, in their order. Each proxy adds its peer at the right, so what
    stands left of an address that is not trusted was written by a stranger and counts for nothing.
    """
    known = peer
    for entry in reversed(",".join(forwarded_for).split(",")):
        if not is_within(known, trusted):
            break
        found = plain_address(without_port(entry.strip()))
        if found is None:
            break
        known = str(found)
    return known


def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, an IPv4 one in IPv6 clothes undressed; None when it is none."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found if mapped is None else mapped


def without_port(text: str) -> str:
    """`1.2.3.4:5` and `[::1]:5` as some proxies write them, as addresses."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
