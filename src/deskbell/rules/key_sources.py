"""From where an API key may be used: networks, or from everywhere when there are none."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from deskbell.model.errors import FaultAt

SOURCES_MAX = 20


def check_sources(sources: Sequence[str], pointer: str) -> tuple[FaultAt, ...]:
    """One fault for each that is no network."""
    if len(sources) > SOURCES_MAX:
        return (FaultAt(pointer=pointer, code="range", detail=f"At most {SOURCES_MAX} networks."),)
    detail = "Use a network like 10.0.0.0/24 or 2001:db8::/48, or a single address."
    return tuple(
        FaultAt(pointer=f"{pointer}/{n}", code="source", detail=detail)
        for n, source in enumerate(sources)
        if _network(source) is None
    )


def canonical_sources(sources: Sequence[str]) -> tuple[str, ...]:
    """Each network once, as it is stored and shown."""
    found = [_network(source) for source in sources]
    return tuple(dict.fromkeys(str(one) for one in found if one is not None))


def may_come_from(sources: Sequence[str], address: str) -> bool:
    """Whether an address lies in one of the networks; a mapped IPv4 address counts as that one."""
    if not sources:
        return True
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any(network is not None and (mapped or found) in network for network in map(_network, sources))


@lru_cache(maxsize=1_024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False) if text.isascii() and "%" not in text else None
    except ValueError:
        return None
