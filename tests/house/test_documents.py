"""The documents tell the truth: every setting, command, event type and route is in them."""

import importlib.util
import re
from dataclasses import fields

import pytest
from click.testing import CliRunner

from deskbell.api.openapi import describe
from deskbell.api.routes import API_ROUTES, ROOT_ROUTES
from deskbell.cli.main import main
from deskbell.model.account import Permission
from deskbell.portal.routes import ROUTES as PORTAL_ROUTES
from deskbell.rules.catalogue import CATALOGUE
from deskbell.rules.limits import Limits
from house.source import ROOT, files

REFERENCE = ROOT / "docs" / "reference"


def test_every_limit_is_documented() -> None:
    """Name, value and unit of each number stand in the reference."""
    text = (REFERENCE / "limits.md").read_text()
    missing = [
        one.name for one in fields(Limits) if f"`DESKBELL_LIMIT_{one.name.upper()}` | {one.default} |" not in text
    ]
    assert missing == []


def test_every_setting_is_documented() -> None:
    """Each DESKBELL_ variable that the source reads stands in the reference."""
    text = (REFERENCE / "settings.md").read_text()
    read = {name for path in files() for name in re.findall(r'"(DESKBELL_[A-Z0-9_]+)"', path.read_text())}
    assert {name for name in read if name not in text and name != "DESKBELL_LIMIT_" and name != "DESKBELL_"} == set()


def test_every_event_type_is_documented() -> None:
    """Each name of the Catalogue stands in the reference."""
    text = (REFERENCE / "event-types.md").read_text()
    assert [one.name for one in CATALOGUE if f"`{one.name}`" not in text] == []


def test_every_route_is_documented() -> None:
    """The reference lists each operation, made from the same table as the OpenAPI document."""
    text = (REFERENCE / "api.md").read_text()
    rows = [f"`{method.upper()} {path}`" for path, methods in describe()["paths"].items() for method in methods]
    assert [row for row in rows if row not in text] == []


def test_permissions_are_as_documented() -> None:
    """The table of routes and roles is the one that the code has."""
    path = ROOT / "docs" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert (REFERENCE / "permissions.md").read_text() == made.permissions()


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_documented_and_helps(name: str) -> None:
    """Each command has help and stands in the reference."""
    answer = CliRunner().invoke(main, [name, "--help"])
    assert answer.exit_code == 0
    assert len(answer.output.splitlines()) > 4
    assert f"`deskbell {name}" in (REFERENCE / "cli.md").read_text()


def test_every_route_declares_permission_and_audit() -> None:
    """A route without permission, or a changing route outside desk and publishing without an audit verb, is a bug."""
    free = {Permission.DESK_WRITE, Permission.EVENTS_WRITE, Permission.PUBLIC, Permission.OWN}
    for route in (*API_ROUTES, *ROOT_ROUTES, *PORTAL_ROUTES):
        assert isinstance(route.permission, Permission), route.path
    silent = [
        route.path
        for route in API_ROUTES
        if route.method not in ("GET", "HEAD") and route.permission not in free and route.audit == "none"
    ]
    # attempts have their own log; checking a signature or settings changes nothing
    assert set(silent) <= {
        "/webhooks/{id}/test",
        "/deliveries/{id}/redeliver",
        "/deliveries/{id}/cancel",
        "/webhooks/verify",
        "/webhooks/preview",
    }
