"""A whole engine on a real store twin, a clock that tests move, and receivers with characters."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from deskbell.doorbell.local import LocalDoorbell
from deskbell.engine import Engine
from deskbell.model.changes import Insert, Overwrite, Refused, Replace, Unit
from deskbell.model.delivery import Delivery
from deskbell.model.draft import Draft, Published
from deskbell.model.exchange import Reply, Sendable, SendPolicy, Stage, Timing
from deskbell.model.ids import SiteId, WebhookId, make_id, shard_of
from deskbell.model.instant import Instant, from_seconds, plus, unix_ms
from deskbell.model.people import SYSTEM, Actor, ActorKind
from deskbell.model.site import Site
from deskbell.model.webhook import Format, SealedUrl, Secret, Webhook, WebhookState
from deskbell.receivers import KINDS
from deskbell.rules.limits import Limits
from deskbell.rules.sealing import aad_field, aad_secret, new_keyring
from deskbell.rules.signing import new_secret

SITE = SiteId("dd")
KEY = Actor(kind=ActorKind.KEY, name="publisher", id="key_1")
ANN = Actor(kind=ActorKind.PERSON, name="Ann Lee", id="usr_1")
START = from_seconds(1_600_000_000)
Character = Callable[[Sendable], Reply | None]


async def until(holds: Callable[[], bool], limit_s: float = 5.0) -> None:
    """Wait until a condition holds; fail after the limit."""
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110  any condition can be waited for, most have no event
            await asyncio.sleep(0.001)


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.wall = START
        self.seconds = 1_000.0

    def now(self) -> Instant:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.wall = plus(self.wall, seconds)
        self.seconds += seconds


class Counted:
    """Chance without chance: bits are counted up, fractions are 0."""

    def __init__(self) -> None:
        self.count = 0

    def bits(self, count: int) -> int:
        self.count += 1
        return self.count % (1 << count)

    def fraction(self) -> float:
        return 0.0

    def secret(self, size: int) -> bytes:
        return self.bits(32).to_bytes(4, "big").rjust(size, b"\0")


def ok(sendable: Sendable) -> Reply:
    """A receiver that takes everything."""
    return answer(200)(sendable)


def answer(status: int, **headers: str) -> Character:
    """A receiver that always answers the same."""
    lines = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return lambda sendable: Reply(stage=Stage.READ, status=status, headers=lines, timing=Timing(total_ms=12.0))


def fault(name: str, stage: Stage = Stage.CONNECT) -> Character:
    """A receiver that is never reached."""
    return lambda sendable: Reply(stage=stage, fault=name)


def in_turn(*characters: Character) -> Character:
    """A receiver that behaves differently each time; the last one stays."""
    left = list(characters)
    return lambda sendable: (left.pop(0) if len(left) > 1 else left[0])(sendable)


def hang(sendable: Sendable) -> None:
    """A receiver that never answers."""
    return


class FakeSender:
    """The dialler's place: receivers by URL, and a record of every request."""

    def __init__(self) -> None:
        self.characters: dict[str, Character] = {}
        self.requests: list[Sendable] = []
        self.policies: list[SendPolicy] = []
        self.hanging: list[tuple[Sendable, Callable[[Reply], None]]] = []
        self.most_at_once: dict[str, int] = {}
        self._now: dict[str, int] = {}

    def submit(self, sendable: Sendable, policy: SendPolicy, done: Callable[[Reply], None]) -> None:
        self.requests.append(sendable)
        self.policies.append(policy)
        self._now[sendable.url] = self._now.get(sendable.url, 0) + 1
        self.most_at_once[sendable.url] = max(self.most_at_once.get(sendable.url, 0), self._now[sendable.url])
        reply = self.characters[sendable.url](sendable)
        if reply is None:
            self.hanging.append((sendable, done))
        else:
            asyncio.get_running_loop().call_soon(self._done, sendable, reply, done)

    def _done(self, sendable: Sendable, reply: Reply, done: Callable[[Reply], None]) -> None:
        self._now[sendable.url] -= 1
        done(reply)

    def answer_hanging(self, reply: Reply) -> None:
        """Everyone who waits gets this answer."""
        waiting, self.hanging = self.hanging, []
        for sendable, done in waiting:
            self._done(sendable, reply, done)

    async def close(self) -> None:
        return None

    def to(self, webhook: Webhook) -> list[Sendable]:
        """The requests to this webhook."""
        return [one for one in self.requests if one.url == url_of(webhook.id)]

    def headers(self, index: int = -1) -> dict[str, str]:
        """The headers of one request."""
        return dict(self.requests[index].headers)


def typed(settings: dict[str, Any]) -> dict[str, Any]:
    """States and formats may be given as plain words."""
    kinds = {"state": WebhookState, "format": Format}
    return {name: kinds[name](value) if name in kinds else value for name, value in settings.items()}


def url_of(webhook_id: str) -> str:
    """Each webhook of these tests has a receiver of its own."""
    return f"https://{webhook_id.lower()}.example.com/in"


class World:
    """An engine with its surroundings, and short ways to say what happens."""

    def __init__(self, store: Any, limits: Limits, sender: Any = None) -> None:
        self.store, self.limits = store, limits
        self.clock, self.random, self.sender = FakeClock(), Counted(), sender or FakeSender()
        self.doorbell = LocalDoorbell()
        self.keyring = new_keyring(b"k" * 32)
        self.secrets: dict[str, str] = {}
        self.engine = self.new_engine()

    def new_engine(self, **more: Any) -> Engine:
        """Another process on the same database."""
        self.engine = Engine(
            store=self.store,
            sender=self.sender,
            clock=self.clock,
            random=self.random,
            doorbell=self.doorbell,
            limits=self.limits,
            kinds=KINDS,
            keyring=self.keyring,
            log=structlog.get_logger(),
            **more,
        )
        return self.engine

    async def start(self) -> None:
        await self.commit(Insert(row=Site(site=SITE, name="Desk", created_at=START)))
        await self.engine.start()

    async def commit(self, *changes: Any) -> None:
        verdict = await self.store.commit(Unit(changes=changes))
        assert not isinstance(verdict, Refused), verdict

    async def webhook(self, *types: str, character: Character = ok, site: SiteId = SITE, **settings: Any) -> Webhook:
        """Create a webhook with a secret, tell the engine, and give its receiver a character."""
        webhook_id = WebhookId(make_id("whk", unix_ms=unix_ms(START), chance=self.random.bits(74)))
        text = settings.pop("url", None) or url_of(webhook_id)
        headers = {
            name: self.keyring.seal(value.encode(), aad_field(site, webhook_id, f"header:{name.lower()}"), b"n" * 12)
            for name, value in settings.pop("headers", {}).items()
        }
        webhook = Webhook(
            site=site,
            id=webhook_id,
            version=1,
            shard=shard_of(webhook_id),
            description=f"Webhook {webhook_id[-4:]}",
            receiver_url=SealedUrl(
                sealed=self.keyring.seal(text.encode(), aad_field(site, webhook_id, "receiver_url"), b"u" * 12),
                masked="https://…/in",
                host="example.com",
                fingerprint=self.keyring.fingerprint(text),
            ),
            event_types=types or ("*",),
            created_at=START,
            created_by=SYSTEM,
            headers=headers,
            **typed(settings),
        )
        if isinstance(self.sender, FakeSender):
            self.sender.characters[text] = character
        await self.commit(Insert(row=webhook), Insert(row=self.secret(webhook, "1")))
        self.engine.webhook_changed(site, webhook_id)
        return webhook

    def secret(self, webhook: Webhook, number: str, **more: Any) -> Secret:
        """A new signing secret of a webhook."""
        text = new_secret(self.random.secret(32))
        secret_id = f"sec_{number}{webhook.id[4:-1]}"
        self.secrets[secret_id] = text
        return Secret(
            site=webhook.site,
            webhook_id=webhook.id,
            id=secret_id,
            sealed=self.keyring.seal(text.encode(), aad_secret(webhook.site, webhook.id, secret_id), b"s" * 12),
            created_at=self.clock.now(),
            **more,
        )

    async def change(self, webhook: Webhook, **members: Any) -> Webhook:
        """Change a webhook as the registrations room does: a new version, then the engine is told."""
        now = await self.store.webhooks.get(webhook.site, webhook.id)
        after = replace(now, version=now.version + 1, **typed(members))
        await self.commit(Replace(row=after))
        self.engine.webhook_changed(after.site, after.id)
        return after

    async def slider(self, enabled: bool) -> None:
        site = await self.store.sites.get(SITE)
        await self.commit(Replace(row=replace(site, version=site.version + 1, webhooks_enabled=enabled)))
        self.engine.site_changed(SITE)

    async def rotate(self, old: Secret, webhook: Webhook, valid_until: Instant) -> Secret:
        new = self.secret(webhook, "2")
        await self.commit(Overwrite(row=replace(old, valid_until=valid_until)), Insert(row=new))
        self.engine.webhook_changed(webhook.site, webhook.id)
        return new

    async def publish(self, event_type: str = "custom.order", data: bytes = b'{"n":1}', **more: Any) -> Published:
        draft = Draft(type=event_type, by=KEY, occurred_at=self.clock.now(), data=data, **more)
        answer = await self.engine.publish(more.pop("site", SITE), [draft])
        assert isinstance(answer, Published), answer
        return answer

    async def delivery(self, delivery_id: str) -> Delivery:
        found = await self.store.deliveries.get(SITE, delivery_id)
        assert found is not None
        return found

    async def state(self, published: Published, index: int = 0) -> str:
        return (await self.delivery(published.delivery_ids[index])).state.value

    async def quiet(self) -> None:
        """Until nothing is on its way but what hangs, and nothing waits for its commit."""
        calm = 0
        while calm < 5:
            await asyncio.sleep(0.001)
            now = self.engine.counters()
            busy = now.in_flight - len(self.sender.hanging) or now.unsettled or now.publishes_waiting
            calm = 0 if busy else calm + 1

    async def advance(self, seconds: float) -> None:
        """Let time pass, then let the engine look."""
        self.clock.advance(seconds)
        self.engine.wake()
        await self.engine.tend()
        await self.quiet()
