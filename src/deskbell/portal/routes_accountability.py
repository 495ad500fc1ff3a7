"""Routes of API keys and of the audit."""

from typing import Any

from deskbell.model.account import Permission
from deskbell.portal.accountability import audit, keys
from deskbell.server.route import Param, Route

ADMIN, READ = Permission.SITE_ADMIN, Permission.AUDIT_READ
FILTER = (
    Param(name="actor", description="Id or name of who acted."),
    Param(name="operation", description="An operation, or a group."),
    Param(name="object", description="Id of what was acted on."),
    Param(name="from", description="From this day on."),
    Param(name="to", description="Up to this day."),
)

ACCOUNTABILITY_ROUTES: tuple[Route[Any], ...] = (
    Route(method="GET", path="/keys", permission=ADMIN, handler=keys.show, summary="API keys"),
    Route(method="GET", path="/keys/new", permission=ADMIN, handler=keys.form, summary="New API key"),
    Route(
        method="POST", path="/keys/new", permission=ADMIN, handler=keys.create, summary="Make an API key",
        audit="key.create",
    ),
    Route(method="GET", path="/keys/{id}/revoke", permission=ADMIN, handler=keys.ask_revoke, summary="Revoke?"),
    Route(
        method="POST", path="/keys/{id}/revoke", permission=ADMIN, handler=keys.revoke, summary="Revoke an API key",
        audit="key.revoke",
    ),
    Route(
        method="GET", path="/audit", permission=READ, handler=audit.show, summary="Audit",
        query=(
            *FILTER,
            Param(name="older", description="Only rows before this one.", type="integer", low=1),
            Param(name="check", description="Check the chain.", choices=("1",)),
        ),
    ),
    Route(
        method="POST", path="/audit/export", permission=READ, handler=audit.export, summary="Export the audit",
        audit="audit.export",
    ),
)  # fmt: skip
