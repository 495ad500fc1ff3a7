"""Companies, contacts and agents; and personal links for contacts."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.shapes import Listing
from deskbell.model.account import Caller, Permission
from deskbell.model.errors import Invalid
from deskbell.model.instant import format_instant
from deskbell.model.people import Actor, ActorKind, Agent, Company, Contact
from deskbell.server.ask import decode
from deskbell.server.once import Keeps
from deskbell.server.route import Route

Person = Company | Contact | Agent
NOUNS = ("companies", "contacts", "agents")


def actor(caller: Caller) -> Actor:
    """A caller as one who acts."""
    kind = ActorKind.KEY if caller.kind == "key" else ActorKind.PERSON
    return Actor(kind=kind, name=caller.name, id=caller.id)


def shape(value: Person) -> dict[str, Any]:
    """A company, contact or agent on the wire."""
    known: dict[str, Any] = {"entityId": value.entity_id, "name": value.name}
    if isinstance(value, Company):
        known["identifier"] = value.identifier
    else:
        known["userId"] = value.user.user_id
        known["email"] = value.email
    if isinstance(value, Contact):
        known["company"] = (
            None
            if value.company is None
            else msgspec.to_builtins(
                {
                    "entityId": value.company.entity_id,
                    "name": value.company.name,
                    "identifier": value.company.identifier,
                }
            )
        )
    return {**known, "externalId": value.external_id, "createdAt": format_instant(value.created_at)}


def mapping(ask: ApiAsk) -> dict[str, Any]:
    """The body as an object; its members are judged by the room."""
    given: Any = decode(ask.body, object)
    if not isinstance(given, dict):
        raise Invalid("The body must be a JSON object.")
    return given


def routes_of(noun: str, singular: str) -> tuple[Route[Any], ...]:
    """The operations of one noun; all three have the same."""

    def store(ask: ApiAsk) -> Any:
        return getattr(ask.rooms.people, noun)

    async def listing(ask: ApiAsk) -> Response:
        found = await store(ask).list(ask.site)
        return json(Listing(items=[shape(one) for one in found], next=None))

    async def create(ask: ApiAsk) -> Response:
        return json(shape(await store(ask).create(ask.site, mapping(ask))), 201)

    async def get(ask: ApiAsk) -> Response:
        return json(shape(await store(ask).get(ask.site, ask.path("key"))))

    async def change(ask: ApiAsk) -> Response:
        changed = await store(ask).change(ask.site, ask.path("key"), mapping(ask))
        return json(shape(changed))

    async def upsert(ask: ApiAsk) -> Response:
        return json(shape(await store(ask).upsert(ask.site, ask.path("key"), mapping(ask))))

    async def remove(ask: ApiAsk) -> Response:
        await store(ask).remove(ask.site, ask.path("key"))
        return nothing()

    read, write = Permission.DESK_READ, Permission.DESK_WRITE
    table: tuple[tuple[str, str, Permission, Callable[[ApiAsk], Awaitable[Response]], str, int], ...] = (
        ("GET", f"/desk/{noun}", read, listing, f"List {noun}", 200),
        (
            "POST",
            f"/desk/{noun}",
            write,
            create,
            f"Create a {singular}" if singular != "agent" else "Create an agent",
            201,
        ),
        ("GET", f"/desk/{noun}/{{key}}", read, get, f"One {singular}", 200),
        ("PATCH", f"/desk/{noun}/{{key}}", write, change, f"Change one {singular}", 200),
        ("PUT", f"/desk/{noun}/{{key}}", write, upsert, f"Report one {singular} from other software", 200),
        ("DELETE", f"/desk/{noun}/{{key}}", write, remove, f"Remove one {singular}", 204),
    )
    return tuple(
        Route(
            method=method,
            path=path,
            permission=permission,
            handler=handler,
            summary=summary,
            status=status,
            request=dict[str, Any] if method in ("POST", "PATCH", "PUT") else None,
            tag="desk",
        )
        for method, path, permission, handler, summary, status in table
    )


async def client_link(ask: ApiAsk) -> Response:
    """A personal link to the contact's own desk page; the link is the credential."""
    contact = await ask.rooms.people.contacts.get(ask.site, ask.path("key"))
    token = await ask.rooms.accounts.client_link(
        ask.site, contact.user.user_id, actor=actor(ask.caller), origin=ask.origin
    )
    return json({"url": f"{ask.rooms.base_url}/desk/client/{token}"}, 201)


ROUTES: tuple[Route[Any], ...] = (
    *routes_of("companies", "company"),
    *routes_of("contacts", "contact"),
    *routes_of("agents", "agent"),
    Route(
        method="POST",
        path="/desk/contacts/{key}/link",
        keeps=Keeps.SECRET,
        permission=Permission.DESK_WRITE,
        handler=client_link,
        summary="A personal link to the contact's desk page",
        status=201,
        audit="client_link.create",
        tag="desk",
    ),
)
