"""Erase a subject: count what is kept of it, then blank it for good."""

from typing import Any

from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json
from deskbell.api.shapes import Input, Shape
from deskbell.model.account import Permission
from deskbell.model.errors import FaultAt, Invalid
from deskbell.server.once import Keeps
from deskbell.server.route import Route
from deskbell.webhooks import Erasable


class ErasedSubject(Input):
    """`chat`, `ticket` or `contact`, or the word of a published event's subject; and its id."""

    type: str
    id: str


class ErasureInput(Input):
    """What to erase."""

    subject: ErasedSubject
    dry_run: bool = False


class ErasureShape(Shape):
    """What was erased, or would be."""

    dry_run: bool
    subjects: list[str]  # type:id; of a contact the chats and tickets that name them too
    events: int
    waiting: int  # deliveries that waited: they are cancelled


def shape(found: Erasable, *, dry_run: bool) -> ErasureShape:
    """As the API shows it."""
    subjects = [":".join(one) for one in found.subjects]
    return ErasureShape(dry_run=dry_run, subjects=subjects, events=found.events, waiting=found.waiting)


async def erase(ask: ApiAsk) -> Response:
    """Blank payloads, captures, responses and search text of a subject. Only owners; nothing brings it back."""
    given = ask.json(ErasureInput)
    subject = (given.subject.type.strip(), given.subject.id.strip())
    if not all(subject):
        fault = FaultAt(pointer="/subject", code="required", detail="Give the subject's type and id.")
        raise Invalid(fault.detail, faults=(fault,))
    if given.dry_run:
        return json(shape(await ask.rooms.erasures.look(ask.caller, subject), dry_run=True))
    return json(shape(await ask.rooms.erasures.erase(ask.caller, subject, origin=ask.origin), dry_run=False))


ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="POST",
        path="/erasures",
        permission=Permission.SITE_OWNER,
        handler=erase,
        summary="Erase a subject's content",
        request=ErasureInput,
        response=ErasureShape,
        keeps=Keeps.NOTHING,
        audit="subject.erase",
    ),
)
