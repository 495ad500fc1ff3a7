"""`deskbell demo`: a running Deskbell with one signed webhook on an inspector bin, and a chat that makes it fire."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import click
import uvloop

from deskbell import app, demo_script, process, site_setup
from deskbell.cli.output import line
from deskbell.cli.serve import configured
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError

PORTS = range(8080, 8180)


@click.command()
@click.option(
    "--data", default="./deskbell-demo", show_default=True, metavar="DIR", help="Where the demo keeps its data."
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65_535), help="Default: the next free port from 8080.")
@click.option("--once", is_flag=True, help="End after the last delivery; exit 0 only if all arrived.")
def demo(data: str, host: str, port: int | None, once: bool) -> None:
    """Serve a sample desk and perform a chat, so that signed deliveries arrive before your eyes."""
    set_up_logs(quiet=True)
    config = configured(str(Path(data)), host, port or free_port(host))
    arrived: list[bool] = []

    async def started(house: app.House) -> None:
        arrived.append(await show(house, once))

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(process.serve(config, started, stop_at_once=once))
    except DeskbellError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(code if not once or all(arrived) else 1)


async def show(house: app.House, once: bool) -> bool:
    """Perform the script and print what arrived; answers whether everything did."""
    rooms = house.rooms
    await site_setup.first_start(rooms)
    line(f"Deskbell demo at {rooms.base_url}")
    played = await demo_script.play(rooms, told)
    line("")
    line(f"{played.arrived} of {played.expected} deliveries arrived, each signed and stored.")
    if once:
        return played.arrived == played.expected
    line("")
    setup_url = await site_setup.owner_link(rooms)
    line(f"  1. {'Create your login ' if setup_url else 'Sign in           '}     {setup_url or rooms.base_url}")
    line(f"  2. See the captures       {rooms.base_url}/inspector/{played.bin_id}")
    line(f"  3. Act as an agent        {rooms.base_url}/desk/agent")
    line(f"  4. Ask for a chat         {played.client_url}")
    line("")
    line("Everything stays in this data directory. Ctrl+C ends the demo; run it again to go on.")
    return True


def told(arrival: Any) -> None:
    """One line per delivery that arrived."""
    line(f"  ✓ {arrival.event_type:15} {arrival.delivery_id}  answered {arrival.status}  {arrival.signature}")


def free_port(host: str) -> int:
    """The next free port from 8080."""
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) != 0:
                return port
    raise click.ClickException(f"No free port from {PORTS.start} to {PORTS.stop - 1}. Name one with --port.")
