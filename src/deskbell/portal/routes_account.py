"""Routes of signing in with a second factor, of the own account, and of users."""

from typing import Any

from deskbell.model.account import Permission
from deskbell.portal.account import me, users
from deskbell.portal.signin import second_step
from deskbell.server.route import Param, Route

PUBLIC, OWN, ADMIN = Permission.PUBLIC, Permission.OWN, Permission.SITE_ADMIN


def own(method: str, path: str, handler: Any, summary: str, audit: str = "none") -> Route[Any]:
    """A route of the own account."""
    return Route(method=method, path=f"/me{path}", permission=OWN, handler=handler, summary=summary, audit=audit)


def admin(method: str, path: str, handler: Any, summary: str, audit: str = "none") -> Route[Any]:
    """A route of users."""
    path = f"/settings/users{path}"
    return Route(method=method, path=path, permission=ADMIN, handler=handler, summary=summary, audit=audit)


ACCOUNT_ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET", path="/login/code", permission=PUBLIC, handler=second_step.show, summary="Second step",
        query=(Param(name="return_to", description="Where to go afterwards."),),
    ),
    Route(
        method="POST", path="/login/code", permission=PUBLIC, handler=second_step.give, summary="Give the code",
        audit="login.create",
    ),
    Route(
        method="POST", path="/login/enrolment", permission=PUBLIC, handler=second_step.begin,
        summary="Begin a second factor that is asked for", audit="second_factor.begin",
    ),
    Route(
        method="POST", path="/login/enrolment/code", permission=PUBLIC, handler=second_step.enrol,
        summary="Its first code", audit="second_factor.enrol",
    ),
    own("GET", "", me.show, "Own account"),
    own("POST", "/confirm", me.confirm, "Give the password again", "login.confirm"),
    own("POST", "/password", me.change_password, "Change the own password", "user.password"),
    own("POST", "/second-factor", me.begin, "Begin a second factor", "second_factor.begin"),
    own("POST", "/second-factor/confirm", me.enrol, "Its first code", "second_factor.enrol"),
    own("POST", "/second-factor/off", me.turn_off, "Turn the second factor off", "second_factor.remove"),
    own("POST", "/recovery-codes", me.recovery, "New recovery codes", "second_factor.recovery"),
    own("POST", "/logins/end", me.end_logins, "End own logins", "login.end"),
    admin("GET", "", users.show, "Users"),
    admin("POST", "", users.invite, "Invite a user", "user.invite"),
    Route(
        method="POST", path="/settings/users/require", permission=Permission.SITE_OWNER, handler=users.require,
        summary="Ask everybody for a second factor", audit="site.second_factor",
    ),
    admin("GET", "/{id}", users.one, "One user"),
    admin("POST", "/{id}/role", users.role, "Change a user's role", "user.role"),
    admin("POST", "/{id}/link", users.link, "Make a user's one-time link", "user.link"),
    admin("POST", "/{id}/second-factor", users.reset, "Reset a second factor", "second_factor.reset"),
    admin("POST", "/{id}/logins", users.end_logins, "End a user's logins", "login.end"),
    admin("POST", "/{id}/remove", users.remove, "Remove a user", "user.remove"),
)  # fmt: skip
