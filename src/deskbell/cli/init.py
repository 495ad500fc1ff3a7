"""`deskbell init`: the site and a fresh link for its owner."""

import asyncio

import click

from deskbell import assembly, site_setup
from deskbell.cli.output import as_json, json_option, line
from deskbell.cli.serve import configured
from deskbell.config import Config
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError


@click.command()
@click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")
@click.option("--msp", default="desk", show_default=True, help="Short name of the site, a to z and digits.")
@click.option("--name", default="Service desk", show_default=True, help="Name of the site.")
@json_option
def init(data: str | None, msp: str, name: str, wants_json: bool) -> None:
    """Set up the data directory; run again, it only prints a fresh link for the owner."""
    set_up_logs(quiet=True)
    try:
        made = asyncio.run(set_up(configured(data), msp, name))
    except DeskbellError as error:
        raise click.ClickException(str(error)) from None
    if wants_json:
        key = {} if made.api_key is None else {"apiKey": made.api_key}
        as_json({"site": made.site, **key, "setupUrl": made.setup_url})
        return
    line(f"Site {made.site}")
    if made.api_key is not None:
        line(f"API key (shown once): {made.api_key}")
    line(f"Create the owner's login: {made.setup_url}")


async def set_up(config: Config, msp: str, name: str) -> site_setup.Made:
    """Beside a serving process: short writes on the same database."""
    store = await assembly.open_store(config, lambda: None, lock=False)
    try:
        return await site_setup.set_up(await assembly.build_rooms(config, store), msp, name)
    finally:
        await store.close()
