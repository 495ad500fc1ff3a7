"""Sign-in at the receiver, in the form of a webhook: a choice with its fields, and a certificate."""

from collections.abc import Callable, Mapping
from typing import Any

from deskbell.model.credential import AuthKind
from deskbell.model.webhook import Webhook

NONE, KEEP = "none", "keep"
CHOICES = {
    NONE: "nothing but the URL and its headers",
    "basic": "user and password",
    "bearer": "a token",
    "oauth2": "OAuth 2.0: a token by client id and secret",
}
_MEMBERS: Mapping[str, dict[str, str]] = {
    AuthKind.BASIC: {"username": "auth_username", "password": "auth_password"},
    AuthKind.BEARER: {"token": "auth_token"},
    AuthKind.OAUTH2: {
        "tokenUrl": "auth_token_url", "clientId": "auth_client_id", "clientSecret": "auth_client_secret",
        "scope": "auth_scope", "audience": "auth_audience", "clientAuth": "auth_client_auth",
    },
}  # fmt: skip
"""Members of the API and the fields of the form, by kind."""

FIELD_OF_SIGN_IN = {
    "auth": "auth_kind",
    **{f"auth/{member}": name for names in _MEMBERS.values() for member, name in names.items()},
    "clientCertificate": "certificate",
    "clientCertificate/key": "certificate_key",
}
LABELS_OF_SIGN_IN = {
    "auth_kind": "Sign in with",
    "auth_username": "User",
    "auth_password": "Password",
    "auth_token": "Token",
    "auth_token_url": "Token URL",
    "auth_client_id": "Client id",
    "auth_client_secret": "Client secret",
    "auth_scope": "Scope",
    "auth_audience": "Audience",
    "auth_client_auth": "Id and secret stand in",
    "certificate": "Client certificate",
    "certificate_key": "Key of the certificate",
}
TEXTS_OF_SIGN_IN = tuple(LABELS_OF_SIGN_IN)
AS_TYPED = frozenset({"auth_password", "auth_client_secret"})
"""Fields whose outer spaces may be meant."""


def members_of_sign_in(text: Callable[[str], str]) -> dict[str, Any]:
    """The fields as members of the API; what is to stay as it is is left out."""
    found: dict[str, Any] = {}
    kind = text("auth_kind")
    if kind in _MEMBERS:
        given = {member: text(name) for member, name in _MEMBERS[kind].items()}
        found["auth"] = {"type": kind, **{member: value for member, value in given.items() if value}}
    elif kind != KEEP:
        found["auth"] = None
    if text("certificate") or text("certificate_key"):
        found["clientCertificate"] = {"certificate": text("certificate"), "key": text("certificate_key")}
    return found


def choices_of(webhook: Webhook | None) -> dict[str, str]:
    """What can be chosen; the first keeps what a webhook has."""
    if webhook is None or webhook.auth is None:
        return CHOICES
    who = webhook.auth.shown.get("username") or webhook.auth.shown.get("clientId")
    now = CHOICES[webhook.auth.kind] + (f" ({who})" if who else "")
    return {KEEP: f"as now: {now}", **CHOICES}


def texts_of_sign_in(webhook: Webhook) -> dict[str, str]:
    """The fields as a webhook's settings fill them."""
    if webhook.auth is None:
        return {"auth_kind": NONE}
    shown = webhook.auth.shown
    names = {"username": "auth_username", "clientId": "auth_client_id", "scope": "auth_scope",
             "audience": "auth_audience", "clientAuth": "auth_client_auth"}  # fmt: skip
    return {"auth_kind": KEEP, **{name: shown.get(member, "") for member, name in names.items()}}


def summary_of_sign_in(text: Callable[[str], str], webhook: Webhook | None) -> str:
    """What the fields say, for the closed part of the form."""
    kind = text("auth_kind")
    if kind == KEEP and webhook is not None and webhook.auth is not None:
        kind = webhook.auth.kind
    has_certificate = webhook is not None and webhook.client_certificate is not None
    return CHOICES.get(kind, CHOICES[NONE]) + (" · client certificate" if has_certificate else "")
