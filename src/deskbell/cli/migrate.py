"""`deskbell migrate`: brings the database up to date without serving."""

import asyncio

import click

from deskbell import assembly
from deskbell.cli.output import as_json, json_option, line
from deskbell.cli.serve import configured
from deskbell.config import Config
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError


@click.command()
@click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")
@json_option
def migrate(data: str | None, wants_json: bool) -> None:
    """Make the database, or bring it to this program's version; `serve` does the same when it starts.

    Forward only: make a backup first. On PostgreSQL, processes of an older version stop as soon as it is done.
    """
    set_up_logs(quiet=True)
    try:
        version = asyncio.run(brought_up(configured(data)))
    except DeskbellError as error:
        raise click.ClickException(str(error)) from None
    if wants_json:
        as_json({"schema": version})
        return
    line(f"The database has schema version {version}.")


async def brought_up(config: Config) -> int:
    """The schema version after opening. A SQLite file must not be in use."""
    store = await assembly.open_store(config, lambda: None)
    try:
        return await store.schema.version()
    finally:
        await store.close()
