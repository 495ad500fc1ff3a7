"""`deskbell erase`: what is kept of a chat, a ticket, a contact or a subject of one's own goes for good."""

import click

from deskbell.cli.client import connect
from deskbell.cli.output import api_options, as_json, line


@click.command()
@click.argument("kind", metavar="TYPE")
@click.argument("key", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@api_options
def erase(
    url: str | None, api_key_file: str | None, wants_json: bool, kind: str, key: str, dry_run: bool, yes: bool
) -> None:
    """Erase a subject: TYPE is chat, ticket, contact, or the word of a published subject; ID is its id.

    Payloads, answers, captures and search text are blanked, what waits is cancelled, and the desk's own rows lose names
    and texts. Of a contact the chats and tickets that name them go too. Ids and times stay. Nothing brings it back, a
    restored backup neither. Needs a key that an owner made.
    """
    api = connect(url, api_key_file)
    subject = {"type": kind, "id": key}
    found = api.call("POST", "/erasures", {"subject": subject, "dryRun": True})
    if not dry_run:
        if not yes and not wants_json:
            asked = f"{', '.join(found['subjects'])}: {found['events']:,} events, {found['waiting']:,} waiting. Erase?"
            click.confirm(asked, abort=True)
        found = api.call("POST", "/erasures", {"subject": subject})
    if wants_json:
        as_json(found)
        return
    words = "Would erase" if dry_run else "Erased"
    line(f"{words} {', '.join(found['subjects'])}: {found['events']:,} events, {found['waiting']:,} waiting cancelled.")
