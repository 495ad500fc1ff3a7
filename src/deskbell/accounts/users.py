"""The users of a site: invited by a link, given a role, removed; admins up to admin, owners everybody."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deskbell.accounts.keys import Keys, actor_of
from deskbell.accounts.own import Own
from deskbell.accounts.tokens import digest, fresh_id, new_token
from deskbell.model.account import Account, ApiKey, Caller, Link, LinkKind, Role
from deskbell.model.audit import Origin
from deskbell.model.changes import Change, Guard, Insert, MustVersion, Overwrite, Replace
from deskbell.model.errors import Conflict, FaultAt, Forbidden, Invalid, NotFound
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant, plus
from deskbell.rules.permissions import may_manage
from deskbell.rules.text import check_line

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A link for one user, shown once: its text is stored nowhere."""

    user: Account
    token: str
    expires_at: Instant

    @property
    def is_reset(self) -> bool:
        """Whether it replaces a password; else it is the first one."""
        return self.user.password_hash is not None


class Users(Own, Keys):
    """Each change with its audit row; repeated, it changes nothing more."""

    async def user(self, site: SiteId, user_id: str) -> Account:
        """One user. Raises NotFound for unknown and removed ones."""
        account = await self._account(site, user_id)
        if account is None or account.removed_at is not None:
            raise NotFound("There is no such user.")
        return account

    async def keys_of(self, site: SiteId, user_id: str) -> tuple[ApiKey, ...]:
        """The keys that a user made and that still work."""
        now = self._clock.now()
        return tuple(
            one
            for one in await self.keys(site)
            if one.created_by == user_id and one.revoked_at is None and (one.expires_at is None or one.expires_at > now)
        )

    async def invite(self, caller: Caller, email: str, name: str, role: str, origin: Origin) -> Invitation:
        """A user without a password, and the link by which they choose one. Raises Invalid, Forbidden or Conflict."""
        email = email.strip().lower()
        account = Account(
            site=caller.site,
            id=fresh_id("usr", self._clock, self._random),
            email=email,
            name=name or email.partition("@")[0],
            role=self._checked(email, name, role),
            password_hash=None,
            created_at=self._clock.now(),
        )
        self._must_manage(caller, account.role)
        link, token = self._new_link(account)
        async with self._one_at_a_time:
            if any(one.email == email and one.removed_at is None for one in await self._all(caller.site)):
                raise Conflict(f"{email} is a user already. Make a new link on their page.", reason="user_exists")
            changes = (Insert(row=account), Insert(row=link))
            after = json.dumps({"email": email, "role": account.role.value}, ensure_ascii=False)
            await self._write(
                caller.site,
                changes,
                "user.invite",
                account.id,
                actor=actor_of(caller),
                origin=origin,
                after=after,
            )
        return Invitation(user=account, token=token, expires_at=link.expires_at)

    async def user_link(self, caller: Caller, user_id: str, origin: Origin) -> Invitation:
        """A fresh link for a new password; older ones are void. The present password goes on until it is used."""
        async with self._one_at_a_time:
            account = await self._manageable(caller, user_id)
            if account.id == await self._maker_id(caller):
                raise Conflict("Change your own password on your account page.", reason="own_account")
            link, token = self._new_link(account)
            changes = (*await self._voided(account), Insert(row=link))
            await self._write(caller.site, changes, "user.link", account.id, actor=actor_of(caller), origin=origin)
        return Invitation(user=account, token=token, expires_at=link.expires_at)

    async def change_role(self, caller: Caller, user_id: str, role: str, origin: Origin) -> Account:
        """Another role; the user signs in again, everywhere. Raises Forbidden or Conflict."""
        wanted = self._role(role)
        async with self._one_at_a_time:
            account = await self._manageable(caller, user_id)
            self._must_manage(caller, wanted)
            if account.id == await self._maker_id(caller):
                raise Forbidden("Nobody can change their own role. Ask another admin.")
            if account.role is wanted:
                return account
            guards = await self._must_stay_owned(account) if account.role is Role.OWNER else ()
            after = replace(account, role=wanted, version=account.version + 1)
            changes = (Replace(row=after), *await self._ended(account))
            await self._write(
                caller.site,
                changes,
                "user.role",
                account.id,
                actor=actor_of(caller),
                origin=origin,
                before=json.dumps({"role": account.role.value}),
                after=json.dumps({"role": wanted.value}),
                guards=guards,
            )
            self._forget_keys()
        return after

    async def remove_user(self, caller: Caller, user_id: str, hand_over_to: str | None, origin: Origin) -> None:
        """At once and for good: logins, links and keys end; keys go on if they are handed over. Twice is once."""
        async with self._one_at_a_time:
            known = await self._account(caller.site, user_id)
            if known is not None and known.removed_at is not None:
                return
            account = await self._manageable(caller, user_id)
            if account.id == await self._maker_id(caller):
                raise Forbidden("Nobody can remove themselves. Ask another admin.")
            guards = await self._must_stay_owned(account) if account.role is Role.OWNER else ()
            heir = await self._heir(caller, account, hand_over_to)
            keys, now = await self.keys_of(caller.site, account.id), self._clock.now()
            after = replace(account, removed_at=now, version=account.version + 1)
            changes = (
                Replace(row=after),
                *await self._ended(account),
                *await self._voided(account),
                *(Overwrite(row=handed_over(one, heir, now)) for one in keys),
            )
            await self._write(
                caller.site,
                changes,
                "user.remove",
                account.id,
                actor=actor_of(caller),
                origin=origin,
                before=json.dumps({"email": account.email, "role": account.role.value}),
                after=json.dumps({"keys": [one.id for one in keys], "handedOverTo": heir}),
                guards=guards,
            )
            self._forget_keys()

    async def reset_second_factor(self, caller: Caller, user_id: str, origin: Origin) -> None:
        """Somebody lost their app and their recovery codes: the password is enough until they set up another."""
        async with self._one_at_a_time:
            account = await self._manageable(caller, user_id)
            if account.id == await self._maker_id(caller):
                raise Conflict("Change your own second factor on your account page.", reason="own_account")
            if account.second_factor is not None:
                after = replace(account, second_factor=None, enrolling=None, version=account.version + 1)
                await self._write(
                    caller.site,
                    (Replace(row=after), *await self._ended(account)),
                    "second_factor.reset",
                    account.id,
                    actor=actor_of(caller),
                    origin=origin,
                )

    async def require_second_factor(self, caller: Caller, required: bool, origin: Origin) -> None:
        """Of everybody, at their next sign-in. Whoever has one keeps it when it is no longer asked for."""
        async with self._one_at_a_time:
            site = await self._store.sites.get(caller.site)
            if site is None:
                raise NotFound
            if site.second_factor_required is not required:
                after = replace(site, second_factor_required=required, version=site.version + 1)
                await self._write(
                    caller.site,
                    (Replace(row=after),),
                    "site.second_factor",
                    site.site,
                    actor=actor_of(caller),
                    origin=origin,
                    before=json.dumps({"required": site.second_factor_required}),
                    after=json.dumps({"required": required}),
                )

    async def managed(self, caller: Caller, user_id: str) -> Account:
        """A user whom the caller may manage. Raises NotFound or Forbidden."""
        return await self._manageable(caller, user_id)

    async def _all(self, site: SiteId) -> tuple[Account, ...]:
        return await self._store.accounts.users(site)

    async def _manageable(self, caller: Caller, user_id: str) -> Account:
        account = await self.user(caller.site, user_id)
        self._must_manage(caller, account.role)
        return account

    def _must_manage(self, caller: Caller, role: Role) -> None:
        if not may_manage(caller.role, role):
            raise Forbidden("Only an owner can make, change or remove owners.")

    async def _must_stay_owned(self, account: Account) -> tuple[Guard, ...]:
        """Somebody else who can sign in owns the site, and still does when this is written."""
        others = [
            one
            for one in await self._all(account.site)
            if one.role is Role.OWNER
            and one.removed_at is None
            and one.id != account.id
            and (one.password_hash or one.identity)
        ]
        if not others:
            raise Conflict("This is the last owner. Make somebody else an owner first.", reason="last_owner")
        kept = others[0]
        return (MustVersion(site=kept.site, kind="account", key=(kept.id,), version=kept.version),)

    async def _heir(self, caller: Caller, account: Account, wanted: str | None) -> str | None:
        """Who gets the keys: nobody of a higher role than the caller, so that no key may do more through it."""
        if not wanted:
            return None
        heir = await self._account(caller.site, wanted)
        if (
            heir is None
            or heir.removed_at is not None
            or heir.id == account.id
            or not may_manage(caller.role, heir.role)
        ):
            detail = "Choose a user of this site whom you could manage, or leave it out."
            raise Invalid(detail, faults=(FaultAt(pointer="/handOverTo", code="user", detail=detail),))
        return heir.id

    def _new_link(self, account: Account) -> tuple[Link, str]:
        token, now = new_token(self._random), self._clock.now()
        link = Link(
            site=account.site,
            id=fresh_id("lnk", self._clock, self._random),
            kind=LinkKind.SETUP,
            token_hash=digest(token),
            subject=account.id,
            created_at=now,
            expires_at=plus(now, self._limits.setup_link_s),
        )
        return link, token

    async def _voided(self, account: Account) -> list[Change]:
        """The user's links that were not used."""
        links = await self._store.accounts.links(account.site, LinkKind.SETUP.value)
        now = self._clock.now()
        living = [one for one in links if one.subject == account.id and not one.voided_at and not one.used_at]
        return [Overwrite(row=replace(one, voided_at=now)) for one in living]

    async def _ended(self, account: Account) -> list[Change]:
        """Every login of the user ends."""
        now = self._clock.now()
        logins = await self._store.accounts.logins(account.site, account.id)
        return [Overwrite(row=replace(one, ended_at=now)) for one in logins if one.ended_at is None]

    def _role(self, text: str) -> Role:
        try:
            return Role(text)
        except ValueError:
            detail = f"One of {', '.join(role.value for role in Role)}."
            raise Invalid(detail, faults=(FaultAt(pointer="/role", code="choice", detail=detail),)) from None

    def _checked(self, email: str, name: str, role: str) -> Role:
        faults: list[FaultAt | None] = [check_line(name, "/name", self._limits) if name else None]
        if not _EMAIL.fullmatch(email) or check_line(email, "/email", self._limits) is not None:
            faults.append(FaultAt(pointer="/email", code="email", detail="Enter an e-mail address."))
        found = tuple(one for one in faults if one is not None)
        if found:
            raise Invalid("The invitation cannot be made like this.", faults=found)
        return self._role(role)


def handed_over(key: ApiKey, heir: str | None, now: Instant) -> ApiKey:
    """A key of somebody who goes: another's from now on, or ended."""
    return replace(key, revoked_at=now) if heir is None else replace(key, created_by=heir)


__all__: Sequence[str] = ("Invitation", "Users", "handed_over")
