"""Single sign-on: an owner says which provider, and which of its claims gives which role."""

from starlette.responses import Response

from deskbell.accounts import Typed
from deskbell.model.errors import Conflict, Invalid
from deskbell.model.sign_on import SignOn
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.rules.sign_on import CALLBACK

LABELS = {
    "issuer": "Issuer", "client_id": "Client id", "client_secret": "Client secret", "label": "Name on the button",
    "role_claim": "Claim", "roles": "Roles",
}  # fmt: skip
FIELD_OF = {
    "issuer": "issuer", "clientId": "client_id", "clientSecret": "client_secret", "label": "label",
    "roleClaim": "role_claim", "roles": "roles",
}  # fmt: skip


async def show(ask: PageAsk) -> Response:
    """The form with what is kept."""
    found = await ask.rooms.sign_on.settings(ask.site)
    return await page(ask, found, typed_of(found))


def typed_of(settings: SignOn | None) -> Fields:
    """What is kept, as it would be typed; never the secret."""
    if settings is None:
        return Fields(values={})
    lines = "\n".join(f"{value} = {role.value}" for value, role in settings.roles.items())
    return Fields(
        values={
            "issuer": [settings.issuer],
            "client_id": [settings.client_id],
            "label": [settings.label],
            "role_claim": [settings.role_claim],
            "roles": [lines],
        }
    )


async def page(
    ask: PageAsk, settings: SignOn | None, form: Fields, *, faults: Faults | None = None, status: int = 200
) -> Response:
    """The form in any of its states."""
    return await respond(
        ask,
        "pages/sign_on.html",
        status=status,
        settings=settings,
        form=form,
        faults=faults,
        labels=LABELS,
        callback=ask.rooms.base_url + CALLBACK,
    )


def roles_of(text: str) -> dict[str, str]:
    """Lines like `desk-admins = admin`; the last `=` parts them."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip():
            value, _, role = line.rpartition("=")
            found[value.strip()] = role.strip().lower()
    return found


async def save(ask: PageAsk) -> Response:
    """Ask the provider, then keep it."""
    form = Fields(values=ask.form())
    typed = Typed(
        issuer=form.text("issuer"),
        client_id=form.text("client_id"),
        client_secret=form.given("client_secret"),
        label=form.text("label") or "single sign-on",
        role_claim=form.text("role_claim"),
        roles=roles_of(form.raw("roles")),
    )
    try:
        await ask.rooms.sign_on.save(ask.caller, typed, ask.origin)
    except (Invalid, Conflict) as refusal:
        shown = faults_of(refusal.faults, FIELD_OF, refusal.detail)
        settings = await ask.rooms.sign_on.settings(ask.site)
        return await page(ask, settings, form, faults=shown, status=refusal.status)
    return see_other(ask, "/settings/sign-in", Note(text="Saved. The sign-in page offers it from now on."))


async def remove(ask: PageAsk) -> Response:
    """The button goes from the sign-in page."""
    await ask.rooms.sign_on.remove(ask.caller, ask.origin)
    return see_other(ask, "/settings/sign-in", Note(text="Single sign-on is off. Passwords work as before."))
