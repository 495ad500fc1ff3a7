"""`deskbell events …` and `deskbell trigger`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from deskbell.cli.client import connect
from deskbell.cli.output import api_options, as_json, line, table


@click.group("events")
def group() -> None:
    """Publish events and see what became of them."""


@group.command()
@click.argument("event_type")
@click.option("--data", "data_text", metavar="JSON", help="The event's data.")
@click.option("--data-file", metavar="FILE", help="File with the data; - for standard input.")
@click.option("--subject", metavar="TYPE:ID", help="What it is about.")
@click.option("--id", "own_id", help="Your own id: publishing it again changes nothing.")
@api_options
def publish(
    url: str | None,
    api_key_file: str | None,
    wants_json: bool,
    event_type: str,
    data_text: str | None,
    data_file: str | None,
    subject: str | None,
    own_id: str | None,
) -> None:
    """Publish one custom event. Its data goes out byte for byte."""
    text = read_data(data_text, data_file)
    more: dict[str, Any] = {} if own_id is None else {"id": own_id}
    if subject is not None:
        kind, _, subject_id = subject.partition(":")
        more["subject"] = {"type": kind, "id": subject_id}
    envelope = json.dumps({"type": event_type, **more})
    body = envelope[:-1].encode() + b',"data":' + text.encode() + b"}"
    made = connect(url, api_key_file).call("POST", "/events", body)
    if wants_json:
        as_json(made)
    else:
        line(f"{made['id']} accepted. Who was told: deskbell events trace {made['id']}")


def read_data(text: str | None, file: str | None) -> str:
    """The data from an argument, a file or standard input."""
    if (text is None) == (file is None):
        raise click.UsageError("Give the data by --data JSON or by --data-file FILE.")
    if text is not None:
        return text
    return sys.stdin.read() if file == "-" else Path(str(file)).read_text()


@group.command("list")
@click.option("--type", "event_type", help="An event type, or a group such as chat.*")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@api_options
def listing(url: str | None, api_key_file: str | None, wants_json: bool, event_type: str | None, limit: int) -> None:
    """List events, newest first."""
    found = connect(url, api_key_file).call("GET", "/events", query={"type": event_type, "limit": limit})
    if wants_json:
        as_json(found)
        return
    rows = [(one["receivedAt"], one["type"], about(one["subject"]), one["id"]) for one in found["items"]]
    table(("received", "type", "about", "id"), rows, "No events yet.")


def about(subject: dict[str, str] | None) -> str:
    """A subject as `type:id`."""
    return "" if subject is None else f"{subject['type']}:{subject['id']}"


@group.command()
@click.argument("event_id")
@api_options
def trace(url: str | None, api_key_file: str | None, wants_json: bool, event_id: str) -> None:
    """Show which webhooks were considered for an event, and why they were called or not."""
    found = connect(url, api_key_file).call("GET", f"/events/{event_id}/trace")
    if wants_json:
        as_json(found)
        return
    rows = [(one["webhookId"], one["reason"], one["deliveryId"]) for one in found["items"]]
    table(("webhook", "reason", "delivery"), rows, "No webhook listens to this group of events.")


@click.command()
@click.argument("event_type")
@click.option("--sample", type=click.Choice(["minimal", "typical", "maximal", "unicode"]), default="typical")
@click.option("--set", "settings", multiple=True, metavar="A.B=C", help="Set a member of the sample; repeat for more.")
@api_options
def trigger(
    url: str | None,
    api_key_file: str | None,
    wants_json: bool,
    event_type: str,
    sample: str,
    settings: tuple[str, ...],
) -> None:
    """Make a sample event of any type, marked meta.test."""
    body = {"type": event_type, "sample": sample, "set": dict(setting(text) for text in settings)}
    made = connect(url, api_key_file).call("POST", "/events/trigger", body)
    if wants_json:
        as_json(made)
    else:
        line(f"{made['id']} made. Who was told: deskbell events trace {made['id']}")


def setting(text: str) -> tuple[str, Any]:
    """`a.b=c`; the value is JSON where it is valid JSON, else text."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise click.UsageError(f"--set takes a.b=c, not {text!r}.")
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value
