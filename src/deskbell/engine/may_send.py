"""Whether something may be sent to a webhook by hand."""

from deskbell.engine.settings import Settings
from deskbell.model.errors import Conflict, NotFound
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import Webhook, WebhookState


def check_may_send(settings: Settings, site: SiteId, webhook_id: WebhookId, *, test: bool = False) -> Webhook:
    """The webhook. Raises Conflict while the slider is off or, but for a test, it is disabled; paused is fine."""
    known, webhook = settings.site(site), settings.webhook(site, webhook_id)
    if known is None or webhook is None:
        raise NotFound
    if webhook.state is WebhookState.DELETED:
        raise Conflict("This webhook is deleted. Restore it first.", reason="deleted")
    if not known.webhooks_enabled:
        raise Conflict("Webhooks are off for this site. Switch them on first.", reason="off")
    if known.holds(webhook_id):
        raise Conflict("A backup was restored: first answer what is to be sent.", reason="restored")
    if webhook.state is WebhookState.DISABLED and not test:
        raise Conflict("This webhook is disabled. Enable it first.", reason="disabled")
    return webhook
