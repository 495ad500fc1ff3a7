"""Writes the reference pages that are made from the code."""

from dataclasses import fields
from pathlib import Path

import click

from deskbell.api.openapi import describe
from deskbell.cli.main import main
from deskbell.rules.catalogue import CATALOGUE
from deskbell.rules.limits import Limits

REPETITION = """Every POST takes an `Idempotency-Key` (1 to 255 visible ASCII characters, per API key, 24 h): the same
request gets the first answer again, marked `Idempotency-Replayed: true`; another request under the key is 422. Refusals
are not kept. An answer that held a secret is never stored: its repetition is 409 (`answered_with_secret`), and says
what was made.
"""
FOLDER = Path(__file__).parent / "reference"


def limits() -> str:
    """Every number."""
    rows = [
        f"| `DESKBELL_LIMIT_{one.name.upper()}` | {one.default} | {one.metadata['unit']} | {one.metadata['low']} to "
        f"{one.metadata['high']} | {one.metadata['why']} |"
        for one in fields(Limits)
    ]
    head = "# Limits\n\nEvery number of the product is a setting.\n\n| setting | default | unit | range | why |\n"
    return head + "|---|---|---|---|---|\n" + "\n".join(rows) + "\n"


def event_types() -> str:
    """The Catalogue."""
    rows = [f"| `{one.name}` | {one.title} | {one.fires_when} |" for one in CATALOGUE]
    head = "# Event types\n\nA webhook chooses names, a group such as `chat.*`, or `*` (all but system and test).\n\n"
    return head + "| event type | title | fires when |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def api() -> str:
    """Every operation."""
    rows = [
        f"| `{method.upper()} {path}` | {operation['summary']} | `{operation['x-permission']}` |"
        for path, methods in describe()["paths"].items()
        for method, operation in methods.items()
    ]
    head = "# API\n\nThe machine-readable description is at `/api/openapi.json`, or `deskbell openapi`.\n\n"
    head += REPETITION + "\n"
    return head + "| operation | what | permission |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def cli() -> str:
    """Every command with its help."""
    parts = ["# Command line\n\nEvery command takes `--help`; most take `--json`.\n"]
    for name, command in sorted(main.commands.items()):
        children = sorted(command.commands.items()) if isinstance(command, click.Group) else [("", command)]
        for child, leaf in children:
            context = click.Context(leaf, info_name=f"deskbell {name} {child}".strip())
            parts.append(f"## `deskbell {name} {child}".rstrip() + f"`\n\n```text\n{leaf.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for page in (limits, event_types, api, cli):
        (FOLDER / f"{page.__name__.replace('_', '-')}.md").write_text(page())
