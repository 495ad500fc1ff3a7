"""Who calls: cookie or key, never both; and requests that a browser makes for somebody else."""

import pytest

from accounts.desk import ORIGIN
from deskbell.model.account import Role
from deskbell.model.errors import Throttled
from deskbell.server.csrf import check_origin, origin_of
from server.small import BASE_URL, COOKIE, Small, small_app

SAME = ("Sec-Fetch-Site", "same-origin")
OURS = ("Origin", BASE_URL)
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ([SAME, OURS], True, 200),
        ([OURS], True, 200),
        ([SAME], True, 200),
        ([], True, 403),
        ([SAME, ("Origin", "null")], True, 403),
        ([("Origin", "null")], True, 403),
        ([SAME, ("Origin", "https://evil.example")], True, 403),
        ([("Origin", "https://evil.example")], True, 403),
        ([("Origin", "http://desk.example")], True, 403),
        ([("Origin", "https://desk.example:8443")], True, 403),
        ([("Origin", "https://desk.example.evil.example")], True, 403),
        ([("Sec-Fetch-Site", "cross-site"), OURS], True, 403),
        ([("Sec-Fetch-Site", "same-site"), OURS], True, 403),
        ([("Sec-Fetch-Site", "none"), OURS], True, 403),
        ([SAME, OURS], False, 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_forged_requests(
    small: Small, method: str, headers: list[tuple[str, str]], token: bool, status: int
) -> None:
    """Sec-Fetch-Site, Origin and the login's token must all fit; then, and only then, something changes."""
    cookie, csrf = await small.signed_in()
    sent = [cookie, *headers, *([("deskbell-csrf", csrf)] if token else [])]
    answer = await small.ask(method, "/things", *sent)
    assert answer.status == status, answer.body
    if status == 403:
        assert answer.json["code"] == "csrf"


@pytest.mark.parametrize("given", ["", "x", "é", "x" * 43])
async def test_wrong_tokens(small: Small, given: str) -> None:
    """A token that is not this login's is as good as none; that of another login too."""
    cookie, _ = await small.signed_in()
    _, other = await small.signed_in()
    for token in (given, other):
        assert (await small.ask("POST", "/things", cookie, SAME, OURS, ("deskbell-csrf", token))).status == 403


async def test_token_in_the_form(small: Small) -> None:
    """Pages may send the token as a field; the API takes it from the header alone."""
    cookie, csrf = await small.signed_in()
    body = f"csrf={csrf}".encode()
    pages = Small(desk=small.desk, app=small_app(small.desk, is_page=True))
    assert (await pages.ask("POST", "/things", cookie, SAME, OURS, FORM, body=body)).status == 200
    assert (await pages.ask("POST", "/things", cookie, SAME, OURS, FORM, body=b"csrf=x")).status == 403
    assert (await pages.ask("POST", "/things", cookie, SAME, OURS, FORM, body=b"csrf=%ff")).status == 400
    assert (await small.ask("POST", "/things", cookie, SAME, OURS, FORM, body=body)).status == 403


async def test_reading_needs_no_token(small: Small) -> None:
    """GET and HEAD change nothing, so they are answered wherever they come from."""
    cookie, _ = await small.signed_in()
    for method in ("GET", "HEAD"):
        assert (await small.ask(method, "/things", cookie, ("Sec-Fetch-Site", "cross-site"))).status == 200


async def test_ended_logins(small: Small) -> None:
    """Idle, signed out, made up, or the cookie of the other scheme: not signed in."""
    cookie, csrf = await small.signed_in()
    for made_up in (f"{COOKIE}={'x' * 43}", f"deskbell={cookie[1].partition('=')[2]}", f"{COOKIE}=", "é=1; ; ="):
        assert (await small.ask("GET", "/things", ("Cookie", made_up))).status == 401
    small.desk.clock.go(31 * 60)
    assert (await small.ask("GET", "/things", cookie)).status == 401
    assert (await small.ask("POST", "/things", cookie, SAME, OURS, ("deskbell-csrf", csrf))).status == 401


async def test_one_credential_only(small: Small) -> None:
    """Cookie and Authorization together are refused, right or wrong; so are two Authorization headers."""
    cookie, _ = await small.signed_in()
    key = await small.key("webhooks:read")
    for headers in ((cookie, key), (cookie, ("Authorization", "Bearer x")), (key, key)):
        for path in ("/things", "/open"):
            assert (await small.ask("GET", path, *headers)).status == 400, headers


@pytest.mark.parametrize("value", ["Bearer a\x01b", "Bearer\tx", "Bearer a\x7f", "\x00", "Bearer x\r\nHost: y"])
async def test_control_characters(small: Small, value: str) -> None:
    """A control character in the credential is 400, not merely a wrong key."""
    answer = await small.ask("GET", "/things", ("Authorization", value))
    assert answer.status == 400
    assert answer.json["errors"][0]["code"] == "authorization"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "DdApi", "ddapi"])
async def test_schemes(small: Small, scheme: str) -> None:
    """The scheme in any case, and the older form."""
    _, value = await small.key("webhooks:read")
    answer = await small.ask("GET", "/things", ("Authorization", f"{scheme} {value.partition(' ')[2]}"))
    assert answer.status == 200


async def test_wrong_keys_get_one_body(small: Small) -> None:
    """Missing, malformed, unknown, changed, doubled, not ASCII, in the URL: 401, and the same body each time."""
    _, value = await small.key("webhooks:read")
    last = "a" if value[-1] != "a" else "b"
    wrong = ["", "Bearer", "Bearer null", "Basic YWRtaW46YWRtaW4=", value[:-1] + last, f"{value} {value[7:]}"]
    wrong += [value[7:], f"Bearer  {value[7:]}", value.replace("d", "ð"), "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA"]
    bodies = {(await small.ask("GET", "/things", ("Authorization", one))).body for one in wrong}
    bodies.add((await small.ask("GET", "/things")).body)
    bodies.add((await small.ask("GET", f"/things?api_key={value[7:]}")).body)
    bodies.add((await small.ask("GET", "/things", ("Cookie", f"{COOKIE}={value[7:]}"))).body)
    assert len(bodies) == 1
    assert b"/docs/problems/unauthenticated" in bodies.pop()


async def test_missing_permission_is_audited_once_a_minute(small: Small) -> None:
    """403 says what is missing; the audit tells it at once, and what followed with a count."""
    key = await small.key("webhooks:read")

    async def refused() -> list[str | None]:
        answer = await small.ask("POST", "/things", key)
        assert answer.status == 403
        assert "webhooks:write" in answer.json["detail"]
        return [one.reason for one in await small.desk.audit() if one.operation == "permission.refuse"]

    for _ in range(4):
        assert await refused() == [None]
    small.desk.clock.go(60)
    assert await refused() == [None, "4 times"]
    row = (await small.desk.audit())[-1]
    assert (row.object_id, row.actor.name, row.address) == ("webhooks:write", "k", "192.0.2.7")


async def test_role_decides(small: Small) -> None:
    """A viewer reads and changes nothing."""
    owner = (await small.desk.rooms.users("dd"))[0]
    cookie, csrf = await small.signed_in()
    await small.desk.change(owner, role=Role.VIEWER)
    assert (await small.ask("GET", "/things", cookie)).status == 200
    answer = await small.ask("POST", "/things", cookie, SAME, OURS, ("deskbell-csrf", csrf))
    assert answer.status == 403
    assert "code" not in answer.json


async def test_rate_of_a_key(small: Small) -> None:
    """A limited key is told when to come back, and is welcome then."""
    caller, _ = await small.desk.caller()
    _, text = await small.desk.rooms.make_key(caller, "slow", ["webhooks:read"], None, ORIGIN, rate_per_second=0.4)
    key = ("Authorization", f"Bearer {text}")
    assert (await small.ask("GET", "/things", key)).status == 200
    for _ in range(2):
        answer = await small.ask("GET", "/things", key)
        assert (answer.status, answer.header("retry-after")) == (Throttled.status, "3")
    small.desk.clock.go(3)
    assert (await small.ask("GET", "/things", key)).status == 200


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://Desk.example", "https://desk.example"),
        ("https://desk.example:443", "https://desk.example"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_origin_as_browsers_write_it(base_url: str, origin: str) -> None:
    """Lower case, without the port that goes without saying."""
    assert origin_of(base_url) == origin
    check_origin({"origin": origin}, base_url)
