"""Single sign-on against a provider of ours: the whole way, and everything that must not get in."""

import base64
import hmac
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from deskbell.model.account import Identity, Role
from deskbell.model.changes import Replace, Unit
from running import Running
from sign_on.provider import EC, ED, OTHER, RSA, Provider, piece, signed
from sign_on.traveller import SITE, Traveller, account, invited, set_up

Make = Callable[[dict[str, Any]], str]


async def operations(desk: Running) -> list[tuple[str, str | None]]:
    """The last rows of the audit."""
    rows = await desk.house.rooms.store.audit.page(SITE, None, 5)
    return [(row.entry.operation, row.entry.reason) for row in rows]


async def test_first_and_second_time(desk: Running, provider: Provider) -> None:
    """Invited by address the first time, known by subject ever after, whatever the address is then."""
    ana = await invited(desk)
    answer = await Traveller(desk).sign_in(provider)
    assert (answer.status, answer.headers["location"]) == (303, "/deliveries")
    assert (await operations(desk))[0] == ("login.create", "linked to the provider")
    linked = await account(desk, ana.id)
    assert linked.identity == Identity(issuer=provider.issuer, subject="sub-ana")
    again = Traveller(desk)
    answer = await again.sign_in(provider, email="new@desk.example", email_verified=False)
    assert answer.status == 303
    assert (await operations(desk))[0] == ("login.create", None)
    assert "Ana Ruiz" in (await again.get("/webhook")).body.decode()
    assert again.asked["code_challenge_method"] == "S256"
    assert provider.asked[0]["redirect_uri"] == f"http://127.0.0.1:{desk.port}/login/sso/callback"


async def test_button(desk: Running) -> None:
    """The sign-in page offers it by its name."""
    page = (await Traveller(desk).get("/login?return_to=/events")).body.decode()
    assert 'href="/login/sso?return_to=/events"' in page
    assert "Sign in with Northwind" in page


STRANGERS: tuple[dict[str, Any], ...] = (
    {"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email": None},
    {"email": "stranger@desk.example"}, {"email": ["ana@desk.example"]},
)  # fmt: skip


async def test_who_was_not_invited(desk: Running, provider: Provider) -> None:
    """403, and nobody is linked; the address must be verified."""
    ana = await invited(desk)
    for claims in STRANGERS:
        assert (await Traveller(desk).sign_in(provider, **claims)).status == 403, claims
        assert (await account(desk, ana.id)).identity is None
        assert (await operations(desk))[0][0] == "login.refuse"


async def test_whom_an_address_does_not_link(desk: Running, provider: Provider) -> None:
    """Somebody with a password, somebody who is somebody else there, and somebody who was removed."""
    now = desk.house.rooms.clock.now()
    people = [
        await invited(desk, "a@desk.example", Role.ADMIN),
        await invited(desk, "b@desk.example", identity=Identity(issuer=provider.issuer, subject="sub-b")),
        await invited(desk, "c@desk.example", removed_at=now),
    ]
    with_password = replace(people[0], password_hash="x", version=2)
    await desk.house.rooms.store.commit(Unit(changes=(Replace(row=with_password),)))
    for one in people:
        assert (await Traveller(desk).sign_in(provider, email=one.email, sub="sub-mallory")).status == 403


def by_hand(header: dict[str, Any], key: bytes | None) -> Make:
    """A token of a made-up form, signed with an HMAC or not at all."""

    def make(claims: dict[str, Any]) -> str:
        text = f"{piece(header)}.{piece(claims)}"
        mac = hmac.digest(key, text.encode(), "sha256") if key else b""
        return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    return make


BAD: dict[str, Make] = {
    "alg none": by_hand({"alg": "none"}, None),
    "alg None": by_hand({"alg": "None", "kid": "one"}, None),
    "HS256 with the public key": by_hand({"alg": "HS256", "kid": "one"}, RSA.as_pem(private=False)),
    "HS256 with the client secret": by_hand({"alg": "HS256"}, b"a secret: of the/provider"),
    "another key": lambda claims: signed(claims, key=OTHER),
    "kid is a path": lambda claims: signed(claims, key=OTHER, kid="../../dev/null"),
    "kid is not known": lambda claims: signed(claims, key=OTHER, kid="nine"),
    "jku": lambda claims: signed(claims, key=OTHER, jku="https://127.0.0.1:1/keys"),
    "x5u": lambda claims: signed(claims, key=OTHER, x5u="https://127.0.0.1:1/c.pem"),
    "jwk inside": lambda claims: signed(claims, key=OTHER, jwk=OTHER.as_dict(private=False)),
    "RS512": lambda claims: signed(claims, alg="RS512"),
    "cut": lambda claims: signed(claims)[:-8],
    "no token": lambda _: "a.b.c",
    "empty": lambda _: "",
    "iss twin": lambda claims: signed({**claims, "iss": claims["iss"] + "/"}),
    "iss missing": lambda claims: signed({k: v for k, v in claims.items() if k != "iss"}),
    "aud of another": lambda claims: signed({**claims, "aud": "another"}),
    "aud of two, party of another": lambda claims: signed({**claims, "aud": ["deskbell", "x"], "azp": "x"}),
    "aud of two, no party": lambda claims: signed({**claims, "aud": ["deskbell", "x"]}),
    "expired": lambda claims: signed({**claims, "exp": int(time.time()) - 120}),
    "no exp": lambda claims: signed({k: v for k, v in claims.items() if k != "exp"}),
    "exp is a text": lambda claims: signed({**claims, "exp": str(claims["exp"])}),
    "iat 10 min ahead": lambda claims: signed({**claims, "iat": int(time.time()) + 600}),
    "nbf ahead": lambda claims: signed({**claims, "nbf": int(time.time()) + 600}),
    "no sub": lambda claims: signed({k: v for k, v in claims.items() if k != "sub"}),
    "sub too long": lambda claims: signed({**claims, "sub": "s" * 300}),
}


async def test_bad_tokens(desk: Running, provider: Provider) -> None:
    """401, whatever it says; nothing that a token names is fetched."""
    await invited(desk)
    for name, make in BAD.items():
        traveller = Traveller(desk)
        await traveller.go(provider)
        claims = traveller.claims(provider)
        provider.token = lambda make=make, claims=claims: make(claims)  # type: ignore[misc]
        answer = await traveller.back()
        assert answer.status == 401, name
        assert "deskbell=" not in answer.headers.get("set-cookie", "").replace("deskbell-sso", ""), name
        assert (await operations(desk))[0][0] == "login.refuse", name
    assert set(provider.fetched) <= {"/.well-known/openid-configuration", "/keys"}


GOOD: tuple[Make, ...] = (
    lambda claims: signed(claims, key=EC, alg="ES256"),
    lambda claims: signed(claims, key=ED, alg="EdDSA"),
    lambda claims: signed({**claims, "exp": int(time.time()) - 1}),
    lambda claims: signed({**claims, "aud": ["deskbell", "x"], "azp": "deskbell"}),
    lambda claims: signed({**claims, "iat": int(time.time()) + 30, "nbf": int(time.time()) + 30}),
)


async def test_good_tokens(desk: Running, provider: Provider) -> None:
    """The other algorithms, and a minute's leeway."""
    await invited(desk)
    for make in GOOD:
        traveller = Traveller(desk)
        await traveller.go(provider)
        claims = traveller.claims(provider)
        provider.token = lambda make=make, claims=claims: make(claims)  # type: ignore[misc]
        assert (await traveller.back()).status == 303


async def test_new_keys_are_fetched(desk: Running, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that changed its keys is asked again, once."""
    monkeypatch.setattr("deskbell.accounts.sign_on_provider.KEYS_AGAIN_S", 0.0)
    await invited(desk)
    provider.keys = [OTHER.as_dict(private=False)]
    traveller = Traveller(desk)
    await traveller.go(provider)
    provider.token = lambda: signed(traveller.claims(provider), key=OTHER)
    assert (await traveller.back()).status == 303


async def test_state_nonce_and_code(desk: Running, provider: Provider) -> None:
    """400: another browser's state, none, a second use, another login's nonce, a code that the provider refuses."""
    await invited(desk)
    mine, other = Traveller(desk), Traveller(desk)
    await other.go(provider)
    await mine.go(provider)
    provider.token = lambda: signed(mine.claims(provider))
    assert (await mine.back(state=other.asked["state"])).status == 400
    assert (await mine.back(state="")).status == 400
    assert (await Traveller(desk, asked=mine.asked).back()).status == 400  # no cookie
    kept = Traveller(desk, cookies={**mine.cookies, "deskbell-sso": mine.cookies["deskbell-sso"][:-4] + "AAAA"})
    assert (await kept.back(state=mine.asked["state"])).status == 400
    assert (await mine.back(iss="https://evil.example")).status == 400
    assert (await mine.back()).status == 303
    assert (await mine.back()).status == 400  # used
    assert len(provider.asked) == 1
    for more, error in (({"nonce": other.asked["nonce"]}, None), ({"nonce": None}, None), ({}, "invalid_grant")):
        again = Traveller(desk)
        await again.go(provider)
        provider.error = error
        provider.token = lambda again=again, more=more: signed(again.claims(provider, **more))  # type: ignore[misc]
        assert (await again.back()).status == 400
    denied = Traveller(desk)
    await denied.go(provider)
    assert (await denied.back(code="", error="access_denied")).status == 400


RETURNS = (
    ("/deliveries?state=held", "/deliveries?state=held"), ("/\\evil.example", "/"), ("//evil.example", "/"),
    ("javascript:alert(1)", "/"), ("https://evil.example/", "/"), ("", "/"),
)  # fmt: skip


async def test_return_to(desk: Running, provider: Provider) -> None:
    """Only our own paths."""
    await invited(desk)
    for given, found in RETURNS:
        traveller = Traveller(desk)
        await traveller.go(provider, f"/login/sso?return_to={quote(given, safe='')}")
        claims = traveller.claims(provider)
        provider.token = lambda claims=claims: signed(claims)  # type: ignore[misc]
        assert (await traveller.back()).headers["location"] == found


async def test_roles_by_a_claim(desk: Running, provider: Provider) -> None:
    """The strongest value counts at each sign-in; owners stay owners; no value leaves the role."""
    await set_up(desk, provider.issuer, roleClaim="groups", roles={"admins": "admin", "helpers": "operator"})
    ana = await invited(desk)
    boss = await invited(desk, "boss@desk.example", Role.OWNER)
    for groups, role in ((["helpers", "admins"], Role.ADMIN), ("helpers", Role.OPERATOR), (["x"], Role.OPERATOR)):
        assert (await Traveller(desk).sign_in(provider, groups=groups)).status == 303
        assert (await account(desk, ana.id)).role is role
    await Traveller(desk).sign_in(provider, email=boss.email, sub="sub-boss", groups=["helpers"])
    assert (await account(desk, boss.id)).role is Role.OWNER


async def test_showing_again_who_you_are(desk: Running, provider: Provider) -> None:
    """A fresh `auth_time` of the same person counts like a password; an old one, or another person, does not."""
    await invited(desk, role=Role.ADMIN)
    now = int(time.time())
    hook = await desk.webhook("https://example.com/abc")
    traveller = Traveller(desk)
    await traveller.sign_in(provider, auth_time=now - 1200)
    for more, status in (
        ({"auth_time": now - 1200}, 403), ({"auth_time": None}, 403),
        ({"auth_time": now + 5, "sub": "sub-other"}, 403), ({"auth_time": now + 5}, 303),
    ):  # fmt: skip
        assert (await traveller.get(f"/api/v1/webhooks/{hook['id']}/secret")).status == 403
        await traveller.go(provider, "/login/sso?again=true&return_to=/keys/new")
        assert (traveller.asked["prompt"], traveller.asked["max_age"]) == ("login", "0")
        provider.token = lambda more=more: signed(traveller.claims(provider, **more))  # type: ignore[misc]
        assert (await traveller.back()).status == status
    assert (await traveller.get(f"/api/v1/webhooks/{hook['id']}/secret")).status == 200
    assert (await operations(desk))[1][0] == "login.confirm"
