"""`deskbell site`: several service desks in one installation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from deskbell import assembly, site_setup
from deskbell.cli.output import as_json, json_option, line, table
from deskbell.cli.serve import configured
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError
from deskbell.ports import Store

T = TypeVar("T")
data_option = click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")


@click.group("site")
def group() -> None:
    """Several service desks in one installation: each with people, webhooks, settings and pages of its own.

    Nothing crosses between them. `DESKBELL_ALLOW` takes entries for one site alone: `acme=10.0.0.0/24:8443`.
    """


@group.command("create")
@click.argument("msp", metavar="SITE")
@click.option("--name", default="Service desk", show_default=True, help="Name of the site.")
@data_option
@json_option
def create(msp: str, name: str, data: str | None, wants_json: bool) -> None:
    """Make a site, while Deskbell serves or not. SITE is its short name: a letter, then letters and digits."""
    config = configured(data)

    async def made_by(store: Store) -> site_setup.Made:
        return await site_setup.create_site(await assembly.build_rooms(config, store), msp, name)

    made = _run(data, made_by)
    if wants_json:
        as_json({"site": made.site, "apiKey": made.api_key, "setupUrl": made.setup_url})
        return
    line(f"Site {made.site}")
    line(f"API key (shown once): {made.api_key}")
    line(f"Create the owner's login: {made.setup_url}")
    line(f"People who are at several sites sign in here at {config.base_url}/login?site={made.site}")


@group.command("list")
@data_option
@json_option
def show(data: str | None, wants_json: bool) -> None:
    """Every site of the installation."""
    found = _run(data, site_setup.list_sites)
    if wants_json:
        as_json(found)
        return
    rows = [
        (one["site"], one["name"], one["webhooks"], one["users"], "on" if one["webhooksEnabled"] else "off")
        for one in found
    ]
    table(("site", "name", "webhooks", "users", "sending"), rows, "There is no site. Make one: deskbell init")


def _run(data: str | None, ask: Callable[[Store], Awaitable[T]]) -> T:
    set_up_logs(quiet=True)
    config = configured(data)

    async def asked() -> T:
        store = await assembly.open_store(config, lambda: None, lock=False)
        try:
            return await ask(store)
        finally:
            await store.close()

    try:
        return asyncio.run(asked())
    except DeskbellError as error:
        raise click.ClickException(str(error)) from None
