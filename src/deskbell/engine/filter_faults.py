"""Filters that could not be evaluated: the owner is told of each webhook's at most once a day."""

from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from deskbell.model.ids import WebhookId
from deskbell.model.instant import TICKS_PER_SECOND, Instant
from deskbell.model.webhook import Webhook
from deskbell.ports import Clock
from deskbell.rules.filtering import NOT_EVALUATED

DAY = 86_400 * TICKS_PER_SECOND


@dataclass(frozen=True, kw_only=True)
class FilterFault:
    """The last fault of one webhook's filter."""

    at: Instant
    event_type: str
    text: str
    count: int  # since this process started
    version: int  # of the webhook: a changed filter has no faults yet


class FilterFaults:
    """Remembers the last fault of each webhook; traces have them all."""

    def __init__(self, clock: Clock, log: FilteringBoundLogger) -> None:
        self._clock = clock
        self._log = log
        self._last: dict[WebhookId, FilterFault] = {}
        self._told: dict[WebhookId, Instant] = {}

    def note(self, webhook: Webhook, event_type: str, reason: str) -> None:
        """Look at the reason why an event makes no delivery."""
        if not reason.startswith(NOT_EVALUATED):
            return
        now, before = self._clock.now(), self.of(webhook)
        text = reason.removeprefix(NOT_EVALUATED)
        self._last[webhook.id] = FilterFault(
            at=now, event_type=event_type, text=text, count=1 + (before.count if before else 0), version=webhook.version
        )
        told = self._told.get(webhook.id)
        if told is None or now - told >= DAY:
            self._told[webhook.id] = now
            self._log.warning("filter.fault", site=webhook.site, webhook=webhook.id, type=event_type)

    def of(self, webhook: Webhook) -> FilterFault | None:
        """The last fault of the webhook as it is now."""
        found = self._last.get(webhook.id)
        return found if found is not None and found.version == webhook.version else None
