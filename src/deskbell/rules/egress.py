"""`DESKBELL_EGRESS_PROXY`: where a proxy stands through which all requests to receivers go."""

import ipaddress
import re
from dataclasses import dataclass

_FORM = re.compile(r"http://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]{1,253}):([1-9][0-9]{0,4})/?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class EgressProxy:
    """An HTTP proxy that takes CONNECT."""

    host: str  # lower case; IPv6 without brackets
    port: int
    is_literal: bool

    @property
    def shown(self) -> str:
        """As an Operator writes it."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def parse_egress_proxy(text: str) -> EgressProxy:
    """`http://host:port`. Raises ValueError that names the form; the text is not told: it may hold a password."""
    found = _FORM.fullmatch(text)
    if found is None or int(found[2]) > 65_535:
        raise ValueError("DESKBELL_EGRESS_PROXY is not like http://host:3128; user and password are not possible.")
    host = found[1].strip("[]").lower()
    try:
        host, is_literal = str(ipaddress.ip_address(host)), True
    except ValueError:
        is_literal = False
        if found[1].startswith("[") or host.rpartition(".")[2].isdigit():
            raise ValueError("DESKBELL_EGRESS_PROXY names no address; it is like http://10.0.0.9:3128.") from None
    return EgressProxy(host=host, port=int(found[2]), is_literal=is_literal)
