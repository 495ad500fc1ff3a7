"""Signing in with a provider: the browser goes there with a state of its own, and comes back with a code."""

import base64
import hmac
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from deskbell.accounts.keys import actor_of
from deskbell.accounts.office import times
from deskbell.accounts.sign_on_provider import Providers
from deskbell.accounts.sign_on_settings import SignOnSettings
from deskbell.accounts.tokens import digest, fresh_id, new_token
from deskbell.model.account import Account, Caller, Identity, Login
from deskbell.model.audit import Origin
from deskbell.model.changes import Insert, Overwrite, Refused, Replace, Unit
from deskbell.model.errors import Forbidden, KeyringFault, Later, Unauthenticated, Unreadable
from deskbell.model.event import Idempotency
from deskbell.model.ids import SiteId
from deskbell.model.instant import TICKS_PER_SECOND, Instant
from deskbell.model.people import Actor, ActorKind
from deskbell.model.sign_on import SIGN_ON_ID, SignOn
from deskbell.ports import Clock, Random, Sender, Store
from deskbell.rules.id_tokens import LEEWAY_S, Expected, TokenRefused, document_of, has_nonce, read_id_token
from deskbell.rules.limits import Limits
from deskbell.rules.sealed_fields import CLIENT_SECRET_FIELD
from deskbell.rules.sealing import NONCE_BYTES, Keyring, aad_field
from deskbell.rules.sign_on import (
    Provider,
    ProviderRefused,
    authorize_address,
    role_of,
    token_request,
    verified_email,
)
from deskbell.rules.urls import UrlPolicy

ATTEMPT_S = 600
_ATTEMPT_AAD = b"sign-on attempt"
_AGENT_CHARS = 200
BACK = "Go back to the sign-in page and try again."


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One way to the provider and back. It lives in a cookie, sealed: no other browser can end it."""

    site: str
    state: str
    nonce: str
    verifier: str
    return_to: str
    at: int
    login_id: str = ""  # who is signed in already and shows again who they are


@dataclass(frozen=True, kw_only=True)
class Gone:
    """Where the browser goes, and what it keeps meanwhile."""

    address: str
    cookie: str


@dataclass(frozen=True, kw_only=True)
class Back:
    """What came of it."""

    return_to: str
    token: str | None  # the new login's cookie; None: the login that was there is confirmed


class SignOnRoom(SignOnSettings):
    """Settings, going and coming back."""

    def __init__(
        self, *, store: Store, sender: Sender, clock: Clock, random: Random, limits: Limits, keyring: Keyring,
        policy: UrlPolicy, base_url: str,
    ) -> None:  # fmt: skip
        super().__init__(store=store, clock=clock, random=random, limits=limits)
        self._keyring = keyring
        self._providers = Providers(sender=sender, clock=clock)
        self._policy = policy
        self._base_url = base_url

    async def begin(self, site: SiteId, return_to: str, caller: Caller | None = None) -> Gone:
        """Go to the provider; with a caller, to show again who they are. Raises Unreadable or Later."""
        settings = await self._must(site)
        attempt = Attempt(
            site=site,
            state=new_token(self._random),
            nonce=new_token(self._random),
            verifier=new_token(self._random),
            return_to=return_to,
            at=self._clock.now(),
            login_id=caller.login.id if caller is not None and caller.login is not None else "",
        )
        address = authorize_address(
            await self._provider(settings),
            settings,
            base_url=self._base_url,
            state=attempt.state,
            nonce=attempt.nonce,
            verifier=attempt.verifier,
            again=bool(attempt.login_id),
        )
        sealed = self._keyring.seal(msgspec.json.encode(attempt), _ATTEMPT_AAD, self._random.secret(NONCE_BYTES))
        return Gone(address=address, cookie=base64.urlsafe_b64encode(sealed).decode().rstrip("="))

    async def finish(
        self, cookie: str | None, answer: dict[str, str], caller: Caller | None, origin: Origin, agent: str
    ) -> Back:
        """The browser is back. Raises Unreadable (state, nonce, code), Unauthenticated (token) or Forbidden (link)."""
        attempt = self._attempt(cookie, answer.get("state", ""))
        settings = await self._must(SiteId(attempt.site))
        if answer.get("iss", settings.issuer) != settings.issuer:
            raise Unreadable(f"The answer came from another provider. {BACK}")
        await self._once(settings.site, attempt)
        if "code" not in answer:
            await self._refuse(settings, origin, f"the provider said {answer.get('error', 'nothing')[:100]}")
            raise Unreadable(f"The provider did not let you in. {BACK}")
        claims = await self._claims(settings, attempt, answer["code"], origin)
        if attempt.login_id:
            return await self._confirm(settings, attempt, claims, caller, origin)
        return await self._enter(settings, attempt, claims, origin, agent)

    def _attempt(self, cookie: str | None, state: str) -> Attempt:
        wrong = Unreadable(f"This sign-in was not begun in this browser, or is over. {BACK}")
        try:
            text = cookie or ""
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            attempt = msgspec.json.decode(self._keyring.open(sealed, _ATTEMPT_AAD), type=Attempt)
        except (ValueError, KeyringFault, msgspec.DecodeError):
            raise wrong from None
        is_over = self._clock.now() - attempt.at > ATTEMPT_S * TICKS_PER_SECOND
        if is_over or not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "surrogatepass")):
            raise wrong
        return attempt

    async def _once(self, site: SiteId, attempt: Attempt) -> None:
        """A state is used once, on whichever node."""
        row = Idempotency(
            site=site, maker="sso", key=digest(attempt.state), body_hash="", answer=b"", at=self._clock.now()
        )
        verdict = await self._store.commit(Unit(changes=(Insert(row=row),)))
        if isinstance(verdict, Refused):
            if verdict.reason == "exists":
                raise Unreadable(f"This sign-in was used already. {BACK}")
            raise Later(retry_after_s=5)

    async def _claims(self, settings: SignOn, attempt: Attempt, code: str, origin: Origin) -> dict[str, Any]:
        provider = await self._provider(settings)
        text = await self._id_token(settings, provider, attempt, code, origin)
        expected = Expected(issuer=settings.issuer, client_id=settings.client_id, nonce=attempt.nonce)
        now_s = self._clock.now() / TICKS_PER_SECOND
        try:
            try:
                claims = read_id_token(text, await self._providers.keys(settings, provider), expected, now_s)
            except TokenRefused:  # its keys may have changed
                keys = await self._providers.keys(settings, provider, fresh=True)
                claims = read_id_token(text, keys, expected, now_s)
        except TokenRefused as fault:
            await self._refuse(settings, origin, f"ID token: {fault}")
            raise Unauthenticated(f"The provider's answer was refused: {fault}.") from None
        except ProviderRefused as fault:
            raise Later(str(fault), retry_after_s=10) from None
        if not has_nonce(claims, attempt.nonce):
            await self._refuse(settings, origin, "ID token of another login")
            raise Unreadable(f"The provider's answer belongs to another sign-in. {BACK}")
        return dict(claims)

    async def _id_token(self, settings: SignOn, provider: Provider, attempt: Attempt, code: str, origin: Origin) -> str:
        aad = aad_field(settings.site, SIGN_ON_ID, CLIENT_SECRET_FIELD)
        secret = self._keyring.open(settings.client_secret, aad).decode()
        headers, body = token_request(
            provider, settings, secret, base_url=self._base_url, code=code, verifier=attempt.verifier
        )
        reply = await self._providers.ask(settings.site, provider.token_url, headers, body)
        try:
            document = document_of(reply.body) if reply.status is not None else {}
        except (ValueError, RecursionError):
            document = {}
        token = document.get("id_token")
        if reply.status == 200 and isinstance(token, str):
            return token
        why = document.get("error") or reply.status or reply.fault
        await self._refuse(settings, origin, f"code: {str(why)[:100]}")
        raise Unreadable(f"The provider did not take the code ({str(why)[:100]}). {BACK}")

    async def _enter(
        self, settings: SignOn, attempt: Attempt, claims: dict[str, Any], origin: Origin, agent: str
    ) -> Back:
        identity = Identity(issuer=settings.issuer, subject=claims["sub"])
        account = await self._account_of(settings.site, identity, claims)
        if account is None:
            await self._refuse(settings, origin, "nobody was invited with this address")
            raise Forbidden("Nobody was invited here with your address. Ask an admin to invite you.")
        role = role_of(settings, claims)
        token, now = new_token(self._random), self._clock.now()
        login = Login(
            site=settings.site,
            id=fresh_id("lgn", self._clock, self._random),
            user_id=account.id,
            token_hash=digest(token),
            csrf=new_token(self._random),
            created_at=now,
            seen_at=now,
            confirmed_at=confirmed_at(claims, now),
            address=origin.address,
            agent=agent[:_AGENT_CHARS],
        )
        after = replace(
            account,
            identity=identity,
            role=role if role is not None and account.role.value != "owner" else account.role,
            last_login_at=now,
            version=account.version + 1,
        )
        told = {"by": settings.label, "role": after.role.value}
        linked = account.identity is None
        await self._write(
            settings.site,
            (Insert(row=login), Replace(row=after)),
            "login.create",
            login.id,
            actor=person(account),
            origin=origin,
            before=msgspec.json.encode({"role": account.role.value}).decode(),
            after=msgspec.json.encode(told).decode(),
            reason="linked to the provider" if linked else None,
        )
        return Back(return_to=attempt.return_to, token=token)

    async def _account_of(self, site: SiteId, identity: Identity, claims: dict[str, Any]) -> Account | None:
        """Who this is here; the first time, who was invited with this address and has no password yet."""
        users = [user for user in await self._store.accounts.users(site) if user.removed_at is None]
        known = next((user for user in users if user.identity == identity), None)
        if known is not None:
            return known
        email = verified_email(claims)
        invited = [user for user in users if user.identity is None and user.password_hash is None]
        return next((user for user in invited if email is not None and user.email == email), None)

    async def _confirm(
        self, settings: SignOn, attempt: Attempt, claims: dict[str, Any], caller: Caller | None, origin: Origin
    ) -> Back:
        """The person who is signed in showed again who they are, after they were asked to."""
        login = caller.login if caller is not None else None
        if caller is None or login is None or login.id != attempt.login_id or login.site != settings.site:
            raise Unreadable(f"You are not signed in any more. {BACK}")
        identity = Identity(issuer=settings.issuer, subject=claims["sub"])
        users = await self._store.accounts.users(settings.site)
        account = next((user for user in users if user.id == login.user_id and user.identity == identity), None)
        now = self._clock.now()
        shown = confirmed_at(claims, now)
        if account is None or shown < attempt.at - LEEWAY_S * TICKS_PER_SECOND:
            await self._refuse(settings, origin, "confirmed by somebody else, or not now")
            raise Forbidden("The provider did not confirm that it is you, just now.")
        async with self._one_at_a_time:
            present = await self._store.accounts.login_by_hash(login.token_hash)
            if present is None or present.ended_at is not None:
                raise Unauthenticated
            row = Overwrite(row=replace(present, confirmed_at=shown))
            await self._write(settings.site, (row,), "login.confirm", login.id, actor=actor_of(caller), origin=origin)
        return Back(return_to=attempt.return_to, token=None)

    async def _refuse(self, settings: SignOn, origin: Origin, why: str) -> None:
        count = self._told.count(settings.site, why, origin.address)
        if count is None:
            return
        nobody = Actor(kind=ActorKind.PERSON, name="unknown user")
        reason = ", ".join(one for one in (why, times(count)) if one)
        await self._write(settings.site, (), "login.refuse", SIGN_ON_ID, actor=nobody, origin=origin, reason=reason)

    async def _must(self, site: SiteId) -> SignOn:
        found = await self.settings(site)
        if found is None:
            raise Unreadable("Single sign-on is not set up here.")
        return found

    async def _provider(self, settings: SignOn) -> Provider:
        try:
            return await self._providers.provider(settings)
        except ProviderRefused as fault:
            raise Later(f"The provider cannot be reached now. {fault}", retry_after_s=10) from None


def person(account: Account) -> Actor:
    """A user as one who acts."""
    return Actor(kind=ActorKind.PERSON, name=account.name, id=account.id)


def confirmed_at(claims: dict[str, Any], now: Instant) -> Instant:
    """When the person last showed the provider who they are; never, when it does not say."""
    told = claims.get("auth_time")
    if not isinstance(told, int) or isinstance(told, bool):
        return Instant(0)
    return Instant(max(0, min(now, told * TICKS_PER_SECOND)))
