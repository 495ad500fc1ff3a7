"""Routes of API keys, of the audit, and of single sign-on."""

from typing import Any

from deskbell.model.account import Permission
from deskbell.portal.accountability import audit, keys
from deskbell.portal.settings import sign_on
from deskbell.portal.signin import sso
from deskbell.server.route import Param, Route

ADMIN, READ, OWNER = Permission.SITE_ADMIN, Permission.AUDIT_READ, Permission.SITE_OWNER
ANSWER = (
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "session_state",
    "scope",
    "authuser",
    "prompt",
    "hd",
)
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
    Route(
        method="GET", path="/login/sso", permission=Permission.PUBLIC, handler=sso.go, summary="To the provider",
        query=(
            Param(name="return_to", description="Where to go afterwards."),
            Param(name="site", description="Whose provider."),
            Param(name="again", description="Show again who you are.", type="boolean"),
        ),
    ),
    Route(
        method="GET", path="/login/sso/callback", permission=Permission.PUBLIC, handler=sso.back,
        summary="From the provider", audit="login.create",
        query=tuple(Param(name=name, description="What the provider answered.") for name in ANSWER),
    ),
    Route(method="GET", path="/settings/sign-in", permission=OWNER, handler=sign_on.show, summary="Single sign-on"),
    Route(
        method="POST", path="/settings/sign-in", permission=OWNER, handler=sign_on.save,
        summary="Set up single sign-on", audit="sso.change",
    ),
    Route(
        method="POST", path="/settings/sign-in/remove", permission=OWNER, handler=sign_on.remove,
        summary="Switch single sign-on off", audit="sso.delete",
    ),
)  # fmt: skip
