"""API keys: form, scopes, expiry, revocation; and links of contacts."""

import asyncio
import re

import pytest

from accounts.desk import EVERYTHING, ORIGIN, SITE, Desk
from deskbell.model.account import Caller, Permission, Role
from deskbell.model.errors import Forbidden, Invalid, NotFound
from deskbell.rules.permissions import ROLE_PERMISSIONS, SCOPES, key_permissions

DAY_S = 86_400
FORM = re.compile(r"dbk_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}")


async def test_first_key(desk: Desk) -> None:
    """`init` prints a key once; it has every scope, as if an owner had made it."""
    text = await desk.rooms.first_key(SITE)
    assert text is not None
    assert FORM.fullmatch(text)
    assert await desk.rooms.first_key(SITE) is None
    caller = await desk.rooms.caller_of_key(text)
    assert caller is not None
    assert caller.permissions == SCOPES | {Permission.PUBLIC, Permission.SITE_OWNER}
    assert (caller.kind, caller.role) == ("key", Role.OWNER)
    assert not caller.may(Permission.OWN)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
        lambda key: key[:13] + "x" * 43,
        lambda key: "dbk_" + "x" * 8 + key[12:],
        lambda key: key + " " + key,
        lambda key: key.upper(),
        lambda key: key[:-1],
        lambda key: "",
        lambda key: "null",
        lambda key: key.replace("d", "ｄ", 1),
        lambda key: key[:4] + "_" * 52,
        lambda key: "A" * 100_000,
    ],
)
async def test_wrong_keys(desk: Desk, spoil) -> None:  # type: ignore[no-untyped-def]  # text to text
    """Whatever is wrong with it: nobody."""
    text = await desk.rooms.first_key(SITE)
    assert text is not None
    assert await desk.rooms.caller_of_key(spoil(text)) is None


async def test_make_and_revoke(desk: Desk) -> None:
    """A key does what its scopes name; once revoked, nothing, at once here and within 5 s elsewhere."""
    await desk.owner()
    caller, _ = await desk.caller()
    key, text = await desk.rooms.make_key(caller, "sync", ["events:write"], 30, ORIGIN)
    elsewhere = desk.process()
    found = await desk.rooms.caller_of_key(text)
    assert await elsewhere.caller_of_key(text) is not None
    assert found is not None
    assert found.permissions == {Permission.EVENTS_WRITE, Permission.PUBLIC}
    await desk.rooms.revoke_key(caller, key.id, ORIGIN)
    assert await desk.rooms.caller_of_key(text) is None
    desk.clock.go(5)
    assert await elsewhere.caller_of_key(text) is None
    await desk.rooms.revoke_key(caller, key.id, ORIGIN)
    told = [one for one in await desk.audit() if one.operation.startswith("key.")]
    assert [(one.operation, one.actor.name) for one in told] == [("key.create", "Ana Ruiz"), ("key.revoke", "Ana Ruiz")]
    with pytest.raises(NotFound):
        await desk.rooms.revoke_key(caller, "key_other", ORIGIN)


async def test_revoked_stays_revoked(desk: Desk) -> None:
    """A request of the same moment, which writes that the key was used, does not bring it back."""
    await desk.owner()
    caller, _ = await desk.caller()
    key, text = await desk.rooms.make_key(caller, "sync", ["events:write"], None, ORIGIN)
    await asyncio.gather(
        *(desk.process().caller_of_key(text) for _ in range(3)),
        desk.rooms.caller_of_key(text),
        desk.rooms.revoke_key(caller, key.id, ORIGIN),
        desk.rooms.caller_of_key(text),
    )
    assert await desk.rooms.caller_of_key(text) is None
    assert (await desk.rooms.keys(SITE))[0].revoked_at is not None


async def test_expiry(desk: Desk) -> None:
    """A key ends with its last day."""
    await desk.owner()
    caller, _ = await desk.caller()
    _, text = await desk.rooms.make_key(caller, "short", ["events:read"], 1, ORIGIN)
    desk.clock.go(DAY_S - 1)
    assert await desk.rooms.caller_of_key(text) is not None
    desk.clock.go(6)
    assert await desk.rooms.caller_of_key(text) is None


async def test_maker_decides_too(desk: Desk) -> None:
    """A key may never do more than its maker may now; with the maker removed it is nobody."""
    owner = await desk.owner()
    caller, _ = await desk.caller()
    _, text = await desk.rooms.make_key(caller, "k", ["webhooks:write", "webhooks:read"], None, ORIGIN)
    parent = await desk.rooms.caller_of_key(text)
    assert parent is not None
    _, child = await desk.rooms.make_key(parent, "child", ["webhooks:read"], None, ORIGIN)
    await desk.change(owner, role=Role.VIEWER)
    desk.clock.go(5)
    found = await desk.rooms.caller_of_key(text)
    assert found is not None
    assert found.permissions == {Permission.WEBHOOKS_READ, Permission.PUBLIC}
    await desk.change(owner, removed_at=desk.clock.now())
    desk.clock.go(5)
    assert await desk.rooms.caller_of_key(text) is None
    assert await desk.rooms.caller_of_key(child) is None


async def test_used_to_the_minute(desk: Desk) -> None:
    """Last use is kept once a minute at most."""
    text = await desk.rooms.first_key(SITE)
    assert text is not None
    await desk.rooms.caller_of_key(text)
    used = (await desk.rooms.keys(SITE))[0].last_used_at
    assert used == desk.clock.now()
    desk.clock.go(30)
    await desk.rooms.caller_of_key(text)
    assert (await desk.rooms.keys(SITE))[0].last_used_at == used
    desk.clock.go(30)
    await desk.rooms.caller_of_key(text)
    assert (await desk.rooms.keys(SITE))[0].last_used_at == desk.clock.now()


@pytest.mark.parametrize(
    ("name", "scopes", "days", "pointers"),
    [
        ("", ["events:read"], None, {"/name"}),
        ("k", [], None, {"/scopes"}),
        ("k", ["events:read", "everything"], None, {"/scopes/1"}),
        ("k", ["own"], None, {"/scopes/0"}),
        ("k", ["public"], None, {"/scopes/0"}),
        ("k", ["site:admin"], None, {"/scopes/0"}),
        ("k", ["events:read"], 0, {"/expiresDays"}),
        ("", ["x"], 9_999, {"/name", "/scopes/0", "/expiresDays"}),
    ],
)
async def test_refused_keys(desk: Desk, name: str, scopes: list[str], days: int | None, pointers: set[str]) -> None:
    """Every fault at once; nobody gives away what they do not have."""
    caller = Caller(
        site=SITE, kind="person", id="usr_1", name="O", permissions=ROLE_PERMISSIONS[Role.OPERATOR], role=Role.OPERATOR
    )
    with pytest.raises(Invalid) as caught:
        await desk.rooms.make_key(caller, name, scopes, days, ORIGIN)
    assert {one.pointer for one in caught.value.faults} == pointers
    assert await desk.rooms.keys(SITE) == ()


async def test_powerful_keys_need_a_fresh_password(desk: Desk) -> None:
    """Secrets and the site are given away only by somebody who just confirmed who they are."""
    await desk.owner()
    caller, _ = await desk.caller()
    await desk.rooms.make_key(caller, "k", ["site:admin"], None, ORIGIN)
    desk.clock.go(601)
    for scope in ("site:admin", "secrets:reveal"):
        with pytest.raises(Forbidden):
            await desk.rooms.make_key(caller, "k", [scope], None, ORIGIN)
    await desk.rooms.make_key(caller, "k", ["events:write"], None, ORIGIN)


async def test_other_sites_keys(desk: Desk) -> None:
    """A key of another site cannot be seen or revoked."""
    await desk.rooms.create_site("other", "Other")
    text = await desk.rooms.first_key(SITE)
    assert text is not None
    stranger = Caller(site="other", kind="person", id="usr_x", name="X", permissions=EVERYTHING)
    key = (await desk.rooms.keys(SITE))[0]
    with pytest.raises(NotFound):
        await desk.rooms.revoke_key(stranger, key.id, ORIGIN)
    assert await desk.rooms.keys("other") == ()
    assert await desk.rooms.caller_of_key(text) is not None


async def test_client_links(desk: Desk) -> None:
    """A contact's link stands for that contact for 30 days, and for nothing but the desk."""
    token = await desk.rooms.client_link(SITE, "dd~c~7")
    found = await desk.rooms.caller_of_client_link(token)
    assert found is not None
    caller, user_id = found
    assert (user_id, caller.site) == ("dd~c~7", SITE)
    assert caller.permissions == {Permission.DESK_READ, Permission.DESK_WRITE, Permission.PUBLIC}
    assert await desk.rooms.caller_of_client_link("x" * 43) is None
    assert await desk.rooms.caller_of_client_link(await desk.rooms.setup_link(SITE)) is None
    desk.clock.go(30 * DAY_S)
    assert await desk.rooms.caller_of_client_link(token) is None


async def test_client_links_can_be_ended(desk: Desk) -> None:
    """All links of one contact end at once, those of others go on."""
    tokens = [await desk.rooms.client_link(SITE, "dd~c~7") for _ in range(2)]
    other = await desk.rooms.client_link(SITE, "dd~c~8")
    assert await desk.rooms.end_client_links(SITE, "dd~c~7") == 2
    assert [await desk.rooms.caller_of_client_link(one) for one in tokens] == [None, None]
    assert await desk.rooms.caller_of_client_link(other) is not None


TABLE = {
    "webhooks:read": "voao", "events:read": "voao", "deliveries:replay": "-oao", "events:write": "-oao",
    "desk:read": "voao", "desk:write": "-oao", "webhooks:write": "--ao", "secrets:reveal": "--ao",
    "audit:read": "--ao", "site:admin": "--ao", "own": "voao", "site:owner": "---o",
}  # fmt: skip


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", TABLE)
def test_table_of_permissions(name: str, role: Role) -> None:
    """Each role has exactly the permissions of the contract; a key has them only if its maker has."""
    wanted = TABLE[name][list(Role).index(role)] != "-"
    permission = Permission(name)
    assert (permission in ROLE_PERMISSIONS[role]) is wanted
    assert (permission in key_permissions(tuple(Permission), role)) is (wanted and permission is not Permission.OWN)
    assert permission not in key_permissions((), role)
