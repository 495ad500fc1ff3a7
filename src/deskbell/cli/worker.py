"""`deskbell worker`: a process that only delivers, beside others on the same PostgreSQL database."""

import asyncio
import sys

import click
import uvloop

from deskbell import app, process
from deskbell.cli.serve import configured
from deskbell.config import Config, ConfigError, as_worker
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError


@click.command()
@click.option("--data", metavar="DIR", help="Directory of the keyring (or DESKBELL_DATA; ./deskbell-data).")
@click.option("--verbose", is_flag=True, help="One log line for every attempt, delivered ones too.")
def worker(data: str | None, verbose: bool) -> None:
    """Deliver, and nothing else. Needs DESKBELL_DATABASE_URL and the keyring of the processes that serve.

    It takes an even share of the webhooks at once and hands it over when it stops. Metrics and health are served at
    DESKBELL_METRICS.
    """
    set_up_logs(verbose=verbose)
    try:
        config = as_worker(configured(data))
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(run(config))


def run(config: Config) -> int:
    """Work until told to stop; answers the exit code."""

    async def started(_: app.House) -> None:
        click.echo("Deskbell delivers.")

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(process.work(config, started))
    except DeskbellError as error:
        raise click.ClickException(str(error)) from None
