"""Sites, set-up links and the first owner."""

import asyncio

import pytest

from accounts.desk import EMAIL, ORIGIN, PASSWORD, SITE, Desk
from deskbell.model.account import Role
from deskbell.model.errors import Invalid, NotFound, Unauthenticated


@pytest.mark.parametrize("msp", ["", "A", "1a", "a-b", "a" * 33, "dé", "dd\n"])
async def test_bad_short_names(msp: str) -> None:
    """A site's short name is a letter and up to 31 letters or digits."""
    with pytest.raises(Invalid):
        await Desk().rooms.create_site(msp, "Desk")


async def test_site_is_made_once(desk: Desk) -> None:
    """Asking again answers the same site and writes nothing."""
    site = await desk.rooms.create_site("dd", "Other name")
    assert site.name == "Service desk"
    assert await desk.store.sites.ticket_lists(SITE) is not None
    assert [one.operation for one in await desk.audit()] == ["site.create"]


async def test_link_is_used_up_by_creating_only(desk: Desk) -> None:
    """Looking leaves it usable; creating the owner ends it."""
    token = await desk.rooms.setup_link(SITE)
    assert await desk.rooms.setup_info(token) is not None
    assert await desk.rooms.setup_info(token) is not None
    owner = await desk.rooms.create_owner(token, "Ana", "Ana@Desk.example", PASSWORD, ORIGIN)
    assert (owner.role, owner.email) == (Role.OWNER, "ana@desk.example")
    assert await desk.rooms.setup_info(token) is None
    with pytest.raises(NotFound):
        await desk.rooms.create_owner(token, "Eve", "eve@desk.example", PASSWORD, ORIGIN)


async def test_old_and_voided_links(desk: Desk) -> None:
    """A new link voids the old one; a day later it is void too; another token never was a link."""
    first = await desk.rooms.setup_link(SITE)
    second = await desk.rooms.setup_link(SITE)
    assert await desk.rooms.setup_info(first) is None
    assert await desk.rooms.setup_info(second) is not None
    assert await desk.rooms.setup_info("x" * 43) is None
    assert await desk.rooms.setup_info(await desk.rooms.client_link(SITE, "dd~c~1")) is None
    desk.clock.go(86_400)
    assert await desk.rooms.setup_info(second) is None


async def test_one_link_makes_one_owner(desk: Desk) -> None:
    """Two who use it at the same moment: one becomes the owner."""
    token = await desk.rooms.setup_link(SITE)
    tries = (
        desk.rooms.create_owner(token, "A", "a@desk.example", PASSWORD, ORIGIN),
        desk.rooms.create_owner(token, "B", "b@desk.example", PASSWORD, ORIGIN),
    )
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in found].count(NotFound) == 1
    assert len(await desk.rooms.users(SITE)) == 1


@pytest.mark.parametrize(
    ("name", "email", "password", "pointers"),
    [
        ("", "nobody", "short", {"/name", "/email", "/password"}),
        ("Ana", "a\x1bb@desk.example", PASSWORD, {"/email"}),
        ("Ana", "ana\u202e@desk.example", PASSWORD, {"/email"}),
        ("Ana", "\ud800@desk.example", PASSWORD, {"/email"}),
        ("Ana", "a@" + "b" * 300, PASSWORD, {"/email"}),
        ("Ana", EMAIL, "passwordpassword", {"/password"}),
        ("Ana", EMAIL, "Password1234", {"/password"}),
        ("Ana", EMAIL, EMAIL, {"/password"}),
        ("Ana", EMAIL, "SERVICE DESK", {"/password"}),
        ("Ana", EMAIL, "x" * 1_025, {"/password"}),
        ("Ana", EMAIL, "abababababab", {"/password"}),
    ],
)
async def test_refused_owners(desk: Desk, name: str, email: str, password: str, pointers: set[str]) -> None:
    """Every fault is named at once, and the link stays usable."""
    token = await desk.rooms.setup_link(SITE)
    with pytest.raises(Invalid) as caught:
        await desk.rooms.create_owner(token, name, email, password, ORIGIN)
    assert {one.pointer for one in caught.value.faults} == pointers
    assert await desk.rooms.setup_info(token) is not None


async def test_locked_out_owner(desk: Desk) -> None:
    """A fresh link gives the same user a new password and ends every login."""
    owner = await desk.owner()
    _, cookie = await desk.caller()
    token = await desk.rooms.setup_link(SITE)
    again = await desk.rooms.create_owner(token, "Ana R.", EMAIL, "another fine password", ORIGIN)
    assert (again.id, len(await desk.rooms.users(SITE))) == (owner.id, 1)
    assert await desk.rooms.caller_of_cookie(cookie) is None
    with pytest.raises(Unauthenticated):
        await desk.rooms.sign_in(EMAIL, PASSWORD, "192.0.2.7", "")
    await desk.rooms.sign_in(EMAIL, "another fine password", "192.0.2.7", "")


async def test_only_hashes_are_stored(desk: Desk) -> None:
    """Tokens, keys, passwords and cookies stand nowhere in the store, nor in the audit."""
    setup = await desk.rooms.setup_link(SITE)
    await desk.owner()
    _, cookie = await desk.caller()
    key = await desk.rooms.first_key(SITE)
    client = await desk.rooms.client_link(SITE, "dd~c~1")
    text = repr(await desk.audit())
    for rows in (
        await desk.store.accounts.users(SITE),
        await desk.store.accounts.keys(SITE),
        await desk.store.accounts.links(SITE, "setup"),
        await desk.store.accounts.links(SITE, "client"),
        [await desk.rooms.caller_of_cookie(cookie)],
    ):
        text += repr(rows)
    for secret in (setup, cookie, key, client, PASSWORD):
        assert secret
        assert secret not in text
        assert secret[-20:] not in text
