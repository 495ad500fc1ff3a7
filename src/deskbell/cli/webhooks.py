"""`deskbell webhooks …`: list, create, show, auth, pause, resume, delete, restore, rotate, test."""

import json
from typing import IO, Any

import click

from deskbell.cli.client import connect
from deskbell.cli.output import api_options, as_json, line, table
from deskbell.cli.webhook_auth import auth


@click.group("webhooks")
def group() -> None:
    """Register webhooks and look after them."""


group.add_command(auth)


@group.command("list")
@click.option("--state", type=click.Choice(["enabled", "paused", "disabled", "deleted"]), help="Only in this state.")
@api_options
def listing(url: str | None, api_key_file: str | None, wants_json: bool, state: str | None) -> None:
    """List webhooks; deleted ones with --state deleted."""
    found = connect(url, api_key_file).call("GET", "/webhooks", query={"state": state, "limit": 200})
    if wants_json:
        as_json(found)
        return
    rows = [
        (one["id"], one["description"], one["receiverUrl"], ", ".join(one["eventTypes"]), shown_state(one))
        for one in found["items"]
    ]
    table(
        ("id", "description", "receiver", "events", "state"), rows, "No webhooks. Try: deskbell webhooks create --help"
    )


def shown_state(one: dict[str, Any]) -> str:
    """State, or health while enabled."""
    return str(one["health"]["state"] if one["state"] == "enabled" else one["state"])


@group.command()
@click.option("--description", required=True, help="What it is for; shown in the portal.")
@click.option("--receiver-url", required=True, help="Where payloads are sent, https://…")
@click.option("--event", "event_types", multiple=True, required=True, help="Event type, chat.*, or *; repeat for more.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Own header; repeat for more.")
@click.option("--filter", "filter_", metavar="EXPRESSION", help="Only events of which this is true.")
@click.option("--changed-field", "changed_fields", multiple=True, help="Only when this changed; repeat for more.")
@click.option("--template", type=click.File(), help="FILE with a JSON template; the format is then template.")
@click.option("--send-test", is_flag=True, help="Send a test.ping at once.")
@api_options
def create(
    url: str | None,
    api_key_file: str | None,
    wants_json: bool,
    description: str,
    receiver_url: str,
    event_types: tuple[str, ...],
    headers: tuple[str, ...],
    filter_: str | None,
    changed_fields: tuple[str, ...],
    template: IO[str] | None,
    send_test: bool,
) -> None:
    """Register a webhook. Its signing secret is printed once."""
    body = {
        "description": description,
        "receiverUrl": receiver_url,
        "eventTypes": list(event_types),
        "headers": dict(pair(text) for text in headers),
        "filter": filter_,
        "changedFields": list(changed_fields),
        **(read_template(template) if template else {}),
        "sendTest": send_test,
    }
    made = connect(url, api_key_file).call("POST", "/webhooks", body)
    if wants_json:
        as_json(made)
        return
    line(f"Webhook {made['id']} sends {', '.join(made['eventTypes'])} to {made['receiverUrl']}")
    line(f"Signing secret: {made['secret']}")
    for warning in made["warnings"]:
        line(f"Note: {warning['detail']}")


def read_template(file: IO[str]) -> dict[str, Any]:
    """The members for a payload of one's own."""
    try:
        return {"format": "template", "template": json.load(file)}
    except ValueError as error:
        raise click.UsageError(f"--template takes a file with JSON: {error}") from None


def pair(text: str) -> tuple[str, str]:
    """`Name: value` of an own header."""
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"--header takes 'Name: value', not {text!r}.")
    return name.strip(), value.strip()


@group.command()
@click.argument("webhook_id")
@api_options
def show(url: str | None, api_key_file: str | None, wants_json: bool, webhook_id: str) -> None:
    """Show one webhook."""
    one = connect(url, api_key_file).call("GET", f"/webhooks/{webhook_id}")
    if wants_json:
        as_json(one)
        return
    for name in ("id", "description", "receiverUrl", "state", "stateReason", "format", "createdAt"):
        line(f"{name:13} {one[name] if one[name] is not None else ''}")
    line(f"{'eventTypes':13} {', '.join(one['eventTypes'])}")
    if one["filter"] or one["changedFields"]:
        line(f"{'onlyWhen':13} {one['filter'] or ''} {', '.join(one['changedFields'])}".rstrip())
    line(f"{'health':13} {one['health']['state']} {one['health']['lastOutcome'] or ''}")


def act(url: str | None, key_file: str | None, wants_json: bool, path: str, body: Any, done: str) -> None:
    """One POST on a webhook, and a sentence about it."""
    answer = connect(url, key_file).call("POST", path, body)
    if wants_json:
        as_json(answer)
    else:
        line(done)


@group.command()
@click.argument("webhook_id")
@click.option("--minutes", type=int, help="Resume by itself after so many minutes.")
@api_options
def pause(url: str | None, api_key_file: str | None, wants_json: bool, webhook_id: str, minutes: int | None) -> None:
    """Hold deliveries; nothing is lost."""
    act(url, api_key_file, wants_json, f"/webhooks/{webhook_id}/pause", {"minutes": minutes}, "Paused.")


@group.command()
@click.argument("webhook_id")
@click.option("--drop-older-than", type=int, metavar="SECONDS", help="Cancel deliveries that waited longer.")
@api_options
def resume(
    url: str | None, api_key_file: str | None, wants_json: bool, webhook_id: str, drop_older_than: int | None
) -> None:
    """Send what was held."""
    body = {"dropOlderThanSeconds": drop_older_than}
    act(url, api_key_file, wants_json, f"/webhooks/{webhook_id}/resume", body, "Resumed.")


@group.command()
@click.argument("webhook_id")
@click.option("--reason", help="Why; shown under Deleted Webhooks.")
@api_options
def delete(url: str | None, api_key_file: str | None, wants_json: bool, webhook_id: str, reason: str | None) -> None:
    """Delete a webhook. It can be restored for 30 days."""
    connect(url, api_key_file).call("DELETE", f"/webhooks/{webhook_id}", query={"reason": reason})
    if wants_json:
        as_json({"id": webhook_id, "state": "deleted"})
    else:
        line(f"Deleted. Undo with: deskbell webhooks restore {webhook_id}")


@group.command()
@click.argument("webhook_id")
@click.option("--send-cancelled", is_flag=True, help="Send the deliveries that the deletion cancelled.")
@api_options
def restore(url: str | None, api_key_file: str | None, wants_json: bool, webhook_id: str, send_cancelled: bool) -> None:
    """Bring back a deleted webhook with the same id, URL and secret."""
    body = {"sendCancelled": send_cancelled}
    act(url, api_key_file, wants_json, f"/webhooks/{webhook_id}/restore", body, "Restored.")


@group.command()
@click.argument("webhook_id")
@click.option("--overlap", type=int, metavar="SECONDS", help="How long the old secret stays valid (86400).")
@api_options
def rotate(url: str | None, api_key_file: str | None, wants_json: bool, webhook_id: str, overlap: int | None) -> None:
    """Make a new signing secret; the old one signs along for the overlap."""
    made = connect(url, api_key_file).call("POST", f"/webhooks/{webhook_id}/secret/rotate", {"overlapSeconds": overlap})
    if wants_json:
        as_json(made)
        return
    line(f"Signing secret: {made['secret']}")
    line(f"The old one stays valid until {made['previousValidUntil'] or 'now'}.")


@group.command()
@click.argument("webhook_id")
@click.option("--event", "event_type", default="test.ping", show_default=True, help="Which sample to send.")
@api_options
def test(url: str | None, api_key_file: str | None, wants_json: bool, webhook_id: str, event_type: str) -> None:
    """Send one test delivery."""
    made = connect(url, api_key_file).call("POST", f"/webhooks/{webhook_id}/test", {"eventType": event_type})
    if wants_json:
        as_json(made)
    else:
        line(f"Test sent. Its outcome: deskbell deliveries show {made['deliveryId']}")
