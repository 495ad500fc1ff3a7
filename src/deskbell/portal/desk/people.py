"""People: contacts and companies of the desk, and opening a contact's own page."""

from collections.abc import Mapping

from starlette.responses import Response

from deskbell.model.errors import Conflict, Invalid
from deskbell.portal.actor import actor_of
from deskbell.portal.desk.acting import done, without_empty
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.page import PageAsk, respond, see_other

FIELDS = {"name": "name", "email": "email", "companyId": "company"}


async def show(ask: PageAsk) -> Response:
    """Contacts with their companies, and agents."""
    return await page(ask)


async def page(
    ask: PageAsk, faults: Faults | None = None, typed: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    """The page in any of its states."""
    people = ask.rooms.people
    return await respond(
        ask,
        "pages/people.html",
        status=status,
        contacts=await people.contacts.list(ask.site),
        companies=await people.companies.list(ask.site),
        agents=await people.agents.list(ask.site),
        faults=faults,
        typed=typed or {"name": "", "email": "", "company": ""},
    )


async def choose(ask: PageAsk) -> Response:
    """Client page: choose whose page to open."""
    contacts = await ask.rooms.people.contacts.list(ask.site)
    return await respond(ask, "pages/client_choose.html", contacts=contacts)


async def create_contact(ask: PageAsk) -> Response:
    """A new contact."""
    form = Fields(values=ask.form())
    typed = {"name": form.text("name"), "email": form.text("email"), "company": form.text("company")}
    body = without_empty({"name": typed["name"], "email": typed["email"], "companyId": typed["company"]})
    try:
        made = await ask.rooms.people.contacts.create(ask.site, body)
    except (Invalid, Conflict) as refusal:
        return await page(ask, faults_of(refusal.faults, FIELDS, refusal.detail), typed, refusal.status)
    return see_other(ask, f"/people#c{made.entity_id}")


async def create_company(ask: PageAsk) -> Response:
    """A new company."""
    form = Fields(values=ask.form())

    async def step() -> object:
        return await ask.rooms.people.companies.create(ask.site, {"name": form.text("company_name")})

    return await done(ask, "/people", step, "Company added.")


async def open_as(ask: PageAsk) -> Response:
    """A fresh personal link of this contact, opened."""
    contact = await ask.rooms.people.contacts.get(ask.site, ask.path("id"))
    token = await ask.rooms.accounts.client_link(ask.site, contact.user.user_id, actor=actor_of(ask), origin=ask.origin)
    return see_other(ask, f"/desk/client/{token}")
