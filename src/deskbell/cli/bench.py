"""`deskbell bench`: how fast Deskbell is on this machine and disk."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import uvloop

from deskbell import app, bench_script, site_setup
from deskbell.cli.output import as_json, json_option, line
from deskbell.cli.serve import configured
from deskbell.config import Config
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError
from deskbell.rules.allow import parse_allow


@click.command()
@click.option(
    "--seconds", default=5.0, show_default=True, type=click.FloatRange(0.5, 600), help="For each of two parts."
)
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    help="Where the trial database is made: its disk is what counts. Default: a temporary one.",
)
@json_option
def bench(seconds: float, folder: str | None, wants_json: bool) -> None:
    """Accept, store and deliver events to a receiver in this process, in a database of its own that is removed.

    The receiver and the publisher share the one core, so a server with callers elsewhere does more. `benchmarks/` of a
    checkout measures every budget, each part in a process of its own.
    """
    set_up_logs(quiet=True)
    with tempfile.TemporaryDirectory(prefix="deskbell-bench-", dir=folder) as name:
        config = replace(
            configured(name), data=Path(name) / "data", metrics=None, database_url=None,
            allow=parse_allow("127.0.0.0/8:*"),
        )  # fmt: skip
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures = runner.run(run(config, seconds, quiet=wants_json))
        except (DeskbellError, OSError) as error:
            raise click.ClickException(str(error)) from None
    tell(figures, wants_json)
    if figures.steady.lost or figures.flood.lost:
        raise click.ClickException("Not everything that was accepted arrived.")


async def run(config: Config, seconds: float, *, quiet: bool) -> bench_script.Figures:
    """In a house of its own, without a listener."""
    house = await app.open_house(config)
    await site_setup.set_up(house.rooms)
    await house.start()
    try:
        return await bench_script.measure(house.rooms, seconds, (lambda text: None) if quiet else line)
    finally:
        await house.close()


def tell(figures: bench_script.Figures, wants_json: bool) -> None:
    """The figures, for people or programs."""
    steady, flood = figures.steady, figures.flood
    arrival = [at - begun for at, begun in zip(sorted(steady.arrivals), sorted(steady.handed_in), strict=False)]
    shown = {
        "deliveriesPerSecond": round(figures.deliveries_per_s),
        "acceptMs": spread(steady.accept_s),
        "arrivalMs": spread(arrival),
        "accepted": steady.accepted + flood.accepted,
        "lost": steady.lost + flood.lost,
    }
    if wants_json:
        as_json(shown)
        return
    line(f"Deliveries a second:   {figures.deliveries_per_s:,.0f}")
    for name, words in (("acceptMs", "Accepted and on disk:  "), ("arrivalMs", "Arrived at a receiver: ")):
        one = spread(steady.accept_s if name == "acceptMs" else arrival)
        line(
            f"{words}p50 {one['p50']} ms, p95 {one['p95']} ms, p99 {one['p99']} ms  (at {bench_script.STEADY_PER_S}/s)"
        )
    line(f"{steady.accepted + flood.accepted:,} events accepted, {steady.lost + flood.lost} lost.")


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 in ms."""
    ordered = sorted(seconds) or [0.0]
    return {
        f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000, 2)
        for share in (50, 95, 99)
    }
