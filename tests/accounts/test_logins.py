"""Signing in, staying in, being thrown out; and that guessing is slow."""

import asyncio

import pytest
from argon2 import PasswordHasher

from accounts.desk import EMAIL, ORIGIN, PASSWORD, SITE, Desk
from deskbell.accounts.throttle import Throttle
from deskbell.model.account import Permission, Role
from deskbell.model.errors import Invalid, NotFound, Throttled, Unauthenticated
from deskbell.rules.limits import Limits
from doubles import Clock

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"


async def wrong(desk: Desk, email: str = EMAIL, address: str = HOME) -> str:
    """A wrong password; answers the refusal's text."""
    with pytest.raises(Unauthenticated) as caught:
        await desk.rooms.sign_in(email, "not the password", address, "")
    return caught.value.detail


async def test_sign_in(desk: Desk) -> None:
    """The cookie stands for the user with the rights of their role; e-mail in any case."""
    owner = await desk.owner()
    login, token = await desk.rooms.sign_in("ANA@desk.example", PASSWORD, HOME, "Firefox")
    caller = await desk.rooms.caller_of_cookie(token)
    assert caller is not None
    assert (caller.id, caller.kind, caller.role, caller.site) == (owner.id, "person", Role.OWNER, SITE)
    assert caller.may(Permission.SITE_ADMIN)
    assert len(token) >= 43
    assert login.csrf != token
    assert (await desk.rooms.users(SITE))[0].last_login_at == desk.clock.now()


@pytest.mark.parametrize(
    "password", ["nul\0inside it all", "😀🔑 emoji are fine", " outer spaces count ", "half \ud800 a letter"]
)
async def test_passwords_are_taken_exactly(desk: Desk, password: str) -> None:
    """No trimming, no cutting, no changing."""
    token = await desk.rooms.setup_link(SITE)
    await desk.rooms.create_owner(token, "Ana", EMAIL, password, ORIGIN)
    await desk.rooms.sign_in(EMAIL, password, HOME, "")
    with pytest.raises(Unauthenticated):
        await desk.rooms.sign_in(EMAIL, password.strip()[:-1], HOME, "")


async def test_equal_answers(desk: Desk) -> None:
    """Unknown user, wrong password and no e-mail at all: one text, and audited once a minute with a count."""
    await desk.owner()
    texts = {await wrong(desk), await wrong(desk, "nobody@desk.example"), await wrong(desk, "nonsense")}
    assert len(texts) == 1
    desk.clock.go(61)
    await wrong(desk, "nobody@desk.example")
    refused = [one for one in await desk.audit() if one.operation == "login.refuse"]
    assert [one.actor.name for one in refused] == ["Ana Ruiz", "unknown user", "unknown user"]
    assert [one.reason for one in refused] == [None, None, "2 times"]
    assert all(one.address == HOME for one in refused)


async def test_equal_work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown user costs as many hashes as a known one."""
    await desk.owner()
    await wrong(desk, "warm@up.example")
    counted: list[str] = []
    verify = PasswordHasher.verify

    def counting(self: PasswordHasher, stored: str, password: bytes) -> bool:
        counted.append(stored)
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    await wrong(desk)
    known = len(counted)
    await wrong(desk, "nobody@desk.example")
    assert (known, len(counted)) == (1, 2)


async def test_too_long_to_hash(desk: Desk) -> None:
    """A huge password is refused before any hashing."""
    with pytest.raises(Invalid):
        await desk.rooms.sign_in(EMAIL, "x" * 100_000, HOME, "")


async def test_ten_wrong_from_one_address(desk: Desk) -> None:
    """Whoever it is about: then nobody signs in from there for a minute, elsewhere everybody does."""
    await desk.owner()
    for number in range(10):
        await wrong(desk, f"user{number}@desk.example")
    with pytest.raises(Throttled) as caught:
        await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
    assert caught.value.retry_after_s == 60
    await desk.rooms.sign_in(EMAIL, PASSWORD, ELSEWHERE, "")
    desk.clock.go(60)
    await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")


def test_waits_double_and_are_forgotten() -> None:
    """From 1 min to 15 min; after a quiet hour it starts again with 1 min."""
    clock = Clock()
    throttle = Throttle(clock, Limits())
    waits = []
    for quiet_s in (0, 0, 0, 0, 0, 3_700, 0):
        for number in range(10):
            throttle.enter(HOME, f"user{number}@desk.example")
            throttle.leave(HOME, f"user{number}@desk.example", right=False)
        with pytest.raises(Throttled) as caught:
            throttle.enter(HOME, EMAIL)
        waits.append(caught.value.retry_after_s)
        clock.go(caught.value.retry_after_s + quiet_s)
    assert waits == [60, 120, 240, 480, 900, 900, 60]


def test_a_flood_from_everywhere() -> None:
    """300 wrong in a minute over all: strange addresses wait, those with a right password of late do not."""
    clock = Clock()
    throttle = Throttle(clock, Limits())
    throttle.enter(HOME, EMAIL)
    throttle.leave(HOME, EMAIL, right=True)
    clock.go(29 * 86_400)
    for number in range(300):
        throttle.enter(f"10.0.{number // 250}.{number % 250}", f"user{number}@desk.example")
        throttle.leave(f"10.0.{number // 250}.{number % 250}", f"user{number}@desk.example", right=False)
        clock.go(0.1)
    with pytest.raises(Throttled) as caught:
        throttle.enter(ELSEWHERE, EMAIL)
    assert caught.value.retry_after_s == 60
    throttle.enter(HOME, EMAIL)
    clock.go(caught.value.retry_after_s)
    throttle.enter(ELSEWHERE, EMAIL)


def test_long_names_are_not_kept() -> None:
    """What is remembered of a user is no longer than an e-mail address can be."""
    throttle = Throttle(Clock(), Limits())
    throttle.enter(HOME, "x" * 1_000_000)
    assert all(len(name) < 400 for name in throttle._records)


def test_memory_is_bounded() -> None:
    """Names without end push out the oldest ones."""
    throttle = Throttle(Clock(), Limits())
    for number in range(12_000):
        throttle.enter(f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}", EMAIL)
    assert len(throttle._records) == 10_000


async def test_ten_wrong_for_one_user(desk: Desk) -> None:
    """Slowly guessing one user from one address is stopped too; the user comes in from elsewhere."""
    await desk.owner()
    for _ in range(10):
        await wrong(desk)
        desk.clock.go(61)
    desk.clock.go(-61)
    with pytest.raises(Throttled):
        await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
    await desk.rooms.sign_in(EMAIL, PASSWORD, ELSEWHERE, "")


async def test_a_right_password_forgives(desk: Desk) -> None:
    """Nine typing errors and then right: the count of the user starts again."""
    await desk.owner()
    for _ in range(2):
        for _ in range(9):
            await wrong(desk)
        await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
        desk.clock.go(61)


async def test_guessing_all_at_once(desk: Desk) -> None:
    """Fifty guesses at the same moment are no way around the count."""
    await desk.owner()
    tries = (desk.rooms.sign_in(EMAIL, f"guess number {number}", HOME, "") for number in range(50))
    found = [type(one) for one in await asyncio.gather(*tries, return_exceptions=True)]
    assert found.count(Unauthenticated) == 10
    assert found.count(Throttled) == 40


async def test_idle_and_oldest(desk: Desk) -> None:
    """Idle for more than 30 min ends a login; being active keeps it, but not beyond 12 h."""
    await desk.owner()
    _, idle = await desk.caller()
    desk.clock.go(1_801)
    assert await desk.rooms.caller_of_cookie(idle) is None
    _, busy = await desk.caller()
    for _ in range(43_200 // 1_200):
        desk.clock.go(1_200)
        assert await desk.rooms.caller_of_cookie(busy) is not None
    desk.clock.go(1)
    assert await desk.rooms.caller_of_cookie(busy) is None


async def test_seen_once_a_minute(desk: Desk) -> None:
    """A busy page writes its login at most once a minute, and never into the audit."""
    await desk.owner()
    caller, token = await desk.caller()
    rows = len(await desk.audit())
    started = desk.clock.now()

    async def seen_at() -> int:
        return (await desk.rooms.logins(caller))[0].seen_at

    desk.clock.go(59)
    await desk.rooms.caller_of_cookie(token)
    assert await seen_at() == started
    desk.clock.go(1)
    await desk.rooms.caller_of_cookie(token)
    assert await seen_at() == desk.clock.now()
    assert len(await desk.audit()) == rows


async def test_signed_out_stays_out(desk: Desk) -> None:
    """Not even a request of the same moment, which writes that the login was seen, brings it back."""
    await desk.owner()
    caller, token = await desk.caller()
    assert caller.login is not None
    desk.clock.go(120)
    await asyncio.gather(
        *(desk.rooms.caller_of_cookie(token) for _ in range(5)),
        desk.rooms.sign_out(caller.login),
        *(desk.rooms.caller_of_cookie(token) for _ in range(5)),
    )
    assert await desk.rooms.caller_of_cookie(token) is None
    with pytest.raises(Unauthenticated):
        await desk.rooms.confirm(caller.login, PASSWORD)
    assert await desk.rooms.caller_of_cookie(token) is None
    await desk.rooms.sign_out(caller.login)
    assert [one.operation for one in await desk.audit()].count("login.end") == 1


async def test_own_logins(desk: Desk) -> None:
    """A user lists and ends their own logins, nobody else's."""
    await desk.owner()
    await desk.owner("bo@desk.example")
    first, cookie = await desk.caller()
    second, _ = await desk.caller()
    other, _ = await desk.caller("bo@desk.example")
    assert first.login is not None
    assert len(await desk.rooms.logins(second)) == 2
    with pytest.raises(NotFound):
        await desk.rooms.end_logins(other, other.id, ORIGIN, only=first.login.id)
    await desk.rooms.end_logins(second, second.id, ORIGIN, only=first.login.id)
    assert await desk.rooms.caller_of_cookie(cookie) is None


async def test_confirm(desk: Desk) -> None:
    """The password given again counts for ten minutes; a wrong one is refused, audited and counted."""
    await desk.owner()
    caller, token = await desk.caller()
    assert caller.login is not None
    desk.clock.go(601)
    assert not desk.rooms.is_confirmed(caller.login)
    with pytest.raises(Unauthenticated):
        await desk.rooms.confirm(caller.login, "wrong one")
    confirmed = await desk.rooms.confirm(caller.login, PASSWORD)
    assert desk.rooms.is_confirmed(confirmed)
    found = await desk.rooms.caller_of_cookie(token)
    assert found is not None
    assert found.login is not None
    assert desk.rooms.is_confirmed(found.login)
    for _ in range(9):
        with pytest.raises(Unauthenticated):
            await desk.rooms.confirm(confirmed, "wrong one")
    with pytest.raises(Throttled):
        await desk.rooms.confirm(confirmed, PASSWORD)


async def test_roles_and_removal_act_at_once(desk: Desk) -> None:
    """Rights are those of the role now; a removed user is out."""
    owner = await desk.owner()
    _, token = await desk.caller()
    await desk.change(owner, role=Role.VIEWER)
    caller = await desk.rooms.caller_of_cookie(token)
    assert caller is not None
    assert not caller.may(Permission.WEBHOOKS_WRITE)
    await desk.change(owner, removed_at=desk.clock.now())
    assert await desk.rooms.caller_of_cookie(token) is None
    with pytest.raises(Unauthenticated):
        await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")


async def test_signing_in_twice_at_once(desk: Desk) -> None:
    """Two windows sign in at the same moment: both are in."""
    await desk.owner()
    found = await asyncio.gather(*(desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "") for _ in range(3)))
    assert len({token for _, token in found}) == 3


async def test_old_hash_is_made_anew(desk: Desk) -> None:
    """A hash with other numbers is replaced at the next login, and the password still fits."""
    owner = await desk.owner()
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    await desk.change(owner, password_hash=old)
    await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
    stored = (await desk.rooms.users(SITE))[0].password_hash
    assert stored is not None
    assert "m=32768,t=3,p=1" in stored
    await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")


async def test_same_address_at_two_sites(desk: Desk) -> None:
    """A person with users at two sites reaches each by its password."""
    await desk.owner()
    other = await desk.rooms.create_site("other", "Other desk")
    link = await desk.rooms.setup_link(other.site)
    await desk.rooms.create_owner(link, "Ana", EMAIL, "the password of the other", ORIGIN)
    login, _ = await desk.rooms.sign_in(EMAIL, "the password of the other", HOME, "")
    assert login.site == "other"
