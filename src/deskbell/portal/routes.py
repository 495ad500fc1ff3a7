"""The portal's table of routes."""

from typing import Any

from starlette.responses import Response

from deskbell.model.account import Permission
from deskbell.portal import developer_corner, erase, masked
from deskbell.portal.page import PageAsk, see_other
from deskbell.portal.routes_account import ACCOUNT_ROUTES
from deskbell.portal.routes_accountability import ACCOUNTABILITY_ROUTES
from deskbell.portal.routes_desk import DESK_ROUTES
from deskbell.portal.routes_replays import REPLAY_ROUTES
from deskbell.portal.routes_sent import SENT_ROUTES
from deskbell.portal.routes_webhook import WEBHOOK_ROUTES
from deskbell.portal.signin import login, preferences, setup
from deskbell.portal.static_files import serve_static
from deskbell.portal.webhook import switch
from deskbell.server.route import Param, Route

PUBLIC = Permission.PUBLIC


def to(path: str) -> Any:
    """A handler that sends the browser on."""

    async def redirect(ask: PageAsk) -> Response:
        return see_other(ask, path)

    return redirect


OWN_ROUTES: tuple[Route[Any], ...] = (
    Route(method="GET", path="/", permission=PUBLIC, handler=to("/webhook"), summary="First page"),
    Route(method="GET", path="/static/{name}", permission=PUBLIC, handler=serve_static, summary="A file of the portal"),
    Route(
        method="GET", path="/login", permission=PUBLIC, handler=login.show, summary="Sign-in page",
        query=(
            Param(name="return_to", description="Where to go afterwards."),
            Param(name="site", description="At which site; for people with accounts at several."),
        ),
    ),
    Route(
        method="POST", path="/login", permission=PUBLIC, handler=login.sign_in, summary="Sign in", audit="login.create",
    ),
    Route(
        method="POST", path="/logout", permission=Permission.OWN, handler=login.sign_out, summary="Sign out",
        audit="login.end",
    ),
    Route(method="GET", path="/setup/{token}", permission=PUBLIC, handler=setup.show, summary="First login"),
    Route(
        method="POST", path="/setup/{token}", permission=PUBLIC, handler=setup.use, summary="Choose the password",
        audit="user.create",
    ),
    Route(method="POST", path="/preferences", permission=PUBLIC, handler=preferences.change, summary="Theme and keys"),
    Route(
        method="GET", path="/developer-corner", permission=Permission.WEBHOOKS_READ, handler=developer_corner.show,
        summary="Developer Corner",
    ),
    Route(
        method="GET", path="/erase", permission=Permission.SITE_OWNER, handler=erase.show, summary="Erase a subject",
        query=(Param(name="type", description="Kind of subject."), Param(name="id", description="Its id.")),
    ),
    Route(
        method="POST", path="/erase", permission=Permission.SITE_OWNER, handler=erase.erase, summary="Erase for good",
        audit="subject.erase",
    ),
    Route(
        method="GET", path="/masked", permission=Permission.SITE_ADMIN, handler=masked.show, summary="Masked members"
    ),
    Route(
        method="POST", path="/masked", permission=Permission.SITE_ADMIN, handler=masked.save,
        summary="Save masked members", audit="site.change",
    ),
    Route(
        method="POST", path="/developer-corner/features", permission=Permission.SITE_ADMIN,
        handler=switch.save_features, summary="Save Advanced Features", audit="site.slider",
    ),
    *(
        Route(method="GET", path=old, permission=PUBLIC, handler=to(new), summary="Redirect")
        for old, new in (
            ("/advanced/webhook", "/webhook"),
            ("/advanced/webhooks", "/webhook"),
            ("/advanced/developer-corner", "/developer-corner"),
        )
    ),
)  # fmt: skip

ROUTES: tuple[Route[Any], ...] = (
    *OWN_ROUTES,
    *WEBHOOK_ROUTES,
    *SENT_ROUTES,
    *REPLAY_ROUTES,
    *DESK_ROUTES,
    *ACCOUNTABILITY_ROUTES,
    *ACCOUNT_ROUTES,
)
"""Everything; where two paths fit, the first one counts."""
