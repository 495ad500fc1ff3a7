"""A browser on its way to a provider and back, and a desk that offers it."""

import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from deskbell.model.account import Account, Role
from deskbell.model.changes import Insert, Refused, Unit
from deskbell.model.ids import SiteId
from running import Answer, Running
from sign_on.provider import CLIENT, SECRET, Provider, signed

SITE = SiteId("desk")


@dataclass
class Traveller:
    """Cookies, and what the provider was asked for."""

    desk: Running
    cookies: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> Answer:
        """A GET with this browser's cookies."""
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return await self.desk.call("GET", path, headers={"Cookie": sent} if sent else {}, key="")

    def keep(self, set_cookie: str) -> None:
        """Cookies of an answer; one with no value goes."""
        for name, morsel in SimpleCookie(set_cookie).items():
            self.cookies[name] = morsel.value
            if not morsel.value:
                del self.cookies[name]

    async def go(self, provider: Provider | None, path: str = "/login/sso?return_to=/deliveries") -> Answer:
        """To the provider."""
        answer = await self.get(path)
        if answer.status == 303:
            self.keep(answer.headers["set-cookie"])
            asked = parse_qs(urlsplit(answer.headers["location"]).query)
            self.asked = {name: values[0] for name, values in asked.items()}
            if provider is not None:
                provider.challenge = self.asked["code_challenge"]
        return answer

    async def back(self, **answer: str) -> Answer:
        """From the provider."""
        given = {"code": "a code", "state": self.asked.get("state", ""), **answer}
        return await self.get(f"/login/sso/callback?{urlencode({k: v for k, v in given.items() if v})}")

    def claims(self, provider: Provider, **more: Any) -> dict[str, Any]:
        """What a good token says; None leaves a member out."""
        now = int(time.time())
        said = {
            "iss": provider.issuer, "aud": CLIENT, "sub": "sub-ana", "nonce": self.asked["nonce"], "iat": now,
            "exp": now + 300, "email": "Ana@desk.example", "email_verified": True, **more,
        }  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    async def sign_in(self, provider: Provider, **more: Any) -> Answer:
        """There and back with a good token."""
        await self.go(provider)
        provider.token = lambda: signed(self.claims(provider, **more))
        answer = await self.back()
        if "set-cookie" in answer.headers:
            self.keep(answer.headers["set-cookie"])
        return answer


async def invited(desk: Running, email: str = "ana@desk.example", role: Role = Role.VIEWER, **more: Any) -> Account:
    """Somebody who was invited and has no password."""
    account = Account(
        site=SITE, id=f"usr_{email}", email=email, name="Ana Ruiz", role=role, password_hash=None,
        created_at=desk.house.rooms.clock.now(), **more,
    )  # fmt: skip
    verdict = await desk.house.rooms.store.commit(Unit(changes=(Insert(row=account),)))
    assert not isinstance(verdict, Refused)
    return account


async def set_up(desk: Running, issuer: str, secret: str = SECRET, **more: Any) -> Any:
    """Offer a provider."""
    body = {"issuer": issuer, "clientId": CLIENT, "clientSecret": secret, "label": "Northwind", **more}
    return await desk.good("PUT", "/site/sign-on", body)


async def account(desk: Running, user_id: str) -> Account:
    """A user as they are now."""
    return next(one for one in await desk.house.rooms.store.accounts.users(SITE) if one.id == user_id)
