"""Signing secrets and full URLs: showing them, rotating, ending the overlap."""

from collections import defaultdict, deque
from dataclasses import replace

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.changes import Change, Insert, Overwrite
from deskbell.model.errors import Conflict, Forbidden, Throttled
from deskbell.model.ids import SiteId
from deskbell.model.instant import TICKS_PER_SECOND, Instant, format_instant, plus
from deskbell.model.webhook import Secret, Webhook, WebhookState
from deskbell.rules.signing import NEW_KEY_BYTES, fingerprint, new_secret
from deskbell.webhooks.answers import Revealed, RevealedSecret, Rotated
from deskbell.webhooks.audit_view import MASK, as_json
from deskbell.webhooks.create import Create
from deskbell.webhooks.ground import Step, must_be, refusal_of
from deskbell.webhooks.states import POSSIBLE, check_range

_HOUR_S = 3_600.0
_NOT_DELETED = (WebhookState.ENABLED, WebhookState.PAUSED, WebhookState.DISABLED)


class SecretSteps(Create):
    """Who sees a secret leaves a trace first."""

    _shown: defaultdict[str, deque[float]]  # by caller: when, monotonic seconds of the last hour

    async def secrets(self, site: SiteId, webhook_id: str) -> list[str]:
        """The texts of the live secrets, newest first, for signature reports; they never leave the process."""
        return [self._safe.open_secret(one) for one in await self._live(site, webhook_id)]

    async def reveal(self, caller: Caller, webhook_id: str, *, origin: Origin) -> Revealed:
        """Full URL and live secrets, once the audit row is durable. Raises Forbidden, Throttled or Conflict."""
        webhook = await self.get(caller.site, webhook_id)
        must_be(webhook, *_NOT_DELETED, possible=POSSIBLE[webhook.state])
        self._check_confirmed(caller)
        self._count_shown(caller)
        live = await self._live(caller.site, webhook_id)
        marks = [f"{MASK} {fingerprint(self._safe.open_secret(one))}" for one in live]
        entry = self._entry(caller, origin, "webhook.reveal", webhook.id, after=as_json({"secrets": marks}))
        refused = await self._commit((), entry)
        if refused is not None:
            raise refusal_of(refused)
        return Revealed(
            url_text=self._safe.open_url(webhook),
            secrets=tuple(
                RevealedSecret(
                    id=one.id,
                    text=self._safe.open_secret(one),
                    created_at=one.created_at,
                    valid_until=one.valid_until,
                )
                for one in live
            ),
        )

    async def rotate(self, caller: Caller, webhook_id: str, overlap_s: int | None, *, origin: Origin) -> Rotated:
        """A new secret; older ones stay valid for the overlap at most. Raises Conflict when too many are valid."""
        check_range("/overlapSeconds", overlap_s, 0, self._limits.overlap_s_max, "seconds")
        wanted_s = self._limits.overlap_s_default if overlap_s is None else overlap_s
        text = new_secret(self._random.secret(NEW_KEY_BYTES))
        until: list[Instant | None] = []

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, *_NOT_DELETED, possible=POSSIBLE[before.state])
            live = await self._live(before.site, before.id)
            if wanted_s and len(live) >= self._limits.secrets_live_max:
                detail = f"{len(live)} secrets are valid at once already. End the overlap, then rotate."
                raise Conflict(detail, reason="secrets_live")
            end = plus(now, wanted_s)
            until[:] = [end if wanted_s and live else None]
            note = (as_json(marks_of(live, self._texts(live))), as_json({"secret": f"{MASK} {fingerprint(text)}"}))
            fresh = self._new_secret(before, text, after_all(live, now))
            changes: tuple[Change, ...] = (*ended(live, end), Insert(row=fresh))
            return Step(
                operation="webhook.rotate", after=before, changes=changes, reason="secret regenerated", note=note
            )

        await self._take_step(caller, webhook_id, origin, step)
        return Rotated(secret_text=text, previous_valid_until=until[0])

    async def end_overlap(self, caller: Caller, webhook_id: str, *, origin: Origin) -> Webhook:
        """Only the newest secret stays valid. Raises Conflict when no overlap runs."""

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, *_NOT_DELETED, possible=POSSIBLE[before.state])
            old = (await self._live(before.site, before.id))[1:]
            if not old:
                raise Conflict("Only one secret is valid: no overlap runs. Rotate it first.", reason="no_overlap")
            note = (as_json(marks_of(old, self._texts(old))), as_json({"validUntil": format_instant(now)}))
            return Step(
                operation="webhook.end_overlap",
                after=before,
                changes=tuple(ended(old, now)),
                reason="overlap ended",
                note=note,
            )

        return await self._take_step(caller, webhook_id, origin, step)

    async def _live(self, site: SiteId, webhook_id: str) -> list[Secret]:
        """Secrets that sign now, newest first."""
        now = self._clock.now()
        found = await self._store.webhooks.secrets(site, webhook_id)
        return [one for one in found if one.valid_until is None or one.valid_until > now]

    def _texts(self, secrets: list[Secret]) -> list[str]:
        return [self._safe.open_secret(one) for one in secrets]

    def _check_confirmed(self, caller: Caller) -> None:
        """A person gave their password at most so long ago."""
        login = caller.login
        if login is not None and self._clock.now() - login.confirmed_at > self._limits.confirm_s * TICKS_PER_SECOND:
            raise Forbidden("Confirm it is you: give your password again.", reason="confirm")

    def _count_shown(self, caller: Caller) -> None:
        """Raises Throttled beyond so many an hour and caller."""
        now, times = self._clock.monotonic(), self._shown[caller.id]
        while times and times[0] <= now - _HOUR_S:
            times.popleft()
        if len(times) >= self._limits.reveals_per_hour:
            wait_s = round(times[0] + _HOUR_S - now) + 1
            minutes = -(-wait_s // 60)
            detail = f"You displayed {len(times)} details this hour. The next is possible in {minutes} min."
            raise Throttled(detail, retry_after_s=wait_s)
        times.append(now)


def after_all(secrets: list[Secret], now: Instant) -> Instant:
    """Now, or just after the newest of these: a clock set back must not make a new secret the older one."""
    return Instant(max([now, *(one.created_at + 1 for one in secrets)]))


def ended(secrets: list[Secret], at: Instant) -> list[Overwrite]:
    """These secrets end then, or earlier if they do already."""
    return [
        Overwrite(row=replace(one, valid_until=at if one.valid_until is None else Instant(min(one.valid_until, at))))
        for one in secrets
    ]


def marks_of(secrets: list[Secret], texts: list[str]) -> dict[str, str]:
    """Secret ids with what may be told of them."""
    return {one.id: f"{MASK} {fingerprint(text)}" for one, text in zip(secrets, texts, strict=True)}
