"""What names resolved to: kept for a short time per site, one look-up for all who wait, few at once."""

import asyncio
from collections.abc import Callable

from deskbell.outbound.faults import ResolveFault
from deskbell.ports import Resolver
from deskbell.rules.limits import Limits

_NAMES_MAX = 10_000


class Names:
    """Answers of the resolver. Only good answers are kept."""

    def __init__(self, resolver: Resolver, limits: Limits, monotonic: Callable[[], float]) -> None:
        self._resolver = resolver
        self._limits = limits
        self._monotonic = monotonic
        self._known: dict[tuple[str, str], tuple[float, tuple[str, ...]]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[tuple[str, ...]]] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}

    def known(self, site: str, host: str, now: float) -> tuple[str, ...] | None:
        """The kept answer, while it is fresh."""
        found = self._known.get((site, host))
        if found is None or now - found[0] >= self._limits.dns_cache_s:
            return None
        return found[1]

    async def find(self, site: str, host: str) -> tuple[str, ...]:
        """Addresses of the name. Raises ResolveFault."""
        found = self.known(site, host, self._monotonic())
        if found is not None:
            return found
        key = (site, host)
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(key))
            asking.add_done_callback(lambda task: self._asked(key, task))
        try:
            async with asyncio.timeout(self._limits.resolve_timeout_s):
                return await asyncio.shield(asking)
        except TimeoutError:
            raise ResolveFault("dns_timeout", "the name servers gave no answer in time") from None

    async def close(self) -> None:
        """End look-ups under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, key: tuple[str, str]) -> tuple[str, ...]:
        site, host = key
        slots = self._slots.setdefault(site, asyncio.Semaphore(self._limits.dns_parallel_per_site))
        async with slots:
            addresses = await self._resolver.resolve(host, self._limits.resolve_timeout_s)
        if not addresses:
            raise ResolveFault("dns_no_address", "the name exists, but has no address")
        if len(self._known) >= _NAMES_MAX:
            self._known.clear()
        self._known[key] = (self._monotonic(), addresses)
        return addresses

    def _asked(self, key: tuple[str, str], task: asyncio.Task[tuple[str, ...]]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # seen, even when nobody waits any more
        if not any(site == key[0] for site, _ in self._asking):
            self._slots.pop(key[0], None)
