"""Two sites of one installation: the one asks, the other has a thing of every kind."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deskbell import site_setup
from portal_kit import OWNER, Browser
from receiver import Receiver
from running import Running, running, until


@dataclass
class Two:
    """Both sites, and the ids of the other one's things by their kind."""

    own: Running
    other: Running
    receiver: Receiver
    ids: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def two_sites(data: Path, **settings: str) -> AsyncIterator[Two]:
    """A running Deskbell with two sites; people of the desk stand at both."""
    async with Receiver() as receiver, running(data, **settings) as own:
        made = await site_setup.set_up(own.house.rooms, "other", "The other desk")
        assert made.api_key is not None
        other = Running(house=own.house, port=own.port, key=made.api_key, setup_url=made.setup_url)
        two = Two(own=own, other=other, receiver=receiver)
        await fill(two)
        yield two


async def fill(two: Two) -> None:
    """One of everything at the other site, and people at the asking one whose numbers come first."""
    for desk, count in ((two.own, 1), (two.other, 2)):
        for number in range(count):
            await desk.good("POST", "/desk/companies", {"name": f"Acme {number}", "identifier": f"acme{number}"})
            await desk.good("POST", "/desk/contacts", {"name": f"Ann {number}", "companyId": number + 1})
            await desk.good("POST", "/desk/agents", {"name": f"Bob {number}"})
    other, ids = two.other, two.ids
    hook = await other.webhook(two.receiver.url, "*")
    box = await other.good("POST", "/inspector/bins", {"name": "mine"})
    await _post_to(other, box["url"])
    chat = await other.good("POST", "/desk/chats", {"contactId": 2, "type": "request"})
    ticket = await other.good("POST", "/desk/tickets", {"title": "Ours", "contactId": 2})
    event = await other.good("POST", "/events", {"type": "custom.invoice", "data": {"n": 1}})
    delivery = await other.delivery(lambda one: one["state"] == "delivered", webhook=hook["id"])
    shown = await other.good("GET", f"/deliveries/{delivery['id']}")
    offered = (await other.good("GET", "/desk/dwell-rules"))["offered"][0]
    rule = await other.good("POST", "/desk/dwell-rules", offered)
    replay = await other.good("POST", "/replays", {"states": ["delivered"], "webhookIds": [hook["id"]]})
    key = await other.good("POST", "/keys", {"name": "theirs", "scopes": ["events:read"]})
    await other.good("POST", "/users", {"email": "vi@other.example", "role": "viewer"})
    user = (await other.good("GET", "/users"))["items"][0]
    capture = (await other.good("GET", f"/inspector/bins/{box['id']}/captures"))["items"][0]
    contact = await other.good("GET", "/desk/contacts/2")
    ids.update(
        webhook=hook["id"], bin=box["id"], chat=chat["id"], ticket=ticket["id"], event=event["id"],
        delivery=delivery["id"], attempt=shown["log"][0]["id"], rule=rule["id"], replay=replay["id"], key=key["id"],
        capture=capture["id"], person="2", user=user["id"], contact=contact["userId"],
    )  # fmt: skip


async def _post_to(desk: Running, url: str) -> None:
    path = urlsplit(url).path
    answer = await desk.call("POST", path, {"a": 1}, key="")
    assert answer.status == 200


async def signed_in(desk: Running, email: str) -> Browser:
    """The owner's browser."""
    browser = Browser(desk.house.config.base_url)

    def sign_in() -> None:
        path = urlsplit(desk.setup_url).path
        assert browser.get(path).status == 200
        made = browser.post(path, {**OWNER, "email": email})
        assert made.status == 303, made.text
        browser.get("/webhook")

    await asyncio.to_thread(sign_in)
    return browser


KIND_OF_PATH = (
    (r"^/webhooks?/", "webhook"),
    (r"^/events/", "event"),
    (r"^/deliveries/", "delivery"),
    (r"^/attempts/", "attempt"),
    (r"^/replays/", "replay"),
    (r"^/inspector/captures/", "capture"),
    (r"^/inspector/", "bin"),
    (r"^/desk/(companies|contacts|agents)/", "person"),
    (r"^/desk/(agent/)?chats/", "chat"),
    (r"^/desk/(agent/)?tickets/", "ticket"),
    (r"^/desk/(dwell-rules|timers)/", "rule"),
    (r"^/people/contacts/", "contact"),
    (r"^/keys/", "key"),
    (r"^/(settings/)?users/", "user"),
)
KINDLESS = {
    "/event-types/{name}",  # names are chosen, and looked up among the site's own
    "/logins/{id}",  # of the caller alone; there is none here
    "/docs/problems/{code}",
    "/schemas/{name}.json",  # of the Catalogue
    "/static/{name}",
    "/setup/{token}",  # the token is the credential and names its site
}
UNKNOWN = {
    "person": "77", "ticket": "77", "contact": "desk~c~77",
}  # fmt: skip
"""Ids that nobody has; of the other kinds the last character of the real one is changed."""


def kind_of(path: str) -> str | None:
    """Which kind of id a route takes; None for one that takes no site's id."""
    if "{" not in path or path in KINDLESS or path.startswith("/desk/client/"):
        return None
    for pattern, kind in KIND_OF_PATH:
        if re.search(pattern, path):
            return kind
    raise AssertionError(f"{path}: which kind of id is it? Add it to KIND_OF_PATH.")


def filled(two: Two, path: str, kind: str, key: str) -> str:
    """The path with this id in it."""
    query = f"?webhook={two.ids['webhook']}" if path.endswith("/payload") else ""
    named = path.replace("{cap}", two.ids["capture"])
    return re.sub(r"{\w+}", key, named) + query


def unknown(two: Two, kind: str) -> str:
    """An id of this kind that nobody has."""
    known = two.ids[kind]
    return UNKNOWN.get(kind) or known[:-1] + ("0" if known[-1] != "0" else "1")


BODIES: tuple[tuple[str, Any], ...] = (
    (r"^/users/{id}$", {"role": "viewer"}),
    (r"/(join|leave|complete)$", {"userId": "desk~a~1"}),
    (r"/invite$", {"userId": "desk~a~1", "userIds": ["desk~a~1"]}),
    (r"/callback$", {"userId": "desk~c~1", "type": "phone", "phone": "+61 2 1234 4567"}),
    (r"/messages$", {"userId": "desk~a~1", "text": "hello"}),
    (r"/notes$", {"userId": "desk~a~1", "text": "hello", "note": "hello"}),
    (r"/events/{id}/send$", {"webhookId": "own"}),
)


FORMS = ((r"/say$", {"text": "hello"}), (r"/users/{id}/role$", {"role": "viewer"}))


def form_of(route: Any) -> Any:
    """The fields of a form with which the page gets as far as the id."""
    return next((form for pattern, form in FORMS if re.search(pattern, route.path)), {})


def body_of(route: Any) -> Any:
    """A body with which the route gets as far as the id."""
    if route.method in ("GET", "DELETE"):
        return None
    return next((body for pattern, body in BODIES if re.search(pattern, route.path)), {})


def same_but_ids(text: str, *keys: str) -> str:
    """An answer without what differs from request to request."""
    for key in keys:
        text = re.sub(rf"(?<=[/~\"';]){key}\b" if len(key) < 3 else re.escape(key), "ID", text)
    return re.sub(r"req_[0-9A-Z]{26}|value=\"[A-Za-z0-9_-]{43}\"|\"requestId\":\"[^\"]*\"", "", text)


async def settled(two: Two) -> None:
    """Until everything at the other site has come to rest."""

    async def is_quiet() -> bool:
        found = await two.other.good("GET", "/deliveries?limit=200")
        return all(one["state"] == "delivered" for one in found["items"])

    await until(is_quiet)
