"""`deskbell serve`: everything in one process."""

import asyncio
import os
import sys

import click
import structlog
import uvloop

from deskbell import app, process, site_setup
from deskbell.checkup import check_up
from deskbell.clock import SystemClock
from deskbell.config import Config, ConfigError, read_config
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError

log = structlog.get_logger()


@click.command()
@click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65_535), help="Port to listen on.")
@click.option("--no-deliver", is_flag=True, help="Accept and serve only; others deliver (or DESKBELL_DELIVER=off).")
@click.option("--verbose", is_flag=True, help="One log line for every attempt, delivered ones too.")
def serve(data: str | None, host: str, port: int, no_deliver: bool, verbose: bool) -> None:
    """Serve portal, API and deliveries. Sets up the data directory when it is new."""
    set_up_logs(verbose=verbose)
    config = configured(data, host, port, no_deliver=no_deliver)
    tell_findings(config)
    sys.exit(run(config))


def tell_findings(config: Config) -> None:
    """What `deskbell doctor` would say of the set-up, once, in the log."""
    for one in check_up(config, SystemClock().now()):
        log.warning("setup.unsafe", what=one.what, remedy=one.remedy)


def configured(data: str | None, host: str = "127.0.0.1", port: int = 8080, *, no_deliver: bool = False) -> Config:
    """Flags and environment; a wrong setting ends the command with a sentence."""
    environment = {**os.environ, "DESKBELL_DELIVER": "off"} if no_deliver else os.environ
    try:
        return read_config(environment, data=data, host=host, port=port)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def run(config: Config) -> int:
    """Serve until told to stop; answers the exit code."""

    async def started(house: app.House) -> None:
        made = await site_setup.first_start(house.rooms)
        click.echo(f"Deskbell is ready at {config.base_url}")
        if made is not None:
            click.echo(f"Create the owner's login: {made.setup_url}")

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(process.serve(config, started))
    except DeskbellError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{config.host}:{config.port}: {error.strerror}.") from None
