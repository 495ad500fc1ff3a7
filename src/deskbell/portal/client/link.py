"""The personal link of a contact: it is the credential, and nothing of a login is used."""

from dataclasses import dataclass

from deskbell.model.errors import NotFound
from deskbell.model.ids import SiteId
from deskbell.model.people import Actor, User
from deskbell.portal.desk.acting import acting_as
from deskbell.portal.page import PageAsk
from deskbell.server.csrf import check_origin


@dataclass(frozen=True, kw_only=True)
class Client:
    """The contact whose page it is."""

    site: SiteId
    user: User
    actor: Actor
    path: str  # of their page


async def client_of(ask: PageAsk) -> Client:
    """Whose link it is. Raises NotFound for one that is unknown, old or ended."""
    if ask.request.method == "POST":
        check_origin(ask.request.headers, ask.rooms.base_url)
    found = await ask.rooms.accounts.caller_of_client_link(ask.path("link"))
    if found is None:
        raise NotFound("This personal link is no longer valid. Ask the service desk for a new one.")
    caller, user_id = found
    user = await ask.rooms.people.user(caller.site, user_id)
    return Client(site=caller.site, user=user, actor=acting_as(user), path=f"/desk/client/{ask.path('link')}")
