"""What a provider answers, fetched through the guarded dialler alone and kept for a short while."""

import asyncio
from dataclasses import dataclass
from typing import Any

from deskbell.model.exchange import Reply, Sendable, SendPolicy
from deskbell.model.ids import SiteId
from deskbell.model.sign_on import SignOn
from deskbell.ports import Clock, Sender
from deskbell.rules.id_tokens import document_of
from deskbell.rules.sign_on import WELL_KNOWN, Provider, ProviderRefused, provider_of

KEPT_S = 600.0
KEYS_AGAIN_S = 10.0
"""A token signed by a key that is not known makes the key set be fetched anew, but no more often than this."""
DOCUMENT_BYTES_MAX = 262_144
_KEPT_MAX = 1_000


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A document with when it was fetched, monotonic."""

    document: Any
    at: float


class Providers:
    """Documents of providers by site and address: nothing crosses sites."""

    def __init__(self, *, sender: Sender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock
        self._kept: dict[tuple[SiteId, str], Kept] = {}

    async def provider(self, settings: SignOn, *, fresh: bool = False) -> Provider:
        """The provider's addresses. Raises ProviderRefused."""
        url = settings.issuer.rstrip("/") + WELL_KNOWN
        document = await self._document(settings.site, url, 0.0 if fresh else KEPT_S)
        return provider_of(document, settings.issuer)

    async def keys(self, settings: SignOn, provider: Provider, *, fresh: bool = False) -> dict[str, Any]:
        """Its public keys. Raises ProviderRefused."""
        return await self._document(settings.site, provider.keys_url, KEYS_AGAIN_S if fresh else KEPT_S)

    async def ask(self, site: SiteId, url: str, headers: tuple[tuple[str, str], ...], body: bytes) -> Reply:
        """A POST."""
        return await self._send(Sendable(site=site, url=url, headers=headers, body=body))

    async def _document(self, site: SiteId, url: str, kept_s: float) -> dict[str, Any]:
        now, kept = self._clock.monotonic(), self._kept.get((site, url))
        if kept is not None and now - kept.at < kept_s:
            found: dict[str, Any] = kept.document
            return found
        reply = await self._send(
            Sendable(site=site, url=url, method="GET", headers=(("accept", "application/json"),), body=b"")
        )
        if reply.status != 200 or reply.truncated:
            what = f"answered {reply.status}" if reply.status else f"{reply.fault} {reply.rule or ''}".strip()
            raise ProviderRefused(f"{url} could not be read: {what}. {reply.text}".strip())
        try:
            document = document_of(reply.body)
        except (ValueError, RecursionError):
            raise ProviderRefused(f"{url} is no JSON object.") from None
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[site, url] = Kept(document=document, at=now)
        return document

    async def _send(self, sendable: Sendable) -> Reply:
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def done(reply: Reply) -> None:
            if not waiting.done():
                waiting.set_result(reply)

        self._sender.submit(sendable, SendPolicy(response_bytes_max=DOCUMENT_BYTES_MAX), done)
        return await waiting
