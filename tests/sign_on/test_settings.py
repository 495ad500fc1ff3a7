"""What an owner says about a provider: checked, asked, sealed, told."""

from typing import Any

from running import Running
from sign_on.provider import CLIENT, SECRET, Provider
from sign_on.traveller import SITE, Traveller, set_up


async def test_life(bare: Running, provider: Provider) -> None:
    """Set up, read without its secret, changed without it, removed; each change is one row, and no row tells it."""
    assert (await bare.call("GET", "/site/sign-on")).status == 404
    made = await set_up(bare, provider.issuer)
    assert (made["clientSecret"], made["version"]) == ({"set": True}, 1)
    assert made["callbackUrl"] == f"http://127.0.0.1:{bare.port}/login/sso/callback"
    body = {
        "issuer": provider.issuer,
        "clientId": CLIENT,
        "label": "Other",
        "roleClaim": "g",
        "roles": {"a=b": "admin"},
    }
    assert (await bare.good("PUT", "/site/sign-on", body))["roles"] == {"a=b": "admin"}
    assert (await bare.good("PUT", "/site/sign-on", body))["version"] == 2
    assert (await bare.call("DELETE", "/site/sign-on")).status == 204
    assert (await bare.call("DELETE", "/site/sign-on")).status == 404
    assert (await Traveller(bare).get("/login/sso")).status == 400
    rows = [row.entry for row in await bare.house.rooms.store.audit.page(SITE, None, 3)]
    assert [one.operation for one in rows] == ["sso.delete", "sso.change", "sso.change"]
    assert SECRET not in repr(rows)


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"issuer": "http://127.0.0.1:9"}, "/issuer"),
    ({"issuer": "https://10.0.0.1"}, "/issuer"),
    ({"issuer": "https://user@127.0.0.1"}, "/issuer"),
    ({"issuer": "nonsense"}, "/issuer"),
    ({"issuer": "https://127.0.0.1:9/?a=b"}, "/issuer"),
    ({"clientId": ""}, "/clientId"),
    ({"clientSecret": None}, "/clientSecret"),
    ({"clientSecret": "a\nb"}, "/clientSecret"),
    ({"roleClaim": "groups"}, "/roles"),
    ({"roleClaim": "groups", "roles": {"bosses": "owner"}}, "/roles/bosses"),
)


async def test_refused(bare: Running, provider: Provider) -> None:
    """422 at the member; nobody was asked."""
    for members, pointer in WRONG:
        body = {"issuer": provider.issuer, "clientId": CLIENT, "clientSecret": SECRET, **members}
        answer = await bare.call("PUT", "/site/sign-on", body)
        assert (answer.status, [one["pointer"] for one in answer.json["errors"]]) == (422, [pointer]), members
    assert provider.fetched == []


DOCUMENTS: tuple[dict[str, Any], ...] = (
    {"issuer": "https://evil.example"},
    {"token_endpoint": "http://127.0.0.1:9/token"},
    {"jwks_uri": None},
    {"jwks_uri": "https://169.254.169.254/keys"},
    {"authorization_endpoint": "javascript:alert(1)"},
)


async def test_providers_that_do_not_do(bare: Running, provider: Provider) -> None:
    """A document of another issuer, without https, or that leads inside."""
    good = provider.document
    for members in DOCUMENTS:
        provider.document = {**good, **members}
        body = {"issuer": provider.issuer, "clientId": CLIENT, "clientSecret": "x"}
        answer = await bare.call("PUT", "/site/sign-on", body)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/issuer"), members
    assert (await bare.call("GET", "/site/sign-on")).status == 404
