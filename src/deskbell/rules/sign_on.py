"""Single sign-on: what is asked of a provider, and what its answers mean here."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from deskbell.model.account import Role
from deskbell.model.errors import FaultAt
from deskbell.model.sign_on import SignOn
from deskbell.rules.limits import Limits
from deskbell.rules.text import check_line
from deskbell.rules.urls import UrlPolicy, UrlRefused, parse_receiver_url

WELL_KNOWN = "/.well-known/openid-configuration"
CALLBACK = "/login/sso/callback"
SCOPE = "openid email profile"
ROLES_MAX = 50
GIVEN_ROLES = (Role.ADMIN, Role.OPERATOR, Role.VIEWER)
"""Roles that a claim can give, strongest first: owners are made by owners."""

_CLAIM_CHARS_MAX = 200


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What the provider's own document says."""

    authorize_url: str
    token_url: str
    keys_url: str
    takes_basic: bool  # whether the client secret may come as Basic


class ProviderRefused(Exception):
    """The provider's document cannot be used; the text says why."""


def provider_of(document: Mapping[str, Any], issuer: str) -> Provider:
    """The addresses. Raises ProviderRefused: of another issuer, or not https."""
    if document.get("issuer") != issuer:
        raise ProviderRefused(
            f"Its document says that it is {document.get('issuer')!r}: use exactly that as the issuer."
        )
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    found = [document.get(name) for name in names]
    for name, url in zip(names, found, strict=True):
        if (
            not isinstance(url, str)
            or not url.startswith("https://")
            or not url.isascii()
            or any(c <= " " for c in url)
        ):
            raise ProviderRefused(f"Its document names no https address as {name}.")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Provider(
        authorize_url=str(found[0]),
        token_url=str(found[1]),
        keys_url=str(found[2]),
        takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
    )


def challenge(verifier: str) -> str:
    """PKCE S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def authorize_address(
    provider: Provider, settings: SignOn, *, base_url: str, state: str, nonce: str, verifier: str, again: bool
) -> str:
    """Where the browser goes; `again`: the person has to show anew who they are."""
    asked = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": base_url + CALLBACK,
        "scope": SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if again else {}),
    }
    return f"{provider.authorize_url}{'&' if '?' in provider.authorize_url else '?'}{urlencode(asked)}"


def token_request(
    provider: Provider, settings: SignOn, secret: str, *, base_url: str, code: str, verifier: str
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Headers and body that change the code into tokens."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": base_url + CALLBACK,
        "code_verifier": verifier,
    }
    headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
    if provider.takes_basic:
        pair = f"{quote(settings.client_id, safe='')}:{quote(secret, safe='')}"
        headers.append(("authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    else:
        form |= {"client_id": settings.client_id, "client_secret": secret}
    body = urlencode(form).encode()
    return (*headers, ("content-length", str(len(body)))), body


def role_of(settings: SignOn, claims: Mapping[str, Any]) -> Role | None:
    """The strongest role that the claims give; None when they give none."""
    if not settings.role_claim:
        return None
    value = claims.get(settings.role_claim)
    values = value if isinstance(value, list) else [value]
    found = {settings.roles[one] for one in values if isinstance(one, str) and one in settings.roles}
    return next((role for role in GIVEN_ROLES if role in found), None)


def verified_email(claims: Mapping[str, Any]) -> str | None:
    """The address, when the provider says that it is the person's own."""
    email = claims.get("email")
    return email.lower() if isinstance(email, str) and claims.get("email_verified") is True else None


def check_settings(
    *, site: str, issuer: str, client_id: str, label: str, role_claim: str, roles: Mapping[str, str], policy: UrlPolicy,
    limits: Limits,
) -> tuple[FaultAt, ...]:  # fmt: skip
    """Everything that is wrong with what an owner typed."""
    faults = [
        issuer_fault(issuer, site, policy, limits),
        check_line(client_id, "/clientId", limits),
        check_line(label, "/label", limits),
        check_line(role_claim, "/roleClaim", limits) if role_claim else None,
    ]
    if role_claim and not roles:
        faults.append(FaultAt(pointer="/roles", code="missing", detail="Say which value gives which role."))
    if len(roles) > ROLES_MAX:
        faults.append(FaultAt(pointer="/roles", code="range", detail=f"At most {ROLES_MAX} values."))
    for value, role in roles.items():
        if role not in GIVEN_ROLES or not 1 <= len(value) <= _CLAIM_CHARS_MAX:
            detail = "Use admin, operator or viewer. Owners are made by owners."
            faults.append(FaultAt(pointer=f"/roles/{value}", code="role", detail=detail))
    return tuple(fault for fault in faults if fault is not None)


def issuer_fault(issuer: str, site: str, policy: UrlPolicy, limits: Limits) -> FaultAt | None:
    """The grammar of receivers' addresses, and https without a query; it is compared letter by letter."""
    found = parse_receiver_url(issuer, policy, site=site, allowed_receivers=(), limits=limits)
    if isinstance(found, UrlRefused):
        return FaultAt(pointer="/issuer", code=found.code, detail=found.detail)
    if not issuer.startswith("https://") or "?" in issuer:
        return FaultAt(pointer="/issuer", code="url_scheme", detail="The issuer is an https address without a query.")
    return None
