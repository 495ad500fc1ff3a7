"""No route tells or changes anything of another site: generated from the tables of routes, with mutants that die."""

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deskbell.api.routes import API_ROUTES
from deskbell.portal.routes import ROUTES as PORTAL_ROUTES
from deskbell.storage.sqlite import SqliteStore
from portal_kit import Browser
from sites.two import Two, body_of, filled, form_of, kind_of, same_but_ids, settled, signed_in, two_sites, unknown

REPORTS = [route for route in API_ROUTES if route.method == "PUT"]
"""A report makes what it does not know: its ids are the reporter's own."""
API = [route for route in API_ROUTES if kind_of(route.path) and route not in REPORTS]
PORTAL = [route for route in PORTAL_ROUTES if kind_of(route.path)]


async def api_crossings(two: Two, routes: Iterable[Any]) -> list[str]:
    """What the API tells of the other site's ids beyond that they are unknown."""
    found = []
    for route in routes:
        kind = kind_of(route.path) or ""
        foreign, nobodys = two.ids[kind], unknown(two, kind)
        answers = [
            await two.own.call(route.method, filled(two, route.path, kind, key), body_of(route))
            for key in (foreign, nobodys)
        ]
        told = [same_but_ids(one.body.decode(), foreign, nobodys) for one in answers]
        if [one.status for one in answers] != [404, 404] or told[0] != told[1]:
            found.append(f"{route.method} {route.path}: {[one.status for one in answers]} {told[0][:300]}")
    return found


async def portal_crossings(two: Two, browser: Browser, routes: Iterable[Any]) -> list[str]:
    """The same for the pages."""
    found = []
    for route in routes:
        kind = kind_of(route.path) or ""
        foreign, nobodys = two.ids[kind], unknown(two, kind)
        answers = []
        for key in (foreign, nobodys):
            path = filled(two, route.path, kind, key)
            if route.method == "GET":
                answers.append(await asyncio.to_thread(browser.get, path))
            else:
                answers.append(await asyncio.to_thread(browser.post, path, form_of(route)))
        told = [same_but_ids(one.text, foreign, nobodys) for one in answers]
        if [one.status for one in answers] != [404, 404] or told[0] != told[1]:
            found.append(f"{route.method} {route.path}: {[one.status for one in answers]} {told[0][:300]}")
    return found


async def test_no_route_tells_or_changes_anything_of_another_site(tmp_path: Path) -> None:
    """404 with the body of an unknown id from each route, and afterwards the other site is as it was."""
    async with two_sites(tmp_path) as two:
        await settled(two)
        before = await everything(two)
        assert len(API) > 50
        assert len(PORTAL) > 40
        assert await api_crossings(two, API) == []
        browser = await signed_in(two.own, "ana@own.example")
        assert await portal_crossings(two, browser, PORTAL) == []
        assert await everything(two) == before


async def everything(two: Two) -> dict[str, Any]:
    """What the other site's lists show."""
    paths = (
        "/webhooks", "/events?limit=200", "/deliveries?limit=200", "/replays", "/inspector/bins", "/desk/companies",
        "/desk/contacts", "/desk/agents", "/desk/chats", "/desk/tickets", "/desk/dwell-rules", "/keys", "/site",
    )  # fmt: skip
    found = {path: await two.other.good("GET", path) for path in paths}
    for key in found["/keys"]["items"]:
        key.pop("lastUsedAt")
    told = ("id", "version", "description", "state", "eventTypes")  # its figures are filled behind
    found["/webhooks"] = [{name: one[name] for name in told} for one in found["/webhooks"]["items"]]
    return found


async def test_lists_filtered_by_foreign_ids_are_empty(tmp_path: Path) -> None:
    """A filter that names another site's thing finds nothing, as one that names nobody's."""
    async with two_sites(tmp_path) as two:
        ids = two.ids
        for path in (
            f"/deliveries?webhook={ids['webhook']}",
            f"/deliveries?replay={ids['replay']}",
            f"/events?subject=ticket:{ids['ticket']}",
            f"/deliveries?subject=chat:{ids['chat']}",
            "/events",
            "/deliveries",
            "/webhooks",
            "/replays",
            "/inspector/bins",
        ):
            answer = await two.own.call("GET", path)
            assert answer.status == 200, (path, answer.body)
            assert not [one for one in answer.json["items"] if one["id"] in ids.values()], path
        wish = {"states": ["delivered"], "webhookIds": [ids["webhook"]], "dryRun": True}
        answer = await two.own.call("POST", "/replays", wish)
        assert answer.status in (404, 422) or answer.json["total"] == 0


async def test_cursors_belong_to_site_caller_and_query(tmp_path: Path) -> None:
    """One of another site, of another key, of another query or list, or with one character changed: 400."""
    async with two_sites(tmp_path) as two:
        for number in range(3):
            for desk in (two.own, two.other):
                await desk.good("POST", "/events", {"type": "custom.page", "data": number})
        mine = (await two.own.good("GET", "/events?type=custom.page&limit=1"))["next"]
        theirs = (await two.other.good("GET", "/events?type=custom.page&limit=1"))["next"]
        key = (await two.own.good("POST", "/keys", {"name": "second", "scopes": ["events:read"]}))["key"]
        good = await two.own.call("GET", f"/events?type=custom.page&limit=1&cursor={mine}")
        assert good.status == 200
        middle = len(mine) // 2
        altered = mine[:middle] + ("A" if mine[middle] != "A" else "B") + mine[middle + 1 :]
        for path, cursor, bearer in (
            ("/events?type=custom.page", theirs, None),
            ("/events?type=custom.page", mine, key),
            ("/events?type=custom.other", mine, None),
            ("/deliveries?type=custom.page", mine, None),
            ("/events?type=custom.page", altered, None),
            ("/events?type=custom.page", "A" * len(mine), None),
        ):
            answer = await two.own.call("GET", f"{path}&limit=1&cursor={cursor}", key=bearer)
            assert answer.status == 400, (path, answer.body)


async def test_idempotency_keys_and_own_ids_do_not_meet(tmp_path: Path) -> None:
    """The same key, the same own id of an event and the same numbers at two sites are two things."""
    async with two_sites(tmp_path) as two:
        made = []
        for desk, data in ((two.own, 1), (two.other, 2)):
            body = {"type": "custom.x", "id": "same-id", "data": data}
            answer = await desk.call("POST", "/events", body, headers={"Idempotency-Key": "same"})
            assert answer.status in (200, 201, 202), answer.body
            assert "idempotency-replayed" not in answer.headers
            made.append(answer.json["id"])
        shown = [await desk.good("GET", f"/events/{key}") for desk, key in zip((two.own, two.other), made, strict=True)]
        assert [one["data"] for one in shown] == [1, 2]


READ_BY_ID = {
    "webhook_get": ("webhook",),
    "event_get": ("event",),
    "delivery_get": ("delivery",),
    "replay_get": ("replay",),
    "bin_get": ("bin",),
    "capture_get": ("capture",),
    "chat_get": ("chat",),
    "ticket_get": ("ticket",),
    "company_get": ("person",),
    "contact_get": ("person",),
    "agent_get": ("person",),
    "dwell_rule_all": ("rule",),
    "api_key_all": ("key",),
    "user_all": ("user",),
}
"""Statements that find what a route names, and the kinds of routes that must notice when one forgets the site."""


async def test_a_statement_that_forgets_the_site_is_noticed(tmp_path: Path) -> None:
    """Each of them as a mutant: the generated test finds a route that crosses."""
    async with two_sites(tmp_path) as two:
        await settled(two)
        store = two.own.house.rooms.store
        assert isinstance(store, SqliteStore)
        readers = store._readers
        sound = readers._sql
        for name, kinds in READ_BY_ID.items():
            mutant = re.sub(r"site = :site", ":site = :site", sound[name])
            assert mutant != sound[name]
            readers._sql = {**sound, name: mutant}
            routes = [one for one in API if kind_of(one.path) in kinds and reads(one)]
            assert await api_crossings(two, routes), name
        readers._sql = sound


def reads(route: Any) -> bool:
    """Whether a route answers at once and changes nothing; keys can only be deleted."""
    return (route.method == "GET" and not route.path.endswith("/wait")) or route.path == "/keys/{id}"


async def test_both_locks_of_an_attempt(tmp_path: Path) -> None:
    """An attempt is told only with its delivery: one statement that forgets the site tells nothing, two do."""
    async with two_sites(tmp_path) as two:
        store = two.own.house.rooms.store
        assert isinstance(store, SqliteStore)
        routes = [one for one in API if one.path == "/attempts/{id}"]
        for names, crosses in ((("attempt_get",), False), (("attempt_get", "delivery_get"), True)):
            sound = store._readers._sql
            mutants = {name: sound[name].replace("site = :site", ":site = :site") for name in names}
            store._readers._sql = {**sound, **mutants}
            assert bool(await api_crossings(two, routes)) == crosses
            store._readers._sql = sound
