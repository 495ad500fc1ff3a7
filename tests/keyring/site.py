"""An installation for the tests of its keyring: a data directory, a store, sealed webhooks, and nodes that watch."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from contract.made import SITE, ident, inserts, secret, site, webhook
from deskbell.config import Config, read_config
from deskbell.keyring.load import load_keyring
from deskbell.keyring.resealing import tally
from deskbell.keyring.steps import KeyringSteps
from deskbell.keyring.watch import KeyringWatch
from deskbell.model.changes import Committed, Replace, Unit
from deskbell.model.ids import WebhookId
from deskbell.model.instant import Instant
from deskbell.model.webhook import Webhook
from deskbell.ports import Store
from deskbell.rules.credentials import ReadCertificate
from deskbell.rules.keyring_state import SETTLE_S
from deskbell.rules.limits import Limits
from deskbell.rules.sealed_fields import URL_FIELD
from deskbell.rules.sealing import Keyring, aad_field
from deskbell.rules.urls import ReceiverUrl, UrlPolicy, parse_receiver_url
from deskbell.webhooks.safe import Safe
from doubles import Chance, Clock

URL = "https://hooks.example.com/in/T0KEN-in-the-path"
SECRET = "whsec_" + "c2VjcmV0" * 4


@dataclass
class Installed:
    """One installation."""

    data: Path
    store: Store
    clock: Clock = field(default_factory=Clock)
    chance: Chance = field(default_factory=Chance)

    def config(self, node: str = "", **settings: str) -> Config:
        """The settings of a node; each node has a directory of its own."""
        folder = self.data / node
        folder.mkdir(parents=True, exist_ok=True)
        return read_config(settings, data=str(folder))

    def steps(self, node: str = "", **settings: str) -> KeyringSteps:
        """What the Operator does there."""
        return KeyringSteps(
            config=self.config(node, **settings), store=self.store, clock=self.clock, random=self.chance
        )

    async def ring(self, node: str = "", **settings: str) -> Keyring:
        """The keyring that a process begins with."""
        return await load_keyring(self.config(node, **settings), self.store, self.chance)

    async def watch(self, ring: Keyring, node: str = "", **settings: str) -> KeyringWatch:
        """A process that tells and looks; the caller takes its steps."""
        one = KeyringWatch(
            config=self.config(node, **settings),
            store=self.store,
            keyring=ring,
            clock=self.clock,
            random=self.chance,
            node=node or "alone",
            log=structlog.get_logger(),
        )
        await one.begin()
        return one

    async def register(self, ring: Keyring, count: int = 1) -> list[Webhook]:
        """Webhooks with sealed URL, header and secret."""
        made = [sealed_webhook(ring, self.chance) for _ in range(count)]
        if await self.store.sites.get(SITE) is None:
            await self.store.commit(inserts(site()))
        await self.store.commit(inserts(*made))
        safe = Safe(ring, self.chance)
        secrets = []
        for one in made:
            key = ident("sec")
            secrets.append(secret(one, id=key, sealed=safe.seal_secret(one.site, one.id, key, SECRET)))
        await self.store.commit(inserts(*secrets))
        return made

    async def change(self, ring: Keyring, hook: Webhook) -> Webhook:
        """A person gives a webhook another header."""
        now = await self.store.webhooks.get(hook.site, hook.id)
        assert now is not None
        headers = Safe(ring, self.chance).seal_headers(hook.site, hook.id, {"x-key": "other"})
        after = replace(now, version=now.version + 1, headers=headers)
        assert await self.store.commit(Unit(changes=(Replace(row=after),))) == Committed()
        return after

    async def keys_in_use(self) -> set[str]:
        """The keys that rows need."""
        found = await tally(self.store)
        assert not found.unreadable
        return {key_id for key_id, _ in found.rows}

    def settle(self) -> None:
        """Wait until what was under way has ended."""
        self.clock.go(SETTLE_S + 1)

    async def must_open(self, ring: Keyring, hooks: list[Webhook]) -> None:
        """Every field of every webhook opens, and says what it said."""
        safe = Safe(ring, self.chance)
        for one in hooks:
            now = await self.store.webhooks.get(one.site, one.id)
            assert now is not None
            assert safe.open_url(now) == URL
            (own,) = await self.store.webhooks.secrets(one.site, one.id)
            assert safe.open_secret(own) == SECRET


READ = ReadCertificate(subject="CN=desk", expires_at=Instant(0), fingerprint="ab" * 32)


def sealed_webhook(ring: Keyring, chance: Chance) -> Webhook:
    """A webhook whose fields are sealed."""
    url = parse_receiver_url(URL, UrlPolicy(), site=SITE, limits=Limits())
    assert isinstance(url, ReceiverUrl)
    safe, key = Safe(ring, chance), WebhookId(ident("whk"))
    return webhook(
        id=key,
        receiver_url=safe.seal_url(SITE, key, url),
        headers=safe.seal_headers(SITE, key, {"x-key": "value"}),
        auth=safe.seal_auth(SITE, key, {"type": "bearer", "token": "value"}, ""),
        client_certificate=safe.seal_certificate(SITE, key, {"certificate": "chain", "key": "value"}, READ),
    )


def opens(ring: Keyring, hook: Webhook) -> bool:
    """Whether the URL's record opens with a ring."""
    return ring.open(hook.receiver_url.sealed, aad_field(hook.site, hook.id, URL_FIELD)).decode() == URL
