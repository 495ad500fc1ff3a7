"""Writes the reference pages that are made from the code."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from deskbell.api.openapi import describe
from deskbell.api.routes import API_ROUTES, ROOT_ROUTES
from deskbell.cli.main import main
from deskbell.model.account import Permission, Role
from deskbell.portal.routes import ROUTES as PORTAL_ROUTES
from deskbell.rules.catalogue import CATALOGUE
from deskbell.rules.limits import Limits
from deskbell.rules.permissions import ROLE_PERMISSIONS
from deskbell.server.route import Route

REPETITION = """Every POST takes an `Idempotency-Key` (1 to 255 visible ASCII characters, per API key, 24 h): the same
request gets the first answer again, marked `Idempotency-Replayed: true`; another request under the key is 422. Refusals
are not kept. An answer that held a secret is never stored: its repetition is 409 (`answered_with_secret`), and says
what was made.
"""
PERMISSIONS = """Each route declares what it needs; a route that declares nothing stops the start. The scopes of
API keys are the same words: a key does what its scopes name and its maker may do now, so a key of somebody who became a
viewer only reads. `site:admin` by an owner is no scope of its own: a key with `site:admin` has it while its maker is an
owner. What needs a login no key can do. Not allowed is 403; what belongs to another site, or to nobody, is 404.

A viewer sees payloads, responses and captures masked. A refused address is shown to owners only. Admins manage users up
to admin; owners manage everybody. Nobody changes their own role, and the last owner stays.
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


def permissions() -> str:
    """Every route of API and portal with who may use it."""
    rows = [
        f"| `{route.method} {prefix}{route.path}` | {needed_of(route)} | "
        + " | ".join("✓" if allows(route, role) else "–" for role in Role)
        + " |"
        for prefix, table in (("/api/v1", API_ROUTES), ("", ROOT_ROUTES), ("", PORTAL_ROUTES))
        for route in table
    ]
    head = "# Permissions\n\n" + PERMISSIONS + "\n| route | needs | " + " | ".join(role.value for role in Role)
    return head + " |\n|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"


def needed_of(route: Route[Any]) -> str:
    """The permissions of a route, in words."""
    if route.permission is Permission.PUBLIC:
        return "nothing"
    words = {Permission.OWN: "a login", Permission.SITE_OWNER: "`site:admin` by an owner"}
    return ", ".join(words.get(one, f"`{one}`") for one in (route.permission, *route.also))


def allows(route: Route[Any], role: Role) -> bool:
    """Whether a user of this role passes."""
    return {route.permission, *route.also} <= ROLE_PERMISSIONS[role]


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
    for page in (limits, event_types, api, permissions, cli):
        (FOLDER / f"{page.__name__.replace('_', '-')}.md").write_text(page())
