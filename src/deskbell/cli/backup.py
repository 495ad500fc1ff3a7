"""`deskbell backup`: a checked copy of the database, made while Deskbell serves."""

import asyncio
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from deskbell import installation
from deskbell.cli.output import as_json, json_option, line
from deskbell.cli.serve import configured
from deskbell.clock import SystemClock
from deskbell.config import Config
from deskbell.keyring.file import FILE as KEY_FILE
from deskbell.logs import set_up_logs
from deskbell.model.errors import DeskbellError


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")
@click.option(
    "--with-keys",
    is_flag=True,
    help="Put the keyring beside the copy, as FILE.keys. Whoever has both can read all secrets.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@json_option
def backup(file: Path, data: str | None, with_keys: bool, force: bool, wants_json: bool) -> None:
    """Copy the database to FILE, online, and check the copy.

    The keyring is not in it: without the keyring nobody can read the secrets, you neither. Keep a copy of it elsewhere.
    """
    set_up_logs(quiet=True)
    config = configured(data)
    if file.exists() and not force:
        raise click.ClickException(f"{file} exists. Choose another name, or use --force.")
    try:
        made = copy(config, file, shows=not wants_json)
    except (DeskbellError, OSError) as error:
        raise click.ClickException(str(error)) from None
    keys = keep_keys(config, file) if with_keys else None
    if wants_json:
        as_json(
            {
                "file": str(file),
                "bytes": file.stat().st_size,
                "schema": made.schema,
                "keys": list(made.key_ids),
                "keysFile": None if keys is None else str(keys),
                "audit": {site: {"seq": head.seq, "hash": head.hash} for site, head in made.heads.items()},
            }
        )
        return
    line(f"{file}: {file.stat().st_size:,} bytes, checked; schema version {made.schema}.")
    for site, head in made.heads.items():
        line(f"The audit of {site or 'the installation'} ends at row {head.seq:,} with hash {head.hash}.")
    line(f"To read its secrets the keyring needs: {', '.join(made.key_ids) or 'no key'}.")
    line(
        f"Keys are in {keys}: keep it apart from the copy."
        if keys
        else "The keyring is not in it: keep a copy of it elsewhere."
    )


def copy(config: Config, file: Path, *, shows: bool) -> installation.Copy:
    """The copy; a bar on a terminal."""
    bar: Any = Progress(console=Console(file=sys.stderr)) if shows and sys.stderr.isatty() else None
    with bar or nullcontext():
        work = bar.add_task("Copying", total=None) if bar else None

        def progress(done: int, total: int) -> None:
            if bar:
                bar.update(work, completed=done, total=total)

        return asyncio.run(installation.back_up(config, file, SystemClock().now(), progress))


def keep_keys(config: Config, file: Path) -> Path:
    """The keyring beside the copy, readable by its owner alone."""
    target = file.with_name(file.name + ".keys")
    handle = os.open(target, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(config.keys or (config.data / KEY_FILE).read_text())
    return target
