"""Live rows: server-sent events with the page's own parts."""

import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest

from portal_kit import Browser, DeskApp, Receiver, make_ticket, make_webhook, until


class Listening:
    """An open stream, read message by message."""

    def __init__(self, app: DeskApp, path: str, **headers: str) -> None:
        parts = urlsplit(app.base_url)
        self._line = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=20)
        cookie = "; ".join(f"{name}={value}" for name, value in app.browser.cookies.items())
        self._line.request("GET", path, headers={"Cookie": cookie, **headers})
        self.answer: HTTPResponse = self._line.getresponse()

    def messages(self) -> Iterator[dict[str, str]]:
        """Messages as they come; comments are passed over."""
        found: dict[str, str] = {}
        while line := self.answer.readline():
            text = line.decode().rstrip("\n")
            if not text and "event" in found:
                yield found
                found = {}
            name, _, value = text.partition(": ")
            if name in ("id", "event"):
                found[name] = value
            elif name == "data":
                found["data"] = found.get("data", "") + value + "\n"

    def next(self, event: str) -> dict[str, str]:
        """The next message of this kind."""
        return next(one for one in self.messages() if one["event"] == event)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def test_new_deliveries_come_as_rows_and_resume_without_gap(desk_app: DeskApp, receiver: Receiver) -> None:
    """HTML of the list's own part; the last id goes on where it stopped."""
    make_webhook(desk_app, receiver.url)
    stream = Listening(desk_app, "/deliveries/stream")
    assert stream.answer.headers["content-type"].startswith("text/event-stream")
    assert stream.answer.headers["cache-control"] == "no-store"
    assert stream.answer.readline() == b"retry: 2000\n"
    ticket = make_ticket(desk_app)
    told = stream.next("rows")
    assert f"#{ticket}" in told["data"]
    assert told["data"].lstrip().startswith("<tr")
    assert told["id"].startswith("dlv_")
    stream.close()
    second = make_ticket(desk_app, "While nobody listened")
    for headers, query in (({"Last-Event-ID": told["id"]}, ""), ({}, f"?after={told['id']}")):
        again = Listening(desk_app, f"/deliveries/stream{query}", **headers)
        rows = again.next("rows")["data"]
        assert f"#{second}" in rows
        assert f"#{ticket} " not in rows
        again.close()


def test_a_change_comes_as_the_row_anew(desk_app: DeskApp, receiver: Receiver) -> None:
    """The state of a row that is on the page already."""
    whk = make_webhook(desk_app, receiver.url)
    location = desk_app.browser.post(f"/webhook/{whk}/test").headers["location"]
    until(lambda: receiver.got)
    stream = Listening(desk_app, "/deliveries/stream")
    stream.answer.readline()
    dlv = location.rsplit("/", 1)[1]
    receiver.status = 500
    until(lambda: desk_app.browser.post(f"/deliveries/{dlv}/redeliver").status == 303)
    assert dlv in stream.next("changed")["data"]
    stream.close()


def test_streams_keep_the_filters_of_the_page(desk_app: DeskApp, receiver: Receiver) -> None:
    """Another webhook's deliveries are not told."""
    one = make_webhook(desk_app, receiver.url, "ticket.created", description="One")
    other = make_webhook(desk_app, receiver.url, "ticket.created", description="Other")
    stream = Listening(desk_app, f"/deliveries/stream?webhook={one}")
    stream.answer.readline()
    make_ticket(desk_app)
    rows = stream.next("rows")["data"]
    assert "One" in rows
    assert "Other" not in rows
    assert other not in rows
    stream.close()


def test_a_capture_comes_as_the_part(desk_app: DeskApp) -> None:
    """The inspector's list anew."""
    text = desk_app.browser.follow("/inspector", {"name": "live"}).text
    bin_id = re.search(r"/inspector/(bin_[0-9A-Z]{26})/", text)
    address = re.search(r"/bin/([0-9a-z]{26})", text)
    assert bin_id
    assert address
    stream = Listening(desk_app, f"/inspector/{bin_id[1]}/stream")
    stream.answer.readline()
    Browser(desk_app.base_url)._send("POST", f"/bin/{address[1]}/x", "{}", {})
    told = stream.next("part")
    assert 'id="captures"' in told["data"]
    assert told["id"] == "1"
    stream.close()


def test_a_ticket_page_hears_of_its_webhooks(desk_app: DeskApp, receiver: Receiver) -> None:
    """Delivered stands there without a reload."""
    make_webhook(desk_app, receiver.url, "ticket.*", description="Tells")
    ticket = make_ticket(desk_app)
    stream = Listening(desk_app, f"/desk/agent/tickets/{ticket}/stream")
    desk_app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": "Changed"})
    told = next(one for one in stream.messages() if "delivered" in one.get("data", ""))
    assert 'id="sent"' in told["data"]
    stream.close()


@pytest.mark.parametrize("path", ["/deliveries/stream", "/desk/agent/stream", "/desk/client/unknown/stream"])
def test_streams_need_their_credential(desk_app: DeskApp, path: str) -> None:
    """Never without login or link."""
    assert Browser(desk_app.base_url).get(path).status in (401, 404)
