"""Single sign-on: a site's provider, and who somebody is there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deskbell.model.account import Role
from deskbell.model.ids import SiteId

SIGN_ON_ID = "oidc"
"""A site has one provider."""


@dataclass(frozen=True, kw_only=True)
class SignOn:
    """An OpenID Connect provider that a site's users sign in with."""

    site: SiteId
    id: str = SIGN_ON_ID
    issuer: str  # https://…, exactly as its tokens name it
    client_id: str
    client_secret: bytes  # sealed
    label: str  # on the button: Sign in with …
    role_claim: str = ""  # the claim that decides about the role; empty: roles are given in Deskbell
    roles: Mapping[str, Role] = field(default_factory=dict)  # value of the claim to role; never owner
    version: int = 1
