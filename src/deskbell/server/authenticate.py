"""Login cookie or API key to Caller; one or the other, never both, never from a URL."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from deskbell.accounts import Accounts
from deskbell.model.account import Caller, Permission
from deskbell.model.audit import Origin
from deskbell.model.errors import FaultAt, Forbidden, Unauthenticated, Unreadable
from deskbell.rules.key_sources import may_come_from
from deskbell.server.cookies import read_login
from deskbell.server.csrf import check_origin, check_token

SAFE_METHODS = frozenset({"GET", "HEAD"})
NEEDS = {Permission.SITE_OWNER: "Only an owner can do this."}


@dataclass(frozen=True, kw_only=True)
class Authenticator:
    """Finds out who makes a request."""

    accounts: Accounts
    base_url: str

    async def caller(self, request: Request, form_token: str | None) -> Caller | None:
        """The caller, or None without a credential. Raises for bad credentials and forged requests."""
        header = authorization(request)
        cookie = read_login(request, self.base_url)
        if header is not None and cookie is not None:
            raise Unreadable("Send either the login cookie or `Authorization`, not both.")
        if header is not None:
            address = request.client.host if request.client else ""
            return await self.by_key(header, address)
        if cookie is None:
            return None
        caller = await self.accounts.caller_of_cookie(cookie)
        if caller is not None and request.method not in SAFE_METHODS and caller.login is not None:
            check_origin(request.headers, self.base_url)
            check_token(request.headers.get("deskbell-csrf") or form_token, caller.login.csrf)
        return caller

    async def permitted(self, caller: Caller | None, needed: Sequence[Permission], origin: Origin) -> Caller:
        """The caller when they have these permissions. Raises Unauthenticated, or Forbidden, which is audited."""
        if caller is None:
            raise Unauthenticated
        for permission in needed:
            if not caller.may(permission):
                await self.accounts.note_refusal(caller, permission.value, origin)
                raise Forbidden(NEEDS.get(permission, f"This needs the permission {permission}."))
        return caller

    async def by_key(self, header: str, address: str) -> Caller:
        """The caller of an Authorization header; one answer for every kind of wrong key, also from a wrong place."""
        scheme, _, text = header.partition(" ")
        caller = None
        if scheme.lower() in ("bearer", "ddapi") and text.isascii():
            caller = await self.accounts.caller_of_key(text)
        if caller is None or not may_come_from(caller.sources, address):
            raise Unauthenticated
        return caller


def authorization(request: Request) -> str | None:
    """The one Authorization header; two of them, or a control character in it, are refused."""
    values = request.headers.getlist("authorization")
    if not values:
        return None
    if len(values) > 1 or any(ord(letter) < 32 or ord(letter) == 127 for letter in values[0]):
        raise Unreadable(
            "Send one `Authorization` header without control characters.",
            faults=(FaultAt(pointer="", code="authorization", detail="Ambiguous or malformed."),),
        )
    return values[0]
