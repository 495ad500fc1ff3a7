"""Where one receiver URL leads: judged once, its answers vetted at each use."""

from collections.abc import Callable, Sequence

from deskbell.model.credential import ClientIdentity
from deskbell.model.exchange import Sendable, SendPolicy
from deskbell.rules.addresses import AddressRefused, Vetted
from deskbell.rules.urls import ReceiverUrl, UrlPolicy, UrlRefused

Judge = Callable[[str, str, tuple[str, ...]], ReceiverUrl | UrlRefused]
"""Text, site, the site's own list of receivers."""

Vet = Callable[[Sequence[str], ReceiverUrl, str], Vetted | AddressRefused]
"""All addresses of a name, its URL, site."""

Key = tuple[str, str, str, str, int, str]
"""What a connection belongs to: site, mark of the client certificate, scheme, host, port, vetted address."""

ADDRESSES_MAX = 3
"""Dialled per exchange; all are vetted."""

_ROUTES_MAX = 4096
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1", "localhost": "127.0.0.1"}
_LOOPBACK = ("127.0.0.1", "::1")


class Route:
    """A judged URL, with what a connection to it needs."""

    __slots__ = ("_vetted", "_vetted_from", "fixed", "host", "host_line", "identity", "own", "port", "scheme", "site",
                 "url")  # fmt: skip

    def __init__(self, url: ReceiverUrl, site: str, policy: UrlPolicy, identity: ClientIdentity | None = None) -> None:
        self.url = url
        self.site = site
        self.identity = identity
        self.host = url.host.strip("[]")
        self.scheme, self.port = url.scheme, url.port
        self.host_line = f"[{self.host}]" if ":" in self.host else self.host
        if url.port != _DEFAULT_PORTS[url.scheme]:
            self.host_line += f":{url.port}"
        self.fixed: tuple[str, ...] | None = None  # addresses that need no look-up
        self.own = url.is_own and bool(policy.listen)
        if self.own:
            address, self.port = policy.listen[0]
            self.scheme, self.fixed = "http", (_ANY_ADDRESS.get(address, address),)
        elif url.is_literal:
            self.fixed = (self.host,)
        elif self.host == "localhost" or self.host.endswith(".localhost"):
            self.fixed = _LOOPBACK
        self._vetted_from: tuple[str, ...] = ()
        self._vetted: tuple[Key, ...] | AddressRefused = ()

    def vet(self, addresses: tuple[str, ...], vet: Vet) -> tuple[Key, ...] | AddressRefused:
        """Where may be dialled, in order; the very same answer of a look-up is not judged twice."""
        if self._vetted_from is not addresses:
            verdict = Vetted(addresses=addresses) if self.own else vet(addresses, self.url, self.site)
            self._vetted_from = addresses
            self._vetted = verdict if isinstance(verdict, AddressRefused) else self._keys(verdict.addresses)
        return self._vetted

    def _keys(self, addresses: Sequence[str]) -> tuple[Key, ...]:
        mark = "" if self.identity is None else self.identity.mark
        return tuple((self.site, mark, self.scheme, self.host, self.port, one) for one in addresses[:ADDRESSES_MAX])


class Routes:
    """Judges URLs; the verdict is remembered, as the policy never changes while the process runs."""

    def __init__(self, judge: Judge, policy: UrlPolicy) -> None:
        self._judge = judge
        self._policy = policy
        self._known: dict[tuple[str, str, tuple[str, ...], str], Route | UrlRefused] = {}

    def find(self, sendable: Sendable, policy: SendPolicy) -> Route | UrlRefused:
        """The route of this URL, or why it is refused."""
        identity = sendable.identity
        key = (sendable.url, sendable.site, policy.allowed_receivers, "" if identity is None else identity.mark)
        found = self._known.get(key)
        if found is None:
            url = self._judge(*key[:3])
            found = url if isinstance(url, UrlRefused) else Route(url, sendable.site, self._policy, identity)
            if len(self._known) >= _ROUTES_MAX:
                self._known.clear()
            self._known[key] = found
        return found
