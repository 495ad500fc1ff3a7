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
    {Role.VIEWER: _VIEWER, Role.OPERATOR: _OPERATOR, Role.ADMIN: _ADMIN, Role.OWNER: _ADMIN}
)
"""An owner's further rights are about other owners and the installation; no route of this version has them."""

SCOPES: frozenset[Permission] = frozenset(Permission) - {Permission.OWN, Permission.PUBLIC}
"""What a key can be given: never a person's own matters."""


def key_permissions(scopes: tuple[Permission, ...], maker: Role | None) -> frozenset[Permission]:
    """A key does what its scopes name and its maker may do now; no role stands for the key that `init` made."""
    allowed = SCOPES if maker is None else ROLE_PERMISSIONS[maker]
    return frozenset(scopes) & SCOPES & allowed | {Permission.PUBLIC}
