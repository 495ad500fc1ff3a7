"""The table of what is public, and which addresses are this machine's own."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

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
_METADATA = tuple(
    ipaddress.ip_network(text) for text in ("100.100.100.200/32", "fd00:ec2::/32", "fd20:ce::/32", "fd00:42::42/128")
)
"""Clouds' own services inside the ranges that a host:port entry opens; only a CIDR:port entry reaches them."""


def is_public(address: Address, *, nat64: bool = False) -> bool:
    """Whether the address is on the public internet; what is not listed as assigned there is not."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if nat64 and address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_behind_a_name(address: Address) -> bool:
    """Whether a host:port entry may lead here: an internal network, but never a cloud's metadata."""
    return _is_in(address, _BEHIND_A_NAME) and not _is_in(address, _METADATA)


def is_loopback(address: Address) -> bool:
    """Loopback itself; IPv4 in IPv6 clothes never is."""
    return address.is_loopback and (address.version == 4 or address == ipaddress.IPv6Address("::1"))


def is_ourselves(address: Address, port: int, listen: tuple[tuple[str, int], ...]) -> bool:
    """Whether this process listens there. All of loopback counts: a wildcard listener hears it all."""
    for host, own_port in listen:
        own = _own_address(host)
        if port != own_port or own is None:
            continue
        hears_loopback = own.is_loopback or own.is_unspecified
        if address == own or address.is_unspecified or (address.is_loopback and hears_loopback):
            return True
    return False


def _own_address(host: str) -> Address | None:
    """The address of a listener; None when it was named, so that only the machine knows."""
    try:
        return ipaddress.ip_address("127.0.0.1" if host in ("", "localhost") else host)
    except ValueError:
        return None


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(network.version == address.version and address in network for network in networks)
