"""What waits for each site, for metrics: one count per site over the queue's index."""

from collections import Counter

from deskbell.engine.settings import Settings
from deskbell.model.figures import QueueFigures
from deskbell.model.instant import TICKS_PER_SECOND, Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.ports import Store


async def queue_figures(store: Store, settings: Settings, now: Instant) -> tuple[QueueFigures, ...]:
    """One row per site, in the order of their names."""
    sites = sorted(settings.all_sites(), key=lambda one: one.site)
    return tuple([await _of_site(store, settings, site, now) for site in sites])


async def _of_site(store: Store, settings: Settings, site: Site, now: Instant) -> QueueFigures:
    webhooks = {one.id: one for one in settings.all_webhooks() if one.site == site.site}
    waiting = held = 0
    oldest_s = 0.0
    for row in await store.deliveries.waiting(site.site):
        webhook = webhooks.get(row.webhook_id)
        if webhook is None or webhook.state is not WebhookState.ENABLED or not site.sends(webhook.id):
            held += row.waiting
            continue
        waiting += row.waiting
        if row.oldest_at is not None:
            oldest_s = max(oldest_s, (now - row.oldest_at) / TICKS_PER_SECOND)
    return QueueFigures(
        site=site.site,
        waiting=waiting,
        held=held,
        oldest_s=oldest_s,
        webhooks=dict(Counter(one.state.value for one in webhooks.values())),
        breakers_open=sum(_is_open(settings, one, now) for one in webhooks.values()),
    )


def _is_open(settings: Settings, webhook: Webhook, now: Instant) -> bool:
    health = settings.health.get(webhook.id)
    return health is not None and health.breaker_until is not None and health.breaker_until > now
