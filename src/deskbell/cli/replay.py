"""`deskbell replay …`: count and send a range again; list, show, pause, resume, cancel."""

import re
import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deskbell.cli.client import Client, connect
from deskbell.cli.output import api_options, as_json, line, table
from deskbell.clock import SystemClock
from deskbell.model.instant import format_instant, parse_instant, plus

STATES = (
    "delivered", "accepted", "exhausted", "cancelled", "missed", "disabled", "filtered", "everything",
)  # fmt: skip
LOOK_S = 0.5
_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
_AGE = re.compile(r"(\d{1,6})([mhd])", re.ASCII)


class TimeType(click.ParamType[str]):
    """An ISO time, or how long ago."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The instant in the wire form."""
        age = _AGE.fullmatch(str(value))
        if age is not None:
            return format_instant(plus(SystemClock().now(), -int(age[1]) * _UNITS[age[2]]))
        try:
            return format_instant(parse_instant(str(value)))
        except ValueError:
            self.fail(f"{value!r} is neither a time like 2026-04-15T21:10:09Z nor an age like 30m, 24h or 7d.")


@click.group("replay")
def group() -> None:
    """Send a range of events again: count it, run it at a rate, follow it."""


@group.command()
@click.option(
    "--state", "states", type=click.Choice(STATES), multiple=True, required=True,
    help="Which: by the state of the delivery; missed while webhooks were off; not sent because the webhook was "
    "disabled or its filter kept it out. Repeat for more.",
)  # fmt: skip
@click.option("--webhook", "webhook_ids", multiple=True, metavar="ID", help="To this webhook; repeat for more (all).")
@click.option("--since", type=TimeType(), help="Events received at or after this time, or so long ago: 30m, 24h, 7d.")
@click.option("--until", type=TimeType(), help="Events received before this time, or longer ago (now).")
@click.option(
    "--event", "event_types", multiple=True, metavar="TYPE", help="Only this type, or chat.*; repeat for more."
)
@click.option("--text", default="", help="Words that must occur in subject, ids, types, webhook or outcome.")
@click.option("--rate", type=float, metavar="N", help="So many deliveries per second (as fast as the webhooks go).")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--follow", is_flag=True, help="Show the progress until it has ended.")
@api_options
def create(
    url: str | None,
    api_key_file: str | None,
    wants_json: bool,
    states: tuple[str, ...],
    webhook_ids: tuple[str, ...],
    since: str | None,
    until: str | None,
    event_types: tuple[str, ...],
    text: str,
    rate: float | None,
    dry_run: bool,
    follow: bool,
) -> None:
    """Send a range again. Each event goes to each webhook at most once; --dry-run gives the exact count."""
    client = connect(url, api_key_file)
    body = {
        "states": list(states),
        "webhookIds": list(webhook_ids),
        "since": since,
        "until": until,
        "eventTypes": list(event_types),
        "text": text,
        "ratePerSecond": rate,
        "dryRun": dry_run,
    }
    made = client.call("POST", "/replays", body)
    if dry_run:
        as_json(made) if wants_json else show_count(made)
        return
    if follow and made["endedAt"] is None:
        made = followed(client, made, quiet=wants_json)
    as_json(made) if wants_json else say(made)


def show_count(found: dict[str, Any]) -> None:
    """What a dry run found."""
    if not found["total"]:
        arrived = found["arrived"]
        line(f"Nothing to replay: all {arrived:,} arrived." if arrived else "Nothing to replay.")
        return
    line(f"{found['total']:,} would be sent again:")
    table(("webhook", "deliveries"), [(one["webhookId"], f"{one['count']:,}") for one in found["webhooks"]], "")


def say(one: dict[str, Any]) -> None:
    """Where a replay is, in a sentence."""
    if not one["total"]:
        line("Nothing to replay.")
        return
    now = one["progress"]
    arrived = now["delivered"] + now["accepted"]
    line(
        f"{one['id']}  {one['state']}: {one['done']:,} of {one['total']:,} begun; {arrived:,} arrived, "
        f"{now['exhausted']:,} exhausted, {now['waiting']:,} waiting."
    )
    if one["endedAt"] is None:
        line(f"How far it is: deskbell replay show {one['id']}")


def followed(client: Client, one: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Look until the run has ended; on a terminal a bar shows how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(one["id"], total=one["total"], completed=one["done"])
        while one["endedAt"] is None:
            time.sleep(LOOK_S)
            one = client.call("GET", f"/replays/{one['id']}")
            bar.update(task, completed=one["done"], description=f"{one['id']} {one['state']}")
    return one


@group.command("list")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@api_options
def listing(url: str | None, api_key_file: str | None, wants_json: bool, limit: int) -> None:
    """List replays, newest first."""
    found = connect(url, api_key_file).call("GET", "/replays", query={"limit": limit})
    if wants_json:
        as_json(found)
        return
    rows = [
        (
            one["createdAt"][:19],
            one["state"],
            ", ".join(one["states"]),
            f"{one['done']:,} of {one['total']:,}",
            one["id"],
        )
        for one in found["items"]
    ]
    table(("made", "state", "what", "begun", "id"), rows, "No replays yet. Try: deskbell replay create --help")


@group.command()
@click.argument("replay_id")
@api_options
def show(url: str | None, api_key_file: str | None, wants_json: bool, replay_id: str) -> None:
    """Show one replay: what was chosen, how far it is, and where its deliveries are."""
    one = connect(url, api_key_file).call("GET", f"/replays/{replay_id}")
    if wants_json:
        as_json(one)
        return
    say(one)
    for name in ("states", "webhookIds", "eventTypes"):
        line(f"{name:13} {', '.join(one[name]) or 'all'}")
    line(f"{'received':13} {one['since'] or 'ever'} to {one['until']}")
    line(f"{'rate':13} {one['ratePerSecond'] or 'as fast as the webhooks go'}")
    line(f"{'made':13} {one['createdAt']} by {one['createdBy']['name']}")


@group.command()
@click.argument("replay_id")
@api_options
def pause(url: str | None, api_key_file: str | None, wants_json: bool, replay_id: str) -> None:
    """Begin no more deliveries until it is resumed."""
    act(url, api_key_file, wants_json, replay_id, "pause")


@group.command()
@click.argument("replay_id")
@api_options
def resume(url: str | None, api_key_file: str | None, wants_json: bool, replay_id: str) -> None:
    """Go on where it was paused."""
    act(url, api_key_file, wants_json, replay_id, "resume")


@group.command()
@click.argument("replay_id")
@api_options
def cancel(url: str | None, api_key_file: str | None, wants_json: bool, replay_id: str) -> None:
    """Begin no more deliveries, for good; those that were begun go on."""
    act(url, api_key_file, wants_json, replay_id, "cancel")


def act(url: str | None, key_file: str | None, wants_json: bool, replay_id: str, verb: str) -> None:
    """One step of a replay, and where it is then."""
    one = connect(url, key_file).call("POST", f"/replays/{replay_id}/{verb}")
    as_json(one) if wants_json else say(one)
