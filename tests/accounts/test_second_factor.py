"""Second factors: enrolled, asked for, replaced by recovery codes; and guessing them is slow."""

import asyncio

import pytest

from accounts.desk import EMAIL, ORIGIN, PASSWORD, SITE, Desk
from deskbell.accounts.throttle import Throttle
from deskbell.model.account import Account, Caller
from deskbell.model.errors import Conflict, Forbidden, Invalid, Throttled, Unauthenticated
from deskbell.model.instant import to_seconds
from deskbell.rules.limits import Limits
from deskbell.rules.second_factor import code_at, recovery_hash, step_of, totp_secret
from doubles import Clock

HOME = "192.0.2.7"
SECRET = totp_secret(b"12345678901234567890")


@pytest.mark.parametrize(("at", "code"), [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")])
def test_codes_of_the_standard(at: int, code: str) -> None:
    """The values of RFC 6238, their last six digits."""
    assert code_at(SECRET, at) == code
    assert step_of(SECRET, f"{code[:3]} {code[3:]}", at, 0) == at // 30


@pytest.mark.parametrize(("late_s", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_one_step_each_way(late_s: int, good: bool) -> None:
    """Clocks may differ by one step, no more."""
    assert (step_of(SECRET, code_at(SECRET, 3_000), 3_000 + late_s, 0) is not None) is good


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345"])
def test_no_codes(code: str) -> None:
    """What is no code is never right; nor is it a recovery code."""
    assert step_of(SECRET, code, 59, 0) is None
    assert recovery_hash(code) is None


async def enrolled(desk: Desk) -> tuple[Account, str, tuple[str, ...]]:
    """An owner with a second factor: the account, the app's secret, the recovery codes."""
    account = await desk.owner()
    begun = await desk.rooms.begin_enrolment(account, ORIGIN)
    codes = await desk.rooms.enrol(account, now_code(desk, begun.secret), ORIGIN)
    desk.clock.go(60)
    return account, begun.secret, codes


def now_code(desk: Desk, secret: str) -> str:
    """What the app shows now."""
    return code_at(secret, to_seconds(desk.clock.now()))


async def signed_in(desk: Desk, code: str) -> Caller:
    """Through both steps."""
    _, half = await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
    _, token = await desk.rooms.give_code(half, code, ORIGIN)
    caller = await desk.rooms.caller_of_cookie(token)
    assert caller is not None
    return caller


async def test_both_steps(desk: Desk) -> None:
    """The password alone opens nothing; the code gives a new cookie value, and the old one is worth nothing."""
    _, secret, _ = await enrolled(desk)
    login, half = await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "Firefox")
    assert login.waits_for == "code"
    assert await desk.rooms.caller_of_cookie(half) is None
    _, token = await desk.rooms.give_code(half, now_code(desk, secret), ORIGIN)
    assert token != half
    assert await desk.rooms.caller_of_cookie(half) is None
    assert await desk.rooms.waiting(half) is None
    caller = await desk.rooms.caller_of_cookie(token)
    assert caller is not None
    assert caller.login is not None
    assert caller.login.csrf != login.csrf
    assert [one.operation for one in await desk.audit()][-2:] == ["login.begin", "login.create"]


async def test_each_code_once(desk: Desk) -> None:
    """Not again, not at the same moment, and not an older one after a newer one."""
    _, secret, _ = await enrolled(desk)
    code = now_code(desk, secret)
    halves = [(await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, ""))[1] for _ in range(3)]
    found = await asyncio.gather(*(desk.rooms.give_code(half, code, ORIGIN) for half in halves), return_exceptions=True)
    assert sum(isinstance(one, Unauthenticated) for one in found) == 2
    desk.clock.go(30)
    before = code_at(secret, to_seconds(desk.clock.now()) - 30)
    assert before == code
    with pytest.raises(Unauthenticated):
        await signed_in(desk, before)
    await signed_in(desk, now_code(desk, secret))


async def test_recovery_codes(desk: Desk) -> None:
    """Ten of 80 bits, each once, however they are typed; new ones void the old."""
    account, _, codes = await enrolled(desk)
    assert len({*codes}) == 10
    await signed_in(desk, codes[0].upper().replace("-", " "))
    assert (await desk.audit())[-1].reason == "recovery code, 9 left"
    with pytest.raises(Unauthenticated):
        await signed_in(desk, codes[0])
    fresh = await desk.rooms.new_recovery_codes(account, ORIGIN)
    with pytest.raises(Unauthenticated):
        await signed_in(desk, codes[1])
    await signed_in(desk, fresh[9])
    stored = (await desk.rooms.users(SITE))[0]
    assert not any(code.encode() in repr(stored).encode() for code in fresh)


async def test_the_secret_is_sealed(desk: Desk) -> None:
    """Nothing that is stored or told holds it."""
    _, secret, _ = await enrolled(desk)
    text = repr(await desk.rooms.users(SITE)) + repr(await desk.audit())
    assert secret not in text


async def test_half_a_login_ends(desk: Desk) -> None:
    """Ten minutes after the password the code is worth nothing; signing out elsewhere ends it too."""
    account, secret, _ = await enrolled(desk)
    _, half = await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
    desk.clock.go(601)
    with pytest.raises(Unauthenticated):
        await desk.rooms.give_code(half, now_code(desk, secret), ORIGIN)
    _, half = await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
    token = await desk.rooms.setup_link(SITE)
    await desk.rooms.create_owner(token, account.name, EMAIL, "a new one altogether", ORIGIN)
    with pytest.raises(Unauthenticated):
        await desk.rooms.give_code(half, now_code(desk, secret), ORIGIN)


async def test_wrong_codes_are_counted(desk: Desk) -> None:
    """Ten wrong ones: wait; the right password in between forgives nothing."""
    _, secret, _ = await enrolled(desk)
    for _ in range(10):
        _, half = await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
        with pytest.raises(Unauthenticated):
            await desk.rooms.give_code(half, "000000", ORIGIN)
        desk.clock.go(61)
    desk.clock.go(-61)
    with pytest.raises(Throttled) as caught:
        await desk.rooms.give_code(half, now_code(desk, secret), ORIGIN)
    assert caught.value.retry_after_s == 60
    desk.clock.go(60)
    await signed_in(desk, now_code(desk, secret))
    assert [one.reason for one in await desk.audit() if one.operation == "login.refuse"] == ["second factor"] * 10


async def test_confirming_takes_both(desk: Desk) -> None:
    """Password and code; a code that was used does not count again."""
    _, secret, _ = await enrolled(desk)
    caller = await signed_in(desk, now_code(desk, secret))
    assert caller.login is not None
    desk.clock.go(700)
    for password, code in ((PASSWORD, ""), ("wrong", now_code(desk, secret)), (PASSWORD, "000000")):
        with pytest.raises(Unauthenticated):
            await desk.rooms.confirm(caller.login, password, code)
    desk.clock.go(30)
    assert desk.rooms.is_confirmed(await desk.rooms.confirm(caller.login, PASSWORD, now_code(desk, secret)))
    with pytest.raises(Unauthenticated):
        await desk.rooms.confirm(caller.login, PASSWORD, now_code(desk, secret))


async def test_enrolling(desk: Desk) -> None:
    """In force with the first code, not before; begun again, the older secret is worth nothing."""
    account = await desk.owner()
    with pytest.raises(Conflict):
        await desk.rooms.enrol(account, "000000", ORIGIN)
    first = await desk.rooms.begin_enrolment(account, ORIGIN)
    second = await desk.rooms.begin_enrolment(account, ORIGIN)
    assert await desk.rooms.enrolment(account) == second
    for code in ("000000", now_code(desk, first.secret)):
        with pytest.raises(Invalid):
            await desk.rooms.enrol(account, code, ORIGIN)
    assert (await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, ""))[0].waits_for == ""
    await desk.rooms.enrol(account, now_code(desk, second.secret), ORIGIN)
    assert await desk.rooms.enrolment(account) is None
    assert second.uri.startswith("otpauth://totp/")
    await desk.rooms.remove_second_factor(account, ORIGIN)
    assert (await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, ""))[0].waits_for == ""


async def test_required_of_all(desk: Desk) -> None:
    """Whoever has none sets one up before they come in; then they cannot turn it off."""
    account = await desk.owner()
    ana, _ = await desk.caller()
    for _ in range(2):
        await desk.rooms.require_second_factor(ana, True, ORIGIN)
    login, half = await desk.rooms.sign_in(EMAIL, PASSWORD, HOME, "")
    assert login.waits_for == "enrolment"
    assert await desk.rooms.caller_of_cookie(half) is None
    with pytest.raises(Unauthenticated):
        await desk.rooms.give_code(half, "000000", ORIGIN)
    begun = await desk.rooms.begin_enrolment(account, ORIGIN)
    codes, token = await desk.rooms.enrol_to_sign_in(half, now_code(desk, begun.secret), ORIGIN)
    assert len(codes) == 10
    assert await desk.rooms.caller_of_cookie(token) is not None
    assert await desk.rooms.waiting(half) is None
    with pytest.raises(Forbidden):
        await desk.rooms.remove_second_factor(account, ORIGIN)
    assert [one.operation for one in await desk.audit()].count("site.second_factor") == 1


async def test_reset_by_an_admin(desk: Desk) -> None:
    """The password is enough again; logins end; it is audited. The Operator's link resets it too."""
    account, _, _ = await enrolled(desk)
    await desk.owner("bo@desk.example")
    bo, _ = await desk.caller("bo@desk.example")
    for _ in range(2):
        await desk.rooms.reset_second_factor(bo, account.id, ORIGIN)
    await desk.caller()
    assert [one.operation for one in await desk.audit()].count("second_factor.reset") == 1
    begun = await desk.rooms.begin_enrolment(account, ORIGIN)
    await desk.rooms.enrol(account, now_code(desk, begun.secret), ORIGIN)
    await desk.owner()
    await desk.caller()


async def test_an_own_cookie_value(desk: Desk) -> None:
    """After the second factor was set up the login goes on under a new value."""
    await desk.owner()
    ana, old = await desk.caller()
    fresh = await desk.rooms.renew(ana, ORIGIN)
    assert await desk.rooms.caller_of_cookie(old) is None
    assert await desk.rooms.caller_of_cookie(fresh) is not None
    with pytest.raises(Forbidden):
        await desk.rooms.renew(ana, ORIGIN)


async def test_a_flood_knows_who_was_here(desk: Desk) -> None:
    """After a restart, addresses with a login of the last 30 days still come in during a flood."""
    await desk.owner()
    await desk.caller()
    rooms = desk.process()
    throttle = rooms._throttle
    for number in range(300):
        address = f"10.0.{number // 250}.{number % 250}"
        throttle.enter(address, EMAIL)
        throttle.leave(address, EMAIL, right=False)
    with pytest.raises(Throttled):
        await rooms.sign_in(EMAIL, PASSWORD, "198.51.100.9", "")
    await rooms.sign_in(EMAIL, PASSWORD, HOME, "")


def test_addresses_are_learned_once_a_minute() -> None:
    """Not read anew for every guess of a flood."""
    clock = Clock()
    throttle = Throttle(clock, Limits())
    assert not throttle.wants_addresses()
    for number in range(150):
        throttle.enter(f"10.0.0.{number}", EMAIL)
        throttle.leave(f"10.0.0.{number}", EMAIL, right=False)
    assert [throttle.wants_addresses() for _ in range(3)] == [True, False, False]
