"""Users: invited, given roles, removed; and what each of it ends."""

import asyncio

import pytest

from accounts.desk import EMAIL, ORIGIN, PASSWORD, SITE, Desk
from deskbell.accounts.users import Invitation
from deskbell.model.account import Account, Caller, Permission, Role
from deskbell.model.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated

ANOTHER = "another fine password"


async def joined(desk: Desk, by: Caller, email: str, role: str) -> tuple[Account, Caller, str]:
    """Somebody who was invited, joined and signed in."""
    made = await desk.rooms.invite(by, email, "", role, ORIGIN)
    user = await desk.rooms.join(made.token, email.partition("@")[0], PASSWORD, ORIGIN)
    caller, cookie = await desk.caller(email)
    return user, caller, cookie


async def owner(desk: Desk) -> Caller:
    """The first owner, signed in."""
    await desk.owner()
    return (await desk.caller())[0]


async def test_invited_and_joined(desk: Desk) -> None:
    """A link for one use and 24 h makes the password; until then nobody signs in, and looking uses nothing up."""
    ana = await owner(desk)
    made = await desk.rooms.invite(ana, "Bo@desk.example", "Bo Ek", "operator", ORIGIN)
    assert (made.user.email, made.is_reset) == ("bo@desk.example", False)
    with pytest.raises(Unauthenticated):
        await desk.rooms.sign_in("bo@desk.example", PASSWORD, "192.0.2.7", "")
    for _ in range(2):
        opened = await desk.rooms.opened(made.token)
        assert opened is not None
        assert opened.kind == "invitation"
    with pytest.raises(NotFound):
        await desk.rooms.create_owner(made.token, "Bo", "bo@desk.example", PASSWORD, ORIGIN)
    with pytest.raises(Invalid):
        await desk.rooms.join(made.token, "Bo", "bo@desk.example", ORIGIN)
    await desk.rooms.join(made.token, "", PASSWORD, ORIGIN)
    caller, _ = await desk.caller("bo@desk.example")
    assert (caller.role, caller.name) == (Role.OPERATOR, "Bo Ek")
    with pytest.raises(NotFound):
        await desk.rooms.join(made.token, "Bo", ANOTHER, ORIGIN)
    assert [one.operation for one in await desk.audit()][-2:] == ["user.join", "login.create"]


async def test_links_end(desk: Desk) -> None:
    """A new one voids the old; a day later it is over; of a removed user it opens nothing."""
    ana = await owner(desk)
    first = await desk.rooms.invite(ana, "bo@desk.example", "", "viewer", ORIGIN)
    second = await desk.rooms.user_link(ana, first.user.id, ORIGIN)
    assert await desk.rooms.opened(first.token) is None
    await desk.rooms.setup_link(SITE)
    assert await desk.rooms.opened(second.token) is not None
    desk.clock.go(86_400)
    assert await desk.rooms.opened(second.token) is None
    third = await desk.rooms.user_link(ana, first.user.id, ORIGIN)
    await desk.rooms.remove_user(ana, first.user.id, None, ORIGIN)
    assert await desk.rooms.opened(third.token) is None


async def test_used_twice_at_once(desk: Desk) -> None:
    """Of two who use a link at the same moment one comes in."""
    ana = await owner(desk)
    made = await desk.rooms.invite(ana, "bo@desk.example", "", "viewer", ORIGIN)
    found = await asyncio.gather(
        *(desk.rooms.join(made.token, "Bo", f"{PASSWORD} {n}", ORIGIN) for n in range(3)), return_exceptions=True
    )
    assert sum(isinstance(one, NotFound) for one in found) == 2


async def test_a_password_reset_ends_logins(desk: Desk) -> None:
    """The old password goes on until the link is used; then it and every login are over."""
    ana = await owner(desk)
    user, _, cookie = await joined(desk, ana, "bo@desk.example", "admin")
    made = await desk.rooms.user_link(ana, user.id, ORIGIN)
    assert made.is_reset
    assert await desk.rooms.caller_of_cookie(cookie) is not None
    await desk.rooms.join(made.token, "", ANOTHER, ORIGIN)
    assert await desk.rooms.caller_of_cookie(cookie) is None
    with pytest.raises(Unauthenticated):
        await desk.rooms.sign_in("bo@desk.example", PASSWORD, "192.0.2.7", "")
    await desk.rooms.sign_in("bo@desk.example", ANOTHER, "192.0.2.7", "")


async def test_roles(desk: Desk) -> None:
    """Another role: signed out everywhere, and keys do no more than it allows, at once."""
    ana = await owner(desk)
    user, caller, cookie = await joined(desk, ana, "bo@desk.example", "admin")
    _, text = await desk.rooms.make_key(caller, "k", ["webhooks:write", "webhooks:read"], None, ORIGIN)
    assert await desk.rooms.caller_of_key(text) is not None
    for _ in range(2):
        await desk.rooms.change_role(ana, user.id, "viewer", ORIGIN)
    assert await desk.rooms.caller_of_cookie(cookie) is None
    assert not await desk.rooms.still_may(caller, Permission.EVENTS_READ)
    found = await desk.rooms.caller_of_key(text)
    assert found is not None
    assert not found.may(Permission.WEBHOOKS_WRITE)
    rows = [one for one in await desk.audit() if one.operation == "user.role"]
    assert [(one.before, one.after) for one in rows] == [('{"role": "admin"}', '{"role": "viewer"}')]
    with pytest.raises(Invalid):
        await desk.rooms.change_role(ana, user.id, "king", ORIGIN)


async def test_nobody_changes_themselves(desk: Desk) -> None:
    """Neither by login nor by a key of their own."""
    ana = await owner(desk)
    _, text = await desk.rooms.make_key(ana, "k", ["site:admin"], None, ORIGIN)
    key = await desk.rooms.caller_of_key(text)
    assert key is not None
    for caller in (ana, key):
        with pytest.raises(Forbidden):
            await desk.rooms.change_role(caller, ana.id, "admin", ORIGIN)
        with pytest.raises(Forbidden):
            await desk.rooms.remove_user(caller, ana.id, None, ORIGIN)
        for step in (desk.rooms.user_link, desk.rooms.reset_second_factor):
            with pytest.raises(Conflict):
                await step(caller, ana.id, ORIGIN)


async def test_admins_manage_up_to_admin(desk: Desk) -> None:
    """Owners are made, changed, removed and helped by owners alone; also not through keys."""
    ana = await owner(desk)
    _, bo, _ = await joined(desk, ana, "bo@desk.example", "admin")
    cy, _, _ = await joined(desk, bo, "cy@desk.example", "operator")
    _, text = await desk.rooms.make_key(bo, "k", ["site:admin"], None, ORIGIN)
    key = await desk.rooms.caller_of_key(text)
    assert key is not None
    for caller in (bo, key):
        for refused in (
            desk.rooms.invite(caller, "di@desk.example", "", "owner", ORIGIN),
            desk.rooms.change_role(caller, cy.id, "owner", ORIGIN),
            desk.rooms.change_role(caller, ana.id, "viewer", ORIGIN),
            desk.rooms.remove_user(caller, ana.id, None, ORIGIN),
            desk.rooms.user_link(caller, ana.id, ORIGIN),
            desk.rooms.reset_second_factor(caller, ana.id, ORIGIN),
            desk.rooms.managed(caller, ana.id),
        ):
            with pytest.raises(Forbidden):
                await refused
        await desk.rooms.change_role(caller, cy.id, "viewer", ORIGIN)
    await desk.rooms.change_role(ana, cy.id, "owner", ORIGIN)


async def test_the_last_owner_stays(desk: Desk) -> None:
    """Two owners who demote each other at the same moment: one stays. An invited owner is none yet."""
    ana = await owner(desk)
    _, bo, _ = await joined(desk, ana, "bo@desk.example", "owner")
    found = await asyncio.gather(
        desk.process().change_role(ana, bo.id, "admin", ORIGIN),
        desk.process().remove_user(bo, ana.id, None, ORIGIN),
        return_exceptions=True,
    )
    assert [isinstance(one, Conflict) for one in found].count(True) == 1
    users = [one for one in await desk.rooms.users(SITE) if one.role is Role.OWNER]
    assert len(users) == 1
    last = users[0]
    await desk.rooms.invite(ana if last.id == ana.id else bo, "di@desk.example", "", "owner", ORIGIN)
    other = Caller(site=SITE, kind="person", id="usr_x", name="X", permissions=ana.permissions, role=Role.OWNER)
    for refused in (
        desk.rooms.change_role(other, last.id, "admin", ORIGIN),
        desk.rooms.remove_user(other, last.id, None, ORIGIN),
    ):
        with pytest.raises(Conflict, match="last owner"):
            await refused


@pytest.mark.parametrize("handed", [False, True])
async def test_removed(desk: Desk, handed: bool) -> None:
    """Nothing of theirs goes on but the keys that were handed over; the address is free again; twice is once."""
    ana = await owner(desk)
    user, caller, cookie = await joined(desk, ana, "bo@desk.example", "admin")
    _, text = await desk.rooms.make_key(caller, "sync", ["events:read"], None, ORIGIN)
    await desk.rooms.caller_of_key(text)
    assert [one.name for one in await desk.rooms.keys_of(SITE, user.id)] == ["sync"]
    for _ in range(2):
        await desk.rooms.remove_user(ana, user.id, ana.id if handed else None, ORIGIN)
    assert await desk.rooms.caller_of_cookie(cookie) is None
    assert (await desk.rooms.caller_of_key(text) is not None) is handed
    assert (await desk.rooms.keys(SITE))[0].created_by == (ana.id if handed else user.id)
    with pytest.raises(Unauthenticated):
        await desk.rooms.sign_in("bo@desk.example", PASSWORD, "192.0.2.7", "")
    assert [one.operation for one in await desk.audit()].count("user.remove") == 1
    assert (await desk.rooms.invite(ana, "bo@desk.example", "", "viewer", ORIGIN)).user.id != user.id
    with pytest.raises(NotFound):
        await desk.rooms.remove_user(ana, "usr_nobody", None, ORIGIN)


async def test_keys_go_to_nobody_stronger(desk: Desk) -> None:
    """An admin who removes somebody cannot give their keys an owner's rights."""
    ana = await owner(desk)
    _, bo, _ = await joined(desk, ana, "bo@desk.example", "admin")
    cy, _, _ = await joined(desk, ana, "cy@desk.example", "admin")
    for heir in (ana.id, cy.id, "usr_nobody"):
        with pytest.raises(Invalid):
            await desk.rooms.remove_user(bo, cy.id, heir, ORIGIN)
    await desk.rooms.remove_user(bo, cy.id, bo.id, ORIGIN)


@pytest.mark.parametrize(
    ("email", "name", "role"), [("nonsense", "", "viewer"), ("bo@x.example", "a\u202eb", "viewer"), ("b@x.y", "", "")]
)
async def test_bad_invitations(desk: Desk, email: str, name: str, role: str) -> None:
    """Refused with the place, and nobody is made."""
    ana = await owner(desk)
    with pytest.raises(Invalid):
        await desk.rooms.invite(ana, email, name, role, ORIGIN)
    assert len(await desk.rooms.users(SITE)) == 1


async def test_invited_twice(desk: Desk) -> None:
    """The second one is told that they are a user already; at the same moment too."""
    ana = await owner(desk)
    tries = (desk.rooms.invite(ana, "bo@desk.example", "", "viewer", ORIGIN) for _ in range(3))
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Invitation) for one in found) == 1
    with pytest.raises(Conflict):
        await desk.rooms.invite(ana, EMAIL, "", "viewer", ORIGIN)


async def test_own_password(desk: Desk) -> None:
    """Other logins end, this one goes on under a new value; only soon after the password was given."""
    ana = await owner(desk)
    _, other = await desk.caller()
    token = await desk.rooms.change_password(ana, ANOTHER, ORIGIN)
    assert await desk.rooms.caller_of_cookie(other) is None
    caller = await desk.rooms.caller_of_cookie(token)
    assert caller is not None
    assert caller.login is not None
    assert ana.login is not None
    assert (caller.login.id, caller.login.csrf != ana.login.csrf) == (ana.login.id, True)
    with pytest.raises(Invalid):
        await desk.rooms.change_password(caller, "service desk", ORIGIN)
    desk.clock.go(601)
    with pytest.raises(Forbidden):
        await desk.rooms.change_password(caller, "yet another password", ORIGIN)


async def test_logins_of_others(desk: Desk) -> None:
    """Admins end one login of a user, or all of them."""
    ana = await owner(desk)
    user, first, cookie = await joined(desk, ana, "bo@desk.example", "viewer")
    _, second = await desk.caller("bo@desk.example")
    assert first.login is not None
    assert len(await desk.rooms.living_logins(SITE, user.id)) == 2
    assert await desk.rooms.end_logins(ana, user.id, ORIGIN, only=first.login.id) == 1
    assert await desk.rooms.caller_of_cookie(cookie) is None
    assert await desk.rooms.end_logins(ana, user.id, ORIGIN) == 1
    assert await desk.rooms.end_logins(ana, user.id, ORIGIN) == 0
    assert await desk.rooms.caller_of_cookie(second) is None
    with pytest.raises(NotFound):
        await desk.rooms.end_logins(ana, user.id, ORIGIN, only="lgn_other")
