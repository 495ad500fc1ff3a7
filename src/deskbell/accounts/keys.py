"""API keys: made, revoked, and the caller of a key."""

import hmac
import json
from collections.abc import Sequence
from dataclasses import replace

from deskbell.accounts.office import Office
from deskbell.accounts.tokens import digest, fresh_id, lookup_of, new_key
from deskbell.model.account import Account, ApiKey, Caller, Permission, Role
from deskbell.model.audit import Origin
from deskbell.model.changes import Insert, Overwrite, Unit
from deskbell.model.errors import FaultAt, Forbidden, Invalid, NotFound
from deskbell.model.ids import SiteId
from deskbell.model.instant import TICKS_PER_SECOND, Instant, format_instant, plus
from deskbell.model.people import Actor, ActorKind
from deskbell.rules.key_sources import canonical_sources, check_sources
from deskbell.rules.permissions import SCOPES, key_permissions
from deskbell.rules.text import check_line

_CACHE_S = 5.0
_CACHED_MAX = 10_000
_USED_EVERY_S = 60
_DAY_S = 86_400
_DAYS_MAX = 3_650
_RATE_MAX = 1_000_000
_POWERFUL = frozenset({Permission.SECRETS_REVEAL, Permission.SITE_ADMIN})
BY_INIT = "init"
"""Maker of the first key: it has every scope, as if an owner had made it."""


class Keys(Office):
    """`dbk_…` keys; the database knows only their hash."""

    _known: dict[str, tuple[float, Caller]]  # by hash of the whole key, at most 5 s old
    _revocations: int = 0  # so many so far: what was read before the last one is not kept

    async def first_key(self, site: SiteId) -> str | None:
        """The key that `init` prints, once; None when the site ever had a key."""
        if await self._store.accounts.keys(site):
            return None
        text = new_key(self._random)
        key = self._key(site, text, "init", tuple(sorted(SCOPES)), BY_INIT, None)
        await self._write(site, (Insert(row=key),), "key.create", key.id, after=told_of(key))
        return text

    async def make_key(
        self,
        caller: Caller,
        name: str,
        scopes: list[str],
        expires_days: int | None,
        origin: Origin,
        *,
        rate_per_second: float | None = None,
        sources: Sequence[str] = (),
    ) -> tuple[ApiKey, str]:
        """A key and its text, which is never shown again. A caller cannot give away more than they may do."""
        granted = self._granted(
            caller, name, scopes, expires_days, (*check_sources(sources, "/sources"), *_check_rate(rate_per_second))
        )
        self._check_confirmed(caller, granted)
        text = new_key(self._random)
        key = self._key(caller.site, text, name, granted, await self._maker_id(caller), expires_days)
        key = replace(key, rate_per_second=rate_per_second, sources=canonical_sources(sources))
        await self._write(
            caller.site,
            (Insert(row=key),),
            "key.create",
            key.id,
            actor=actor_of(caller),
            origin=origin,
            after=told_of(key),
        )
        return key, text

    def _check_confirmed(self, caller: Caller, granted: tuple[Permission, ...]) -> None:
        """A person who gives away secrets or the site gave their password at most ten minutes ago."""
        login = caller.login
        if login is None or _POWERFUL.isdisjoint(granted):
            return
        if self._clock.now() - login.confirmed_at > self._limits.confirm_s * TICKS_PER_SECOND:
            raise Forbidden("Confirm it is you: give your password again.", reason="confirm")

    async def _maker_id(self, caller: Caller) -> str:
        """The person behind the caller: a key's key is that person's too, and ends with them."""
        if caller.kind != "key":
            return caller.id
        found = [key.created_by for key in await self.keys(caller.site) if key.id == caller.id]
        return found[0] if found else caller.id

    def _granted(
        self, caller: Caller, name: str, scopes: list[str], expires_days: int | None, more: Sequence[FaultAt]
    ) -> tuple[Permission, ...]:
        faults = [check_line(name, "/name", self._limits), *more]
        for n, scope in enumerate(scopes):
            if scope not in {known.value for known in SCOPES & caller.permissions}:
                detail = "There is no such scope, or you do not have it yourself."
                faults.append(FaultAt(pointer=f"/scopes/{n}", code="scope", detail=detail))
        if not scopes:
            faults.append(FaultAt(pointer="/scopes", code="scope", detail="Choose at least one scope."))
        if expires_days is not None and not 1 <= expires_days <= _DAYS_MAX:
            detail = f"1 to {_DAYS_MAX:,} days, or null for no end."
            faults.append(FaultAt(pointer="/expiresDays", code="range", detail=detail))
        found = tuple(fault for fault in faults if fault is not None)
        if found:
            raise Invalid("The key cannot be made like this.", faults=found)
        return tuple(Permission(scope) for scope in dict.fromkeys(scopes))

    def _key(
        self, site: SiteId, text: str, name: str, scopes: tuple[Permission, ...], maker: str, expires_days: int | None
    ) -> ApiKey:
        now = self._clock.now()
        return ApiKey(
            site=site,
            id=fresh_id("key", self._clock, self._random),
            lookup=lookup_of(text) or "",
            token_hash=digest(text),
            name=name,
            scopes=scopes,
            created_at=now,
            created_by=maker,
            expires_at=None if expires_days is None else plus(now, expires_days * _DAY_S),
        )

    async def keys(self, site: SiteId) -> tuple[ApiKey, ...]:
        """The site's keys."""
        return await self._store.accounts.keys(site)

    async def revoke_key(self, caller: Caller, key_id: str, origin: Origin) -> None:
        """End a key at once; other processes notice within 5 s."""
        async with self._one_at_a_time:
            key = next((one for one in await self.keys(caller.site) if one.id == key_id), None)
            if key is None:
                raise NotFound
            if key.revoked_at is None:
                revoked = Overwrite(row=replace(key, revoked_at=self._clock.now()))
                await self._write(
                    caller.site,
                    (revoked,),
                    "key.revoke",
                    key.id,
                    actor=actor_of(caller),
                    origin=origin,
                    before=told_of(key),
                )
            self._known.pop(key.token_hash, None)
            self._revocations += 1

    def _forget_keys(self) -> None:
        """What keys may do has changed: nothing that was read before counts."""
        self._known.clear()
        self._revocations += 1

    def known_caller(self, text: str) -> Caller | None:
        """Who the key stands for, if that was read within the last 5 s."""
        known = self._known.get(digest(text))
        return known[1] if known is not None and self._clock.monotonic() - known[0] < _CACHE_S else None

    async def caller_of_key(self, text: str) -> Caller | None:
        """Who the key stands for; None for every kind of wrong key."""
        known = self.known_caller(text)
        if known is not None:
            return known
        lookup = lookup_of(text)
        if lookup is None:
            return None
        token_hash, now = digest(text), self._clock.monotonic()
        revocations = self._revocations
        caller = await self._read_caller(lookup, token_hash)
        if caller is None or revocations != self._revocations:
            self._known.pop(token_hash, None)
        else:
            if len(self._known) >= _CACHED_MAX:
                self._known.clear()
            self._known[token_hash] = (now, caller)
        return caller

    async def _read_caller(self, lookup: str, token_hash: str) -> Caller | None:
        key = await self._store.accounts.key_by_lookup(lookup)
        if key is None or not hmac.compare_digest(key.token_hash, token_hash):
            return None
        now, caller = self._clock.now(), await self.caller_of(key)
        if caller is None:
            return None
        if key.last_used_at is None or now - key.last_used_at >= _USED_EVERY_S * TICKS_PER_SECOND:
            await self._used(lookup, now)
        return caller

    async def caller_of(self, key: ApiKey) -> Caller | None:
        """Who a stored key stands for now; None when it was revoked, is over, or its maker was removed."""
        if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= self._clock.now()):
            return None
        maker = await self._maker(key)
        if maker is None and key.created_by != BY_INIT:
            return None
        return Caller(
            site=key.site,
            kind="key",
            id=key.id,
            name=key.name,
            permissions=key_permissions(key.scopes, maker.role if maker else None),
            role=maker.role if maker else Role.OWNER,
            rate_per_second=key.rate_per_second,
            sources=key.sources,
        )

    async def _used(self, lookup: str, now: Instant) -> None:
        """Being used is no act: it is kept, to the minute, without an audit row; never over a revocation."""
        async with self._one_at_a_time:
            key = await self._store.accounts.key_by_lookup(lookup)
            if key is not None and key.revoked_at is None:
                await self._store.commit(Unit(changes=(Overwrite(row=replace(key, last_used_at=now)),)))

    async def _maker(self, key: ApiKey) -> Account | None:
        users = await self._store.accounts.users(key.site)
        return next((user for user in users if user.id == key.created_by and user.removed_at is None), None)


def _check_rate(rate: float | None) -> tuple[FaultAt, ...]:
    if rate is None or 0.01 <= rate <= _RATE_MAX:
        return ()
    return (FaultAt(pointer="/ratePerSecond", code="range", detail=f"0.01 to {_RATE_MAX:,}, or null for no limit."),)


def told_of(key: ApiKey) -> str:
    """What the audit tells of a key: its text only as a fingerprint."""
    return json.dumps(
        {
            "name": key.name,
            "key": f"•••• {key.token_hash[:8]}",
            "scopes": [scope.value for scope in key.scopes],
            "expiresAt": None if key.expires_at is None else format_instant(key.expires_at),
            "sources": list(key.sources),
            "ratePerSecond": key.rate_per_second,
        },
        ensure_ascii=False,
    )


def actor_of(caller: Caller) -> Actor:
    """A caller as one who acts."""
    kind = ActorKind.KEY if caller.kind == "key" else ActorKind.PERSON
    return Actor(kind=kind, name=caller.name, id=caller.id)
