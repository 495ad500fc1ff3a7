"""`deskbell keys …`: make, list, revoke."""

from typing import Any

import click

from deskbell.cli.client import connect
from deskbell.cli.output import api_options, as_json, line, table


@click.group("keys")
def group() -> None:
    """API keys: let a program in, with just what it needs."""


@group.command("list")
@api_options
def listing(url: str | None, api_key_file: str | None, wants_json: bool) -> None:
    """Every key; never its text."""
    found = connect(url, api_key_file).call("GET", "/keys")
    if wants_json:
        as_json(found)
        return
    rows = [
        (
            one["id"],
            one["name"],
            one["lookup"] + "…",
            " ".join(one["scopes"]),
            state(one),
            (one["lastUsedAt"] or "")[:16],
        )
        for one in found["items"]
    ]
    table(("id", "name", "key", "scopes", "state", "last used (UTC)"), rows, "No keys.")


def state(one: dict[str, Any]) -> str:
    """Whether it works."""
    if one["revokedAt"]:
        return f"revoked {one['revokedAt'][:10]}"
    return f"until {one['expiresAt'][:10]}" if one["expiresAt"] else "without end"


@group.command()
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; repeat for more.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it works.")
@click.option("--no-end", is_flag=True, help="It works until it is revoked.")
@click.option("--source", "sources", multiple=True, metavar="CIDR", help="Only from this network; repeat for more.")
@click.option("--rate", type=float, metavar="N", help="At most so many requests a second.")
@api_options
def create(
    url: str | None,
    api_key_file: str | None,
    wants_json: bool,
    name: str,
    scopes: tuple[str, ...],
    days: int,
    no_end: bool,
    sources: tuple[str, ...],
    rate: float | None,
) -> None:
    """Make a key. Its text is printed now and never again."""
    body = {
        "name": name,
        "scopes": list(scopes),
        "expiresDays": None if no_end else days,
        "sources": list(sources),
        "ratePerSecond": rate,
    }
    made = connect(url, api_key_file).call("POST", "/keys", body)
    if wants_json:
        as_json(made)
        return
    line(f"{made['id']}: {state(made)}.")
    line(f"API key (shown once): {made['key']}")


@group.command()
@click.argument("key_id")
@api_options
def revoke(url: str | None, api_key_file: str | None, wants_json: bool, key_id: str) -> None:
    """End a key, at the latest within 5 s everywhere."""
    connect(url, api_key_file).call("DELETE", f"/keys/{key_id}")
    if wants_json:
        as_json({"id": key_id, "revoked": True})
    else:
        line(f"{key_id} works no more.")
