"""Names to addresses by c-ares: asynchronous, no thread pool, no search list; hosts file for named exceptions only."""

import asyncio
from collections.abc import Sequence
from itertools import chain, zip_longest

import aiodns
import pycares

from deskbell.outbound.faults import ResolveFault

_ALIASES_MAX = 16
_TRY_S = 1.0
_TRIES = 2
_NAMES = {
    pycares.errno.ARES_ENOTFOUND: "dns_nxdomain",
    pycares.errno.ARES_ENODATA: "dns_no_address",
    pycares.errno.ARES_ETIMEOUT: "dns_timeout",
}
_TEXTS = {
    "dns_timeout": "the name servers gave no answer in time",
    "dns_error": "the name servers answered with an error",
    "dns_nxdomain": "there is no such name",
    "dns_no_address": "the name exists, but has no address",
}
"""Worst first: what the look-up is called when neither query gave an address."""


class AresResolver:
    """Implements ports.Resolver. Each look-up has a channel of its own: c-ares would keep answers for up to an hour."""

    def __init__(self, *, nameservers: Sequence[str] = (), hosts_file_names: Sequence[str] = ()) -> None:
        self._nameservers = list(nameservers) or None  # None: those of the system
        self._hosts_file_names = frozenset(hosts_file_names)  # names with a host:port entry of the Operator

    async def resolve(self, host: str, timeout_s: float) -> tuple[str, ...]:
        """All A and AAAA addresses, taken in turns. Raises ResolveFault."""
        tries = 1 if timeout_s < _TRY_S * _TRIES else _TRIES
        local = host in self._hosts_file_names
        channel = aiodns.DNSResolver(
            nameservers=self._nameservers, timeout=min(timeout_s, _TRY_S), tries=tries,
            lookups="fb" if local else "b", flags=0 if local else pycares.ARES_FLAG_NOSEARCH,
        )  # fmt: skip
        try:
            async with asyncio.timeout(timeout_s):
                return await (self._ask_system(channel, host) if local else self._ask_servers(channel, host))
        except TimeoutError:
            raise ResolveFault("dns_timeout", _TEXTS["dns_timeout"]) from None
        finally:
            await channel.close()

    async def _ask_servers(self, channel: aiodns.DNSResolver, host: str) -> tuple[str, ...]:
        answers = await asyncio.gather(*(self._query(channel, host, kind) for kind in ("A", "AAAA")))
        found = tuple(one for one in chain(*zip_longest(*(addresses for addresses, _ in answers))) if one)
        if found:
            return found
        faults = {fault for _, fault in answers}
        name = next(name for name in _TEXTS if name in faults)
        raise ResolveFault(name, _TEXTS[name])

    async def _query(self, channel: aiodns.DNSResolver, host: str, kind: str) -> tuple[list[str], str]:
        """Addresses of one family, and the fault's name when there is none."""
        try:
            answer = (await channel.query_dns(host, kind)).answer
        except aiodns.error.DNSError as error:
            return [], _NAMES.get(error.args[0], "dns_error")
        if sum(isinstance(one.data, pycares.CNAMERecordData) for one in answer) > _ALIASES_MAX:
            return [], "dns_error"
        addresses = [
            one.data.addr for one in answer if isinstance(one.data, pycares.ARecordData | pycares.AAAARecordData)
        ]
        return addresses, "dns_no_address"

    async def _ask_system(self, channel: aiodns.DNSResolver, host: str) -> tuple[str, ...]:
        try:
            nodes = (await channel.getaddrinfo(host)).nodes
        except aiodns.error.DNSError as error:
            name = _NAMES.get(error.args[0], "dns_error")
            raise ResolveFault(name, _TEXTS[name]) from None
        return tuple(dict.fromkeys(_text(node.addr[0]) for node in nodes))


def _text(address: str | bytes) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else address
