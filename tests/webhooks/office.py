"""The registrations with a real engine on a store in memory, and short ways to use them."""

import json
from typing import Any

from deskbell.model.account import Caller, Login, Permission, Role
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import Insert
from deskbell.model.delivery import Delivery
from deskbell.model.ids import SiteId
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.model.site import Site
from deskbell.receivers import KINDS
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy
from deskbell.storage.memory import MemoryStore
from deskbell.webhooks import Created, Registrations, WebhookSpec
from engine.world import SITE, START, World, ok

ORIGIN = Origin(address="192.0.2.7", request_id="req_1")
URL = "https://hooks.example.com/services/T0/very-secret-path"
ANA = Caller(
    site=SITE, kind="person", id="usr_ana", name="Ana Ruiz", permissions=frozenset(Permission), role=Role.OWNER
)
SCRIPT = Caller(site=SITE, kind="key", id="key_1", name="cleanup", permissions=frozenset(Permission), role=Role.OWNER)


def spec(**members: Any) -> WebhookSpec:
    """Good settings, some of them others."""
    plain: dict[str, Any] = {"description": "To the desk", "receiver_url": URL, "event_types": ("custom.*",)}
    return WebhookSpec(**{**plain, **members})


def signed_in(confirmed_s_ago: int, world: World) -> Caller:
    """A person whose password was given so long ago."""
    at = world.clock.now() - confirmed_s_ago * 10_000_000
    login = Login(
        site=SITE, id="lgn_1", user_id=ANA.id, token_hash="h", csrf="c", created_at=at, seen_at=at, confirmed_at=at,
        address="192.0.2.7",
    )  # fmt: skip
    return Caller(
        site=SITE, kind="person", id=ANA.id, name=ANA.name, permissions=ANA.permissions, role=ANA.role, login=login
    )


class Office:
    """A world and its registrations; remembers who was told of what."""

    def __init__(self, store: Any = None, *, limits: Limits | None = None, **policy: Any) -> None:
        self.world = World(store or MemoryStore(), limits or Limits())
        self.told: list[Any] = []
        self.rooms = self.registrations(**policy)

    def registrations(self, **policy: Any) -> Registrations:
        """The use cases under a policy."""
        world = self.world

        def changed(site: SiteId, webhook_id: Any) -> None:
            self.told.append(webhook_id)
            world.engine.webhook_changed(site, webhook_id)

        def site_changed(site: SiteId) -> None:
            self.told.append(site)
            world.engine.site_changed(site)

        return Registrations(
            store=world.store,
            clock=world.clock,
            random=world.random,
            limits=world.limits,
            keyring=world.keyring,
            url_policy=UrlPolicy(**policy),
            changed=changed,
            site_changed=site_changed,
            publisher=world.engine,
            kinds=KINDS,
        )

    async def made(self, caller: Caller = ANA, **members: Any) -> Created:
        """A new webhook whose receiver takes everything."""
        self.world.sender.characters.setdefault(members.get("receiver_url", URL), ok)
        return await self.rooms.create(caller, spec(**members), origin=ORIGIN)

    async def waiting(self, count: int, webhook_id: str) -> list[str]:
        """Publish so many events; answers the ids of their deliveries to this webhook."""
        for _ in range(count):
            await self.world.publish()
        return [one.id for one in await self.deliveries(webhook_id)]

    async def deliveries(self, webhook_id: str, *states: str) -> list[Delivery]:
        """Of one webhook, newest first."""
        which = DeliveryFilter(webhook_ids=(webhook_id,), states=states)
        return list(await self.world.store.deliveries.page(SITE, which, None, 1_000))

    async def audit(self) -> list[AuditEntry]:
        """Oldest first."""
        return [row.entry for row in await self.world.store.audit.range(SITE, 0, 10_000)]

    async def events(self, event_type: str = "webhook.*") -> list[Any]:
        """The snapshots of this type, oldest first."""
        rows = await self.world.store.events.page(SITE, EventFilter(type=event_type), None, 1_000)
        return [json.loads(row.snapshot) for row in reversed(rows)]

    async def another_site(self, name: str = "other") -> Caller:
        """The owner of another site."""
        await self.world.commit(Insert(row=Site(site=SiteId(name), name="Other", created_at=START)))
        return Caller(site=SiteId(name), kind="person", id="usr_x", name="X", permissions=frozenset(Permission))
