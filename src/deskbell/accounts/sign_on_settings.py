"""A site's provider: kept by its owners, with the client secret sealed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from deskbell.accounts.keys import actor_of
from deskbell.accounts.office import Office
from deskbell.accounts.sign_on_provider import Providers
from deskbell.model.account import Caller, Role
from deskbell.model.audit import Origin
from deskbell.model.changes import DeleteRow, Insert, Replace
from deskbell.model.errors import FaultAt, Invalid, NotFound
from deskbell.model.ids import SiteId
from deskbell.model.sign_on import SIGN_ON_ID, SignOn
from deskbell.rules.id_tokens import is_available
from deskbell.rules.sealed_fields import CLIENT_SECRET_FIELD
from deskbell.rules.sealing import NONCE_BYTES, Keyring, aad_field
from deskbell.rules.sign_on import ProviderRefused, check_settings
from deskbell.rules.urls import UrlPolicy

SECRET_CHARS_MAX = 4_096


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What an owner says about the provider."""

    issuer: str
    client_id: str
    client_secret: str | None  # None: as it is
    label: str = "single sign-on"
    role_claim: str = ""
    roles: Mapping[str, str]


class SignOnSettings(Office):
    """Read, write, remove."""

    _keyring: Keyring
    _providers: Providers
    _policy: UrlPolicy

    async def settings(self, site: SiteId) -> SignOn | None:
        """The site's provider."""
        return await self._store.sites.sign_on(site)

    async def offered(self) -> tuple[SignOn, ...]:
        """Every site's provider, while the library for it is installed."""
        return await self._store.sites.sign_ons() if is_available() else ()

    async def save(self, caller: Caller, typed: Typed, origin: Origin) -> SignOn:
        """Check what was typed, and that the provider answers; then keep it. Raises Invalid."""
        before = await self.settings(caller.site)
        self._check(caller.site, typed, before)
        secret = typed.client_secret
        sealed = (
            before.client_secret if secret is None and before is not None else self._seal(caller.site, secret or "")
        )
        after = SignOn(
            site=caller.site,
            issuer=typed.issuer,
            client_id=typed.client_id,
            client_secret=sealed,
            label=typed.label,
            role_claim=typed.role_claim,
            roles={value: Role(role) for value, role in typed.roles.items()},
            version=1 if before is None else before.version + 1,
        )
        try:
            await self._providers.keys(after, await self._providers.provider(after, fresh=True))
        except ProviderRefused as fault:
            detail = str(fault)
            raise Invalid(detail, faults=(FaultAt(pointer="/issuer", code="provider", detail=detail),)) from None
        if before is not None and replace(after, version=before.version) == before:
            return before
        await self._write(
            caller.site,
            (Insert(row=after) if before is None else Replace(row=after),),
            "sso.change",
            SIGN_ON_ID,
            actor=actor_of(caller),
            origin=origin,
            before=None if before is None else told_of(before),
            after=told_of(after),
        )
        return after

    async def remove(self, caller: Caller, origin: Origin) -> None:
        """Nobody signs in with it any more; who was linked stays linked for when it comes back."""
        before = await self.settings(caller.site)
        if before is None:
            raise NotFound("No single sign-on is set up.")
        gone = DeleteRow(site=caller.site, kind="signon", key=(SIGN_ON_ID,))
        told = told_of(before)
        await self._write(
            caller.site, (gone,), "sso.delete", SIGN_ON_ID, actor=actor_of(caller), origin=origin, before=told
        )

    def _check(self, site: SiteId, typed: Typed, before: SignOn | None) -> None:
        faults = check_settings(
            site=site,
            issuer=typed.issuer,
            client_id=typed.client_id,
            label=typed.label,
            role_claim=typed.role_claim,
            roles=typed.roles,
            policy=self._policy,
            limits=self._limits,
        )
        secret = typed.client_secret
        moved = before is not None and before.issuer != typed.issuer
        if secret is None and (before is None or moved):
            words = "Give the client secret" + (" of the new provider." if moved else ".")
            faults += (FaultAt(pointer="/clientSecret", code="missing", detail=words),)
        if secret is not None and not (1 <= len(secret) <= SECRET_CHARS_MAX and secret.isprintable()):
            faults += (FaultAt(pointer="/clientSecret", code="text", detail="Copy the client secret as it is."),)
        if not is_available():
            words = "Single sign-on needs a library: the Operator installs deskbell[sso]."
            faults += (FaultAt(pointer="", code="not_installed", detail=words),)
        if faults:
            raise Invalid("Single sign-on cannot be set up like this.", faults=faults)

    def _seal(self, site: SiteId, secret: str) -> bytes:
        aad = aad_field(site, SIGN_ON_ID, CLIENT_SECRET_FIELD)
        return self._keyring.seal(secret.encode(), aad, self._random.secret(NONCE_BYTES))


def told_of(settings: SignOn) -> str:
    """What the audit tells: the secret only as a fingerprint of what is stored."""
    return json.dumps(
        {
            "issuer": settings.issuer,
            "clientId": settings.client_id,
            "clientSecret": f"•••• {hashlib.sha256(settings.client_secret).hexdigest()[:8]}",
            "label": settings.label,
            "roleClaim": settings.role_claim,
            "roles": {value: role.value for value, role in settings.roles.items()},
        },
        ensure_ascii=False,
    )
