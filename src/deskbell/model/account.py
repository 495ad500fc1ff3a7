"""Who may do what: users, logins, API keys, personal links, and the permissions."""

from dataclasses import dataclass
from enum import StrEnum

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant


class Permission(StrEnum):
    """security.md 7.1; scopes of API keys are the same words."""

    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    SECRETS_REVEAL = "secrets:reveal"
    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    DELIVERIES_REPLAY = "deliveries:replay"
    DESK_READ = "desk:read"
    DESK_WRITE = "desk:write"
    AUDIT_READ = "audit:read"
    SITE_ADMIN = "site:admin"
    SITE_OWNER = "site:owner"  # `site:admin` by an owner: no scope of its own, a key has it by its maker
    OWN = "own"  # own password and logins; no key can
    PUBLIC = "public"  # no login: sign-in, set-up links, schemas, health


class Role(StrEnum):
    """Roles of users, weakest first."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    OWNER = "owner"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who somebody is at a provider of single sign-on."""

    issuer: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class SecondFactor:
    """Codes of an authenticator app, asked for after the password."""

    sealed: bytes  # the app's secret, encrypted
    since: Instant
    last_step: int  # the newest time step whose code was taken: each code counts once
    recovery: tuple[str, ...]  # hashes of the recovery codes that are left


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user: a person who can sign in to the portal. (`User` is the desk's word.)"""

    site: SiteId
    id: str  # usr_…
    email: str  # lower case
    name: str
    role: Role
    password_hash: str | None
    created_at: Instant
    removed_at: Instant | None = None
    last_login_at: Instant | None = None
    identity: Identity | None = None  # who they are at the site's provider
    second_factor: SecondFactor | None = None
    enrolling: bytes | None = None  # an app's secret, encrypted, whose first code is awaited
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Login:
    """A person's login in the portal; the cookie's value is stored as SHA-256 only."""

    site: SiteId
    id: str  # lgn_…
    user_id: str
    token_hash: str
    csrf: str
    created_at: Instant
    seen_at: Instant
    confirmed_at: Instant  # last time the password was given
    address: str
    agent: str = ""  # user-agent, for the list of logins
    ended_at: Instant | None = None
    waits_for: str = ""  # "code" or "enrolment": the password was right and more is asked; "" once signed in


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """An API key; only the SHA-256 of the whole text is stored."""

    site: SiteId
    id: str  # key_…
    lookup: str  # the 8 characters after dbk_
    token_hash: str
    name: str
    scopes: tuple[Permission, ...]
    created_at: Instant
    created_by: str
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    last_used_at: Instant | None = None
    rate_per_second: float | None = None
    sources: tuple[str, ...] = ()  # networks from which it may be used; none: from everywhere


class LinkKind(StrEnum):
    """What a personal link opens."""

    SETUP = "setup"
    CLIENT = "client"  # a contact's desk page


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link that is itself the credential; its token is stored as SHA-256 only."""

    site: SiteId
    id: str  # lnk_…
    kind: LinkKind
    token_hash: str
    subject: str  # of a set-up link the user who chooses a password, "" for the owner; else the contact's userId
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None = None
    voided_at: Instant | None = None


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who makes the present request, and what they may do."""

    site: SiteId
    kind: str  # person, key, link
    id: str
    name: str
    permissions: frozenset[Permission]
    role: Role | None = None
    login: Login | None = None
    rate_per_second: float | None = None
    sources: tuple[str, ...] = ()  # of a key

    def may(self, permission: Permission) -> bool:
        """Whether this caller has the permission."""
        return permission in self.permissions
