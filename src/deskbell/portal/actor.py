"""The caller as one who does something."""

from deskbell.model.people import Actor, ActorKind
from deskbell.portal.page import PageAsk


def actor_of(ask: PageAsk) -> Actor:
    """The signed-in person."""
    return Actor(kind=ActorKind.PERSON, name=ask.caller.name, id=ask.caller.id)
