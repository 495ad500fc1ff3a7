"""`deskbell keyring`: replaces the keys that secrets are sealed by, while Deskbell serves."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from deskbell import assembly
from deskbell.cli.output import as_json, json_option, line, table
from deskbell.cli.serve import configured
from deskbell.clock import SystemClock, SystemRandom
from deskbell.keyring.file import present_ring
from deskbell.keyring.notes import read_known
from deskbell.keyring.resealing import Tally, tally
from deskbell.keyring.steps import KeyringSteps
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError
from deskbell.model.instant import Instant, format_instant
from deskbell.rules.sealing import Keyring

T = TypeVar("T")
data_option = click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")


@click.group("keyring")
def group() -> None:
    """Replace the keys that secrets are sealed by, while Deskbell serves.

    In this order: `add`, give the keyring to every node, `promote`, and when nothing needs the old key, `drop`.
    """


@group.command("list")
@data_option
@json_option
def show(data: str | None, wants_json: bool) -> None:
    """Keys, how many rows need each, and which keys the running processes have."""
    told = _run(data, _told)
    if wants_json:
        as_json(told)
        return
    rows = [(one["id"], ", ".join(one["is"]), f"{one['rows']:,}") for one in told["keys"]]
    table(("key", "is", "rows that need it"), rows, "There is no key.")
    if told["unreadable"]:
        line(f"{told['unreadable']:,} rows with secrets cannot be read: `deskbell doctor` names them.")
    line(f"Everything is sealed by {told['writes']}." if told["done"] else f"To be sealed anew: {told['left']:,} rows.")
    running = [(name, " ".join(one["keys"]), one["from"], one["at"]) for name, one in told["processes"].items()]
    table(("process", "keys, the writing one first", "from", "told"), running, "No process runs.")


@group.command("add")
@click.argument("key_id", metavar="[ID]", required=False)
@data_option
@json_option
def add(key_id: str | None, data: str | None, wants_json: bool) -> None:
    """Add a fresh key that reads, and writes nothing yet. ID is its name; else the next free one: k2, k3 …"""
    added = _run(data, lambda steps: steps.add(key_id))
    if wants_json:
        as_json({"id": added.id} if added.entry is None else {"id": added.id, "entry": added.entry})
        return
    if added.entry is None:
        line(f"Added {added.id} to the keyring file. Running processes notice it within seconds.")
        line("Keep a copy of the file elsewhere, and copy it to every node before you go on.")
    else:
        line("Append this entry to DESKBELL_KEYS on every node, separated by a comma, and restart them:")
        line(added.entry)
    line(f"Then: deskbell keyring promote {added.id}")


@group.command("promote")
@click.argument("key_id", metavar="ID")
@click.option("--no-wait", is_flag=True, help="Leave sealing anew to the running Deskbell.")
@data_option
@json_option
def promote(key_id: str, no_wait: bool, data: str | None, wants_json: bool) -> None:
    """Let a key write, and seal everything anew by it, in batches.

    It may be stopped at any time: the running Deskbell goes on, and so does the same command.
    """

    async def steps_of(steps: KeyringSteps) -> Tally:
        ring = await steps.promote(key_id)
        return await tally(steps.store) if no_wait else await _reseal(steps, ring, shows=not wants_json)

    left = _run(data, steps_of)
    others = left.others(key_id)
    if wants_json:
        as_json({"id": key_id, "left": others, "unreadable": left.unreadable})
        return
    line(
        f"{key_id} writes. {f'{others:,} rows are left to be sealed anew' if others else 'Everything is sealed by it'}."
    )
    if left.unreadable:
        line(f"{left.unreadable:,} rows with secrets cannot be read: `deskbell doctor` names them.")


@group.command("drop")
@click.argument("key_id", metavar="ID")
@data_option
@json_option
def drop(key_id: str, data: str | None, wants_json: bool) -> None:
    """Take a key out that nothing needs any more; refused while a row or a running process uses it.

    Backups made before still need it: keep its copy as long as you keep them.
    """
    _run(data, lambda steps: steps.drop(key_id))
    if wants_json:
        as_json({"id": key_id})
        return
    line(f"Dropped {key_id}. Backups made before still need it: keep its copy as long as you keep them.")


def _run(data: str | None, ask: Callable[[KeyringSteps], Awaitable[T]]) -> T:
    set_up_logs(quiet=True)
    config = configured(data)

    async def asked() -> T:
        store = await assembly.open_store(config, lambda: None, lock=False)
        try:
            return await ask(KeyringSteps(config=config, store=store, clock=SystemClock(), random=SystemRandom()))
        finally:
            await store.close()

    try:
        return asyncio.run(asked())
    except (DeskbellError, OSError) as error:
        raise click.ClickException(str(error)) from None


async def _reseal(steps: KeyringSteps, ring: Keyring, *, shows: bool) -> Tally:
    """Seal anew; a bar on a terminal."""
    if not shows or not sys.stderr.isatty():
        return await steps.reseal(ring, lambda rows: None)
    total = (await tally(steps.store)).others(ring.ids[0])
    with Progress(console=Console(file=sys.stderr)) as bar:
        work = bar.add_task("Sealing anew", total=total)
        return await steps.reseal(ring, lambda rows: bar.advance(work, rows))


async def _told(steps: KeyringSteps) -> dict[str, Any]:
    ring, known, found = present_ring(steps.config), await read_known(steps.store), await tally(steps.store)
    known.must_fit(ring)
    state, now = known.state, steps.clock.now()
    names = dict.fromkeys((*ring.ids, *known.checks, *state.added))
    is_told = {
        "writes": (ring.ids[0],),
        "reads": ring.ids[1:],
        "sealed nothing yet": tuple(state.added),
        "not in this keyring": tuple(set(names) - set(ring.ids)),
    }
    living = state.living(now)
    writes = state.writes or ring.ids[0]
    return {
        "writes": writes,
        "done": found.others(writes) == 0,
        "left": found.others(writes),
        "unreadable": found.unreadable,
        "keys": [
            {"id": name, "is": [word for word, ids in is_told.items() if name in ids], "rows": found.of(name)}
            for name in names
        ],
        "processes": {
            name: {
                "keys": list(one.ids),
                "from": "file" if one.from_file else "DESKBELL_KEYS",
                "at": format_instant(Instant(one.at)),
            }
            for name, one in sorted(living.items())
        },
    }
