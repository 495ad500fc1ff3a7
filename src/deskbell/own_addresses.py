"""The addresses of this machine, read from the kernel's tables: a wildcard listener is heard at each of them."""

import ipaddress
import re
from pathlib import Path

_V4_TABLE = Path("/proc/net/fib_trie")
_V6_TABLE = Path("/proc/net/if_inet6")
_LOCAL = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")


def local_addresses(v4_table: Path = _V4_TABLE, v6_table: Path = _V6_TABLE) -> tuple[str, ...]:
    """IPv4 and IPv6 addresses of this machine; none where the kernel has no such tables."""
    found = dict.fromkeys(_LOCAL.findall(_text(v4_table)))
    for line in _text(v6_table).splitlines():
        found[str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0])))] = None
    return tuple(found)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
