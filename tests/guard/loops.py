"""Scenario: two installations whose webhooks point at each other's POST /events: one hop, then 508."""

from pathlib import Path

from guard.laboratory import Laboratory
from guard.served import Served, named

HOSTS_AND_PORTS = (("127.0.0.1", 8080), ("127.0.0.2", 8081))


def run(laboratory: Laboratory, folder: Path) -> None:
    """The event comes to the other side once; its echo is refused and stored nowhere."""
    one, two = (
        Served(
            folder / f"at-{port}", host=host, port=port, DESKBELL_ALLOW="127.0.0.0/8:*",
            DESKBELL_BASE_URL=f"http://{host}:{port}",
        )
        for host, port in HOSTS_AND_PORTS
    )  # fmt: skip
    with one, two:
        there = _echo(one, two)
        back = _echo(two, one)
        one.publish("custom.echo")
        laboratory.expect("there", "outcome", named(one.attempts(there, test=False)[0]), "delivered")
        laboratory.expect("back", "outcome", named(two.attempts(back, test=False)[0]), "failed:http_508")
        for served in (one, two):
            served.good("POST", f"/webhooks/{there if served is one else back}/disable", {})
            events = [each for each in served.good("GET", "/events")["items"] if each["type"] == "custom.echo"]
            laboratory.expect(f"port {served.port}", "events", len(events), 1)
        itself = {"receiverUrl": "http://127.0.0.1:8080/api/v1/events", "eventTypes": ["custom.echo"]}
        own = one.call("POST", "/webhooks", {"description": "self", **itself})
        laboratory.expect("self", "status", own.status, 422)
        laboratory.expect("self", "rule", "url_ourselves" in own.text, True)


def _echo(at: Served, to: Served) -> str:
    """A webhook at one that publishes at the other."""
    return at.webhook(
        f"http://{to.host}:{to.port}/api/v1/events", "custom.echo", format="template",
        template={"type": "custom.echo", "data": {"n": {"$": "event.data.n"}}},
        headers={"authorization": f"Bearer {to.keys['desk']}"},
    )  # fmt: skip
