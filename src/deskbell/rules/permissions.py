"""What each role may do. Scopes of API keys are the same words."""

from collections.abc import Mapping
from types import MappingProxyType

from deskbell.model.account import Permission, Role

_VIEWER = frozenset(
    {Permission.WEBHOOKS_READ, Permission.EVENTS_READ, Permission.DESK_READ, Permission.OWN, Permission.PUBLIC}
)
_OPERATOR = _VIEWER | {Permission.DELIVERIES_REPLAY, Permission.EVENTS_WRITE, Permission.DESK_WRITE}
_ADMIN = _OPERATOR | {
    Permission.WEBHOOKS_WRITE,
    Permission.SECRETS_REVEAL,
    Permission.AUDIT_READ,
    Permission.SITE_ADMIN,
}

ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {Role.VIEWER: _VIEWER, Role.OPERATOR: _OPERATOR, Role.ADMIN: _ADMIN, Role.OWNER: _ADMIN | {Permission.SITE_OWNER}}
)
"""The one place where portal, API, command line and tests look up what a role may do."""

SCOPES: frozenset[Permission] = frozenset(Permission) - {Permission.OWN, Permission.PUBLIC, Permission.SITE_OWNER}
"""What a key can be given: never a person's own matters, and an owner's only through their maker."""


def key_permissions(scopes: tuple[Permission, ...], maker: Role | None) -> frozenset[Permission]:
    """A key does what its scopes name and its maker may do now; no role stands for the key that `init` made."""
    allowed = ROLE_PERMISSIONS[maker or Role.OWNER]
    granted = frozenset(scopes) & SCOPES & allowed
    owned = {Permission.SITE_OWNER} & allowed if Permission.SITE_ADMIN in granted else frozenset[Permission]()
    return granted | owned | {Permission.PUBLIC}


def may_manage(caller: Role | None, role: Role) -> bool:
    """Whether somebody of the caller's role may make, change or remove users of this role: owners only by owners."""
    if caller is None or Permission.SITE_ADMIN not in ROLE_PERMISSIONS[caller]:
        return False
    return role is not Role.OWNER or Permission.SITE_OWNER in ROLE_PERMISSIONS[caller]


def sees_payloads(role: Role | None) -> bool:
    """Whether payloads, responses and captures are shown as they are; a viewer sees them masked."""
    return role is not None and Permission.DELIVERIES_REPLAY in ROLE_PERMISSIONS[role]
