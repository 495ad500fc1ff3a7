"""Users: the list with invitations, and one user with everything that can be done about them."""

from collections.abc import Mapping

from starlette.responses import Response

from deskbell.accounts.users import Invitation
from deskbell.model.account import Account, Role
from deskbell.model.errors import Invalid
from deskbell.portal import words
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.once import key_of, made_before, remember, turns
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.rules.permissions import may_manage

ROLES: Mapping[Role, str] = {
    Role.VIEWER: "sees webhooks and deliveries, payloads masked",
    Role.OPERATOR: "also sends again, publishes and works at the desk",
    Role.ADMIN: "also changes webhooks, sees secrets, manages keys and users",
    Role.OWNER: "also manages owners, asks for second factors, erases subjects",
}
FIELDS = {"email": "email", "name": "name", "role": "role"}


def offered(ask: PageAsk) -> list[tuple[str, str]]:
    """The roles that the caller may give."""
    return [(role.value, what) for role, what in ROLES.items() if may_manage(ask.caller.role, role)]


async def listing(ask: PageAsk, status: int = 200, faults: Faults | None = None) -> Response:
    """The list."""
    form = Fields(values=ask.form() if ask.request.method == "POST" else {})
    site = await ask.rooms.store.sites.get(ask.site)
    return await respond(
        ask,
        "pages/users.html",
        status=status,
        users=await ask.rooms.accounts.users(ask.site),
        roles=offered(ask),
        faults=faults,
        typed={name: form.text(name) for name in FIELDS},
        required=site is not None and site.second_factor_required,
    )


async def show(ask: PageAsk) -> Response:
    """The list."""
    return await listing(ask)


async def invite(ask: PageAsk) -> Response:
    """Make the user, and show their link once; the same form again shows a fresh link for the same user."""
    form = Fields(values=ask.form())
    form_id, accounts = form.text("form_id"), ask.rooms.accounts
    async with turns().of(key_of(form_id)):
        before = await made_before(ask, form_id) if form_id else None
        if before:
            return await shown(ask, await accounts.user_link(ask.caller, before, ask.origin))
        try:
            made = await accounts.invite(
                ask.caller, form.text("email"), form.text("name"), form.text("role"), ask.origin
            )
        except Invalid as refusal:
            return await listing(ask, 422, faults_of(refusal.faults, FIELDS, refusal.detail))
        if form_id:
            await remember(ask, form_id, made.user.id)
    return await shown(ask, made)


async def shown(ask: PageAsk, made: Invitation) -> Response:
    """The link, this once."""
    url = f"{ask.rooms.base_url}/setup/{made.token}"
    return await respond(ask, "pages/user_link.html", made=made, url=url)


async def one(ask: PageAsk) -> Response:
    """One user."""
    user = await ask.rooms.accounts.user(ask.site, ask.path("id"))
    manages = may_manage(ask.caller.role, user.role) and user.id != ask.caller.id
    return await respond(
        ask,
        "pages/user.html",
        user=user,
        manages=manages,
        roles=offered(ask),
        logins=await ask.rooms.accounts.living_logins(ask.site, user.id) if manages else (),
        keys=await ask.rooms.accounts.keys_of(ask.site, user.id),
        heirs=await heirs(ask, user),
    )


async def heirs(ask: PageAsk, user: Account) -> list[Account]:
    """Who may get the keys of somebody who goes: the caller first."""
    found = [
        other
        for other in await ask.rooms.accounts.users(ask.site)
        if other.id != user.id and may_manage(ask.caller.role, other.role)
    ]
    return sorted(found, key=lambda other: other.id != ask.caller.id)


def back(ask: PageAsk, text: str) -> Response:
    """To the user's page."""
    return see_other(ask, f"/settings/users/{ask.path('id')}", Note(text=text))


async def role(ask: PageAsk) -> Response:
    """Another role."""
    wanted = Fields(values=ask.form()).text("role")
    user = await ask.rooms.accounts.change_role(ask.caller, ask.path("id"), wanted, ask.origin)
    return back(ask, f"{user.name} is {user.role.value} now, and signs in again.")


async def link(ask: PageAsk) -> Response:
    """A fresh link, shown once."""
    return await shown(ask, await ask.rooms.accounts.user_link(ask.caller, ask.path("id"), ask.origin))


async def reset(ask: PageAsk) -> Response:
    """Without a second factor until they set up another."""
    await ask.rooms.accounts.reset_second_factor(ask.caller, ask.path("id"), ask.origin)
    return back(ask, "The second factor was reset.")


async def end_logins(ask: PageAsk) -> Response:
    """One login, or all."""
    user = await ask.rooms.accounts.managed(ask.caller, ask.path("id"))
    only = Fields(values=ask.form()).text("login") or None
    ended = await ask.rooms.accounts.end_logins(ask.caller, user.id, ask.origin, only=only)
    return back(ask, f"{words.plural(ended, 'login')} ended.")


async def remove(ask: PageAsk) -> Response:
    """At once; keys go on when they are handed over."""
    heir = Fields(values=ask.form()).text("hand_over_to") or None
    await ask.rooms.accounts.remove_user(ask.caller, ask.path("id"), heir, ask.origin)
    return see_other(ask, "/settings/users", Note(text="Removed. Their logins have ended."))


async def require(ask: PageAsk) -> Response:
    """Ask everybody for a second factor, or not."""
    required = Fields(values=ask.form()).flag("required")
    await ask.rooms.accounts.require_second_factor(ask.caller, required, ask.origin)
    text = "Everybody sets up a second factor at their next sign-in." if required else "A second factor is a choice."
    return see_other(ask, "/settings/users", Note(text=text))
