"""`deskbell deliveries …`: list, show, redeliver."""

from typing import Any

import click

from deskbell.cli.client import connect
from deskbell.cli.output import api_options, as_json, line, table

STATES = ["waiting", "held", "delivered", "accepted", "exhausted", "cancelled"]


@click.group("deliveries")
def group() -> None:
    """See what was sent, why it failed, and send it again."""


@group.command("list")
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only in this state; repeat for more.")
@click.option("--webhook", help="Only of this webhook.")
@click.option("--text", help="Words in subject, ids, types, webhook, host or outcome.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@api_options
def listing(
    url: str | None,
    api_key_file: str | None,
    wants_json: bool,
    state: tuple[str, ...],
    webhook: str | None,
    text: str | None,
    limit: int,
) -> None:
    """List deliveries, newest first."""
    query = {"state": list(state), "webhook": webhook, "text": text, "limit": limit}
    found = connect(url, api_key_file).call("GET", "/deliveries", query=query)
    if wants_json:
        as_json(found)
        return
    rows = [
        (one["createdAt"][:19], one["heldBy"] or one["state"], ", ".join(one["eventTypes"]), one["lastOutcome"],
         one["attempts"], one["id"])
        for one in found["items"]
    ]  # fmt: skip
    table(("made", "state", "events", "outcome", "attempts", "id"), rows, "Nothing was sent so far.")


@group.command()
@click.argument("delivery_id")
@api_options
def show(url: str | None, api_key_file: str | None, wants_json: bool, delivery_id: str) -> None:
    """Show one delivery with its attempts."""
    one = connect(url, api_key_file).call("GET", f"/deliveries/{delivery_id}")
    if wants_json:
        as_json(one)
        return
    line(f"{one['id']}  {one['heldBy'] or one['state']}  {', '.join(one['eventTypes'])} to {one['webhookId']}")
    if one["nextAttemptAt"]:
        line(f"next attempt at {one['nextAttemptAt']}")
    table(
        ("attempt", "started", "trigger", "outcome", "ms", "then"),
        [row(entry) for entry in one["log"]],
        "No attempt yet.",
    )


def row(entry: dict[str, Any]) -> tuple[Any, ...]:
    """An attempt as a table row."""
    decision = entry["decision"]
    then = f"retry at {decision['at'][:19]}" if decision["kind"] == "retry" and decision["at"] else decision["kind"]
    name = entry["outcome"]["name"] + (f": {entry['outcome']['text']}" if entry["outcome"]["text"] else "")
    return entry["number"], entry["startedAt"][:23], entry["trigger"], name, round(entry["timing"]["totalMs"]), then


@group.command()
@click.argument("delivery_id")
@click.option("--again", is_flag=True, help="As a new delivery with the webhook's present settings.")
@api_options
def redeliver(url: str | None, api_key_file: str | None, wants_json: bool, delivery_id: str, again: bool) -> None:
    """Send a delivery again, now: same id, same bytes."""
    body = {"render": "again" if again else "stored"}
    one = connect(url, api_key_file).call("POST", f"/deliveries/{delivery_id}/redeliver", body)
    if wants_json:
        as_json(one)
    else:
        line(f"Sent again. Its outcome: deskbell deliveries show {one['id']}")
