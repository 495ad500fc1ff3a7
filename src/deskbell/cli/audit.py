"""`deskbell audit …`: list and export by API; verify opens the data directory."""

import asyncio
import sys
from typing import IO, Any

import click

from deskbell import assembly
from deskbell.accounts import AuditReader
from deskbell.cli.client import connect
from deskbell.cli.output import api_options, as_json, json_option, line, table
from deskbell.cli.serve import configured
from deskbell.config import Config
from deskbell.logs import set_up_logs
from deskbell.model.audit import INSTALLATION
from deskbell.model.errors import DeskbellError
from deskbell.model.ids import SiteId
from deskbell.rules.audit_chain import Checked
from deskbell.rules.audit_export import FORMS

Known = dict[str, dict[int, str]]
"""By site: rows by number, with the hash that they had."""


@click.group("audit")
def group() -> None:
    """Who did what: read the audit, take it away, check that nobody altered it."""


def filters(command: Any) -> Any:
    """Which rows."""
    for name, words in (
        ("--to", "Before this ISO time."),
        ("--from", "At or after this ISO time."),
        ("--object", "Id of what was acted on."),
        ("--operation", "An operation like webhook.create, or a group like 'webhook.*'."),
        ("--actor", "Id or name of who acted."),
    ):
        command = click.option(name, f"{name[2:]}_", help=words)(command)
    return command


def asked(given: dict[str, Any]) -> dict[str, Any]:
    """The filter as query parameters."""
    return {name.rstrip("_"): value for name, value in given.items()}


@group.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="How many rows.")
@filters
@api_options
def listing(url: str | None, api_key_file: str | None, wants_json: bool, limit: int, **given: Any) -> None:
    """The newest rows."""
    found = connect(url, api_key_file).call("GET", "/audit", query={"limit": limit, **asked(given)})
    if wants_json:
        as_json(found)
        return
    rows = [
        (one["seq"], one["at"][:19], one["actor"]["name"], one["operation"], one["objectId"], one["reason"])
        for one in found["items"]
    ]
    table(("row", "at (UTC)", "by", "operation", "object", "reason"), rows, "Nothing is recorded that this takes.")


@group.command()
@click.option("--format", "form", type=click.Choice(list(FORMS)), default="jsonl", show_default=True, help="How.")
@click.option("--output", type=click.File("wb"), default="-", metavar="FILE", help="Where to (standard output).")
@filters
@click.option("--url", metavar="URL", help="Address of Deskbell (or DESKBELL_URL; http://127.0.0.1:8080).")
@click.option("--api-key-file", metavar="FILE", help="File with the API key (or DESKBELL_API_KEY).")
@json_option
def export(
    url: str | None, api_key_file: str | None, wants_json: bool, form: str, output: IO[bytes], **given: Any
) -> None:
    """Every row, oldest first. That you took them away is recorded, too."""
    client = connect(url, api_key_file)
    text: bytes = client.fetch("/audit/export", {"format": "jsonl" if wants_json else form, **asked(given)})
    output.write(text)


@group.command()
@click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")
@click.option("--site", "only", metavar="MSP", help="Only this site's chain.")
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="SITE:ROW:HASH",
    help="A row as a log line audit.head or a backup told it; repeat for more. The installation's SITE is empty.",
)
@json_option
def verify(data: str | None, only: str | None, heads: tuple[str, ...], wants_json: bool) -> None:
    """Check every chain, beside a serving process; exit 1 and name the first row that was altered or is missing.

    Somebody who can write the whole database can make a whole new chain. That does not fit the rows that you know from
    elsewhere: give them by --head.
    """
    set_up_logs(quiet=True)
    known = known_of(heads)
    try:
        found = asyncio.run(checked(configured(data), only, known))
    except DeskbellError as error:
        raise click.ClickException(str(error)) from None
    if only is not None and not found:
        raise click.ClickException(f"There is no site {only}.")
    is_whole = all(one.broken is None for one in found.values())
    if wants_json:
        as_json({"whole": is_whole, "chains": [shape(site, one) for site, one in found.items()]})
    for site, one in () if wants_json else found.items():
        line(f"{f'Site {site}' if site else 'Installation'}: {one.sentence}")
    sys.exit(0 if is_whole else 1)


def known_of(heads: tuple[str, ...]) -> Known:
    """Rows that are known from elsewhere."""
    known: Known = {}
    for head in heads:
        site, _, rest = head.partition(":")
        seq, _, digest = rest.partition(":")
        if not (seq.isascii() and seq.isdigit()) or len(digest) != 64:
            raise click.UsageError(f"--head: {head!r} is not like desk:123:<64 hexadecimal digits>")
        known.setdefault(site, {})[int(seq)] = digest.lower()
    return known


async def checked(config: Config, only: str | None, known: Known) -> dict[SiteId, Checked]:
    """What was found of each chain."""
    store = await assembly.open_store(config, lambda: None, lock=False)
    try:
        chains = [INSTALLATION, *[one.site for one in await store.sites.all()]]
        reader = AuditReader(store=store)
        return {site: await reader.check(site, known.get(site)) for site in chains if only in (None, site)}
    finally:
        await store.close()


def shape(site: SiteId, found: Checked) -> dict[str, Any]:
    """One chain for programs."""
    return {
        "site": site or None,
        "whole": found.broken is None,
        "rows": found.rows,
        "firstBroken": found.broken,
        "head": None if found.head is None else {"seq": found.head.seq, "hash": found.head.hash},
        "checkpoint": None
        if found.checkpoint is None
        else {"seq": found.checkpoint.seq, "hash": found.checkpoint.hash},
    }
