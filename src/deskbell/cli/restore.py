"""`deskbell restore`: a backup becomes the database; nothing is sent until a person has decided what is still to go."""

import asyncio
from pathlib import Path

import click

from deskbell import installation
from deskbell.cli.output import as_json, json_option, line
from deskbell.cli.serve import configured
from deskbell.clock import SystemClock
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")
@click.option(
    "--force", is_flag=True, help="Replace the database that is there; it is kept beside as deskbell.db.before-…."
)
@json_option
def restore(file: Path, data: str | None, force: bool, wants_json: bool) -> None:
    """Make the backup FILE the database of DIR. Deskbell must be stopped.

    Afterwards `deskbell serve` starts with deliveries on hold: the portal says what waits and what may have been sent
    since the backup, and asks whether to send or to cancel it.
    """
    set_up_logs(quiet=True)
    try:
        done = asyncio.run(installation.restore(configured(data), file, SystemClock().now(), force=force))
    except (DeskbellError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if wants_json:
        as_json({"waiting": done.waiting, "dueSince": done.due_since, "erasures": done.erasures, "kept": done.kept})
        return
    line(f"Restored the backup of {done.backup_at}.")
    if done.kept:
        line(f"The database that was there is kept as {done.kept}.")
    if done.erasures:
        line(f"Erased again: {done.erasures} subjects that were erased since.")
    line(f"{done.waiting:,} deliveries wait; {done.due_since:,} of them may have been sent since the backup.")
    line("Start `deskbell serve`: nothing is sent until you have answered in the portal, on every page at the top.")
