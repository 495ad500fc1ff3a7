"""What commands print: JSON when asked for, else plain lines and tables with control characters escaped."""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deskbell.rules.text import terminal_text

F = TypeVar("F", bound=Callable[..., Any])


def as_json(value: Any) -> None:
    """One JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def line(text: str) -> None:
    """One line for people."""
    click.echo(terminal_text(text))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """A table, or one sentence when there is nothing in it."""
    if not rows:
        click.echo(empty)
        return
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(terminal_text("" if cell is None else str(cell))) for cell in row))
    Console(soft_wrap=False).print(grid)


def json_option(command: F) -> F:
    """`--json`, on every command."""
    return click.option("--json", "wants_json", is_flag=True, help="Print JSON for programs.")(command)


def api_options(command: F) -> F:
    """Where the API is and the key to it, plus --json."""

    @click.option("--url", metavar="URL", help="Address of Deskbell (or DESKBELL_URL; http://127.0.0.1:8080).")
    @click.option("--api-key-file", metavar="FILE", help="File with the API key (or DESKBELL_API_KEY).")
    @json_option
    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return command(*args, **kwargs)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the callable's form
