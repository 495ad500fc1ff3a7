"""Single sign-on of the site: read, set up, removed by its owners."""

from typing import Any

from starlette.responses import Response

from deskbell.accounts import Typed
from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.shapes import Input, Shape
from deskbell.model.account import Permission
from deskbell.model.errors import NotFound
from deskbell.model.sign_on import SignOn
from deskbell.rules.sign_on import CALLBACK
from deskbell.server.route import Route


class SignOnInput(Input):
    """A provider of OpenID Connect. Without a client secret the one that is kept stays."""

    issuer: str
    client_id: str
    client_secret: str | None = None
    label: str = "single sign-on"
    role_claim: str = ""
    roles: dict[str, str] = {}  # noqa: RUF012  # msgspec copies an empty default


class SignOnShape(Shape):
    """The provider; its client secret is never shown again."""

    issuer: str
    client_id: str
    client_secret: dict[str, bool]
    label: str
    role_claim: str
    roles: dict[str, str]
    callback_url: str  # to be registered at the provider
    version: int


def answer(ask: ApiAsk, settings: SignOn) -> Response:
    """What is kept."""
    return json(
        SignOnShape(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret={"set": True},
            label=settings.label,
            role_claim=settings.role_claim,
            roles={value: role.value for value, role in settings.roles.items()},
            callback_url=ask.rooms.base_url + CALLBACK,
            version=settings.version,
        )
    )


async def get(ask: ApiAsk) -> Response:
    """The provider."""
    found = await ask.rooms.sign_on.settings(ask.site)
    if found is None:
        raise NotFound("No single sign-on is set up.")
    return answer(ask, found)


async def put(ask: ApiAsk) -> Response:
    """Set it up, or change it; the provider is asked first."""
    given = ask.json(SignOnInput)
    typed = Typed(
        issuer=given.issuer,
        client_id=given.client_id,
        client_secret=given.client_secret,
        label=given.label,
        role_claim=given.role_claim,
        roles=given.roles,
    )
    return answer(ask, await ask.rooms.sign_on.save(ask.caller, typed, ask.origin))


async def remove(ask: ApiAsk) -> Response:
    """Switch it off."""
    await ask.rooms.sign_on.remove(ask.caller, ask.origin)
    return nothing()


OWNER = Permission.SITE_OWNER
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/site/sign-on",
        permission=OWNER,
        handler=get,
        summary="Single sign-on",
        response=SignOnShape,
    ),
    Route(
        method="PUT",
        path="/site/sign-on",
        permission=OWNER,
        handler=put,
        summary="Set up single sign-on",
        request=SignOnInput,
        response=SignOnShape,
        audit="sso.change",
    ),
    Route(
        method="DELETE",
        path="/site/sign-on",
        permission=OWNER,
        handler=remove,
        summary="Switch single sign-on off",
        status=204,
        audit="sso.delete",
    ),
)
