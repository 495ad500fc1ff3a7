"""Who acts on the desk's pages: a login acts as the agent with its e-mail address."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.errors import Conflict, Invalid, NotFound
from deskbell.model.people import Actor, ActorKind, User
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, see_other


@dataclass(frozen=True, kw_only=True)
class Acting:
    """The person at the desk."""

    user: User
    actor: Actor


async def me(ask: PageAsk) -> Acting:
    """The agent that this login acts as, made at first use."""
    users = await ask.rooms.accounts.users(ask.site)
    account = next((one for one in users if one.id == ask.caller.id), None)
    if account is None:
        raise NotFound("Sign in as a person to act on the desk's pages.")
    agent = await ask.rooms.people.agent_for_email(ask.site, account.email, account.name)
    return Acting(user=agent.user, actor=acting_as(agent.user))


def acting_as(user: User) -> Actor:
    """A person of the desk as one who does something."""
    kind = ActorKind.AGENT if user.is_agent else ActorKind.CONTACT
    return Actor(kind=kind, name=user.name, id=user.user_id)


def words_of(refusal: Conflict | Invalid) -> str:
    """One sentence: the first fault, or what the refusal says."""
    return refusal.faults[0].detail if refusal.faults else refusal.detail


async def done(ask: PageAsk, path: str, step: Callable[[], Awaitable[object]], text: str = "") -> Response:
    """Do it and show the page as it is now; a refusal is told there."""
    try:
        await step()
    except (Conflict, Invalid) as refusal:
        return see_other(ask, path, Note(text=words_of(refusal), tone="warn"))
    return see_other(ask, path, Note(text=text) if text else None)


def without_empty(members: Mapping[str, object]) -> dict[str, object]:
    """Members that were filled in."""
    return {name: value for name, value in members.items() if value not in (None, "", [], ())}
