"""What the demo performs: sample people, an inspector bin, one signed webhook on it, and one chat from start to end."""

from collections.abc import Callable
from dataclasses import dataclass

from deskbell.model.account import Caller, Permission, Role
from deskbell.model.audit import Origin
from deskbell.model.chat import ACTIVE_STATUSES
from deskbell.model.ids import SiteId
from deskbell.model.inspector import Bin, Capture
from deskbell.model.people import Actor, ActorKind, Agent, Contact
from deskbell.model.query import ChatFilter
from deskbell.rooms import Rooms
from deskbell.webhooks import WebhookSpec

WAIT_S = 20.0
BIN_NAME = "playground"
ORIGIN = Origin(address="", request_id="demo")


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One delivery that the bin captured."""

    event_type: str
    delivery_id: str
    status: int
    signature: str  # in words


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of it."""

    expected: int
    arrived: int
    bin_id: str
    client_url: str


async def play(rooms: Rooms, told: Callable[[Arrival], None]) -> Played:
    """Perform the script; `told` hears of each delivery as it arrives."""
    site = (await rooms.store.sites.all())[0].site
    caller = Caller(
        site=site, kind="person", id="usr_demo", name="Demo", permissions=frozenset(Permission), role=Role.OWNER
    )
    contact, agent = await people(rooms, site)
    basket = await bin_with_webhook(rooms, caller)
    arrived = await chat(rooms, site, contact, agent, Watch(rooms, basket, told))
    token = await rooms.accounts.client_link(site, contact.user.user_id)
    return Played(
        expected=len(STEPS), arrived=arrived, bin_id=basket.id, client_url=f"{rooms.base_url}/desk/client/{token}"
    )


STEPS = ("chat.created", "chat.handled", "chat.updated", "chat.completed")


async def people(rooms: Rooms, site: SiteId) -> tuple[Contact, Agent]:
    """A company, a contact and an agent; the same ones when the demo runs again."""
    company = await rooms.people.companies.upsert(
        site, "demo-company", {"name": "Brightwater Dental", "identifier": "BrightwaterDental"}
    )
    contact = await rooms.people.contacts.upsert(
        site,
        "demo-contact",
        {"name": "Jason He", "companyId": company.entity_id, "email": "jason.he@brightwater.example"},
    )
    agent = await rooms.people.agents.upsert(site, "demo-agent", {"name": "Ana Ruiz", "email": "ana.ruiz@desk.example"})
    return contact, agent


async def bin_with_webhook(rooms: Rooms, caller: Caller) -> Bin:
    """The demo's bin, and a webhook that sends every chat event to it."""
    for found in await rooms.inspector.list(caller.site):
        if found.name == BIN_NAME:
            return found
    basket = await rooms.inspector.create(caller, BIN_NAME)
    spec = WebhookSpec(
        description="Inspector · all chats and tickets",
        receiver_url=f"{rooms.base_url}/bin/{basket.address}",
        event_types=("chat.*", "ticket.*"),
    )
    made = await rooms.registrations.create(caller, spec, origin=ORIGIN)
    return await rooms.inspector.change(caller, basket.id, {"webhookId": made.webhook.id})


class Watch:
    """Waits for the delivery of each step, so that it is told in the order of the chat."""

    def __init__(self, rooms: Rooms, basket: Bin, told: Callable[[Arrival], None]) -> None:
        self._rooms = rooms
        self._basket = basket
        self._told = told
        self._seen = basket.seq
        self.arrived = 0

    async def next(self) -> None:
        """The next capture, for at most WAIT_S."""
        found = await self._rooms.inspector.wait(
            self._basket.site, self._basket.id, count=1, timeout_s=WAIT_S, after_seq=self._seen
        )
        if found:
            self._seen = found[0].seq
            self.arrived += 1
            self._told(arrival(found[0]))


async def chat(rooms: Rooms, site: SiteId, contact: Contact, agent: Agent, watch: Watch) -> int:
    """A contact asks, an agent joins, answers and completes; answers how many deliveries arrived."""
    by, helper = contact.user.user_id, agent.user.user_id
    actor = demo_actor(agent)
    for old in await open_chats(rooms, site, by):
        await rooms.chats.complete(site, old, helper, "closed by the demo", actor)
        await watch.next()
    watch.arrived = 0
    opened = await rooms.chats.request(
        site, actor, contact_id=contact.entity_id, name="Printer on the 3rd floor is stuck"
    )
    await watch.next()
    await rooms.chats.join(site, opened.id, helper, actor)
    await watch.next()
    await rooms.chats.say(site, opened.id, helper, "I am on it.", actor)
    await watch.next()
    await rooms.chats.complete(site, opened.id, helper, "Cleared the paper jam.", actor)
    await watch.next()
    return watch.arrived


def demo_actor(agent: Agent) -> Actor:
    """The agent as the one who acts."""
    return Actor(kind=ActorKind.AGENT, name=agent.name, id=agent.user.user_id)


async def open_chats(rooms: Rooms, site: SiteId, creator_id: str) -> list[str]:
    """Chats that an earlier run left open."""
    statuses = tuple(status.value for status in ACTIVE_STATUSES)
    found = await rooms.chats.page(site, ChatFilter(statuses=statuses, creator_id=creator_id))
    return [one.id for one in found]


def arrival(capture: Capture) -> Arrival:
    """A capture in the demo's words."""
    return Arrival(
        event_type=", ".join(capture.event_types),
        delivery_id=capture.delivery_id or "",
        status=capture.answered_status or 0,
        signature="signature valid" if capture.signature == "valid" else capture.signature_text,
    )
