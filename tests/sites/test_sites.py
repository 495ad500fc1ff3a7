"""Several sites in one installation: made by command, each with people, settings and pages of its own."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from click.testing import CliRunner

from deskbell import site_setup
from deskbell.cli.main import main
from portal_kit import OWNER, Browser, Page
from receiver import Receiver
from running import Running, running, until
from sites.two import signed_in


async def command(*arguments: str) -> Any:
    """`deskbell site …` in a thread, beside a serving process."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["site", *arguments])


async def test_a_site_is_made_while_deskbell_serves(tmp_path: Path) -> None:
    """Its key works at once, its people set themselves up, and its name is taken from then on."""
    data = tmp_path / "data"
    async with Receiver() as receiver, running(data) as first:
        answer = await command("create", "acme2", "--name", "Acme", "--data", str(data), "--json")
        assert answer.exit_code == 0, answer.output
        made = json.loads(answer.output)
        assert made["site"] == "acme2"
        acme = Running(house=first.house, port=first.port, key=made["apiKey"], setup_url=made["setupUrl"])
        await until(lambda: _answers(acme))
        hook = await acme.webhook(receiver.url, "custom.*")
        await acme.good("POST", "/events", {"type": "custom.x", "data": {}})
        await first.good("POST", "/events", {"type": "custom.x", "data": {}})
        [only] = await receiver.wait(1)
        assert only.events[0]["type"] == "custom.x"
        assert (await first.good("GET", "/webhooks"))["items"] == []
        again = await command("create", "acme2", "--data", str(data))
        assert (again.exit_code, "There is a site acme2 already" in again.output) == (1, True)
        listed = json.loads((await command("list", "--data", str(data), "--json")).output)
        assert [(one["site"], one["name"], one["webhooks"]) for one in listed] == [
            ("acme2", "Acme", 1),
            ("desk", "Service desk", 0),
        ]
        assert hook["id"]
        assert "acme2" in (await command("list", "--data", str(data))).output


async def test_bad_short_names_are_refused(tmp_path: Path) -> None:
    """A letter, then up to 31 letters and digits, all lower case."""
    for bad in ("Acme", "1acme", "a-b", "a" * 33, ""):
        answer = await command("create", bad, "--data", str(tmp_path))
        assert answer.exit_code == 1
        assert "all lower case" in answer.output


async def _answers(desk: Running) -> bool:
    return (await desk.call("GET", "/site")).status == 200


async def test_who_is_at_several_sites_chooses_one(tmp_path: Path) -> None:
    """With one password at both sites the page asks which; a link that names the site does not ask."""
    async with running(tmp_path) as first:
        made = await site_setup.set_up(first.house.rooms, "other", "The other desk")
        other = Running(house=first.house, port=first.port, key=made.api_key or "", setup_url=made.setup_url)
        for desk in (first, other):
            await signed_in(desk, OWNER["email"])
        browser = Browser(first.house.config.base_url)
        wanted = {"email": OWNER["email"], "password": OWNER["password"]}
        asked = await asyncio.to_thread(browser.post, "/login", wanted)
        assert asked.status == 200
        assert [one["value"] for one in Page(asked.text).all("option")] == ["desk", "other"]
        assert OWNER["password"] not in asked.text
        assert "deskbell" not in browser.cookies
        chosen = await asyncio.to_thread(browser.post, "/login", {**wanted, "site": "other"})
        assert chosen.status == 303
        page = await asyncio.to_thread(browser.get, "/webhook")
        assert "The other desk" in page.text
        linked = await asyncio.to_thread(Browser(browser.base_url).get, "/login?site=desk")
        assert Page(linked.text).all("input", name="site")[0]["value"] == "desk"
        for site, status in (("desk", 303), ("nowhere", 401)):
            told = await asyncio.to_thread(Browser(browser.base_url).post, "/login", {**wanted, "site": site})
            assert told.status == status


async def test_an_allow_entry_for_one_site_is_for_that_site_alone(tmp_path: Path) -> None:
    """`other=127.0.0.0/8:*` lets the other site register what this one may not."""
    port_free = "other=127.0.0.0/8:*"
    async with Receiver() as receiver, running(tmp_path, DESKBELL_ALLOW=port_free) as first:
        made = await site_setup.set_up(first.house.rooms, "other", "The other desk")
        other = Running(house=first.house, port=first.port, key=made.api_key or "", setup_url=made.setup_url)
        body = {"description": "x", "receiverUrl": receiver.url, "eventTypes": ["*"]}
        refused = await first.call("POST", "/webhooks", body)
        assert (refused.status, refused.json["errors"][0]["code"]) == (422, "url_literal")
        assert (await other.call("POST", "/webhooks", body)).status == 201
        assert urlsplit(receiver.url).hostname == "127.0.0.1"
