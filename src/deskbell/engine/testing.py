"""Events that are sent to try things out: the Test button, and `trigger`."""

from collections.abc import Mapping
from typing import Any

from deskbell.engine.accept import Accept
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.may_send import check_may_send
from deskbell.engine.parcel import Parcel
from deskbell.engine.publish import Intake
from deskbell.engine.sampling import sample_draft
from deskbell.model.changes import Refused
from deskbell.model.draft import Draft, Published
from deskbell.model.errors import Busy, NotFound
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.people import Actor
from deskbell.rules.payload import test_head

TEST_TYPE = "test.ping"


class Testing:
    """Test deliveries are attempted once and change no health; a triggered event is matched like a real one."""

    def __init__(self, ground: Ground, *, intake: Intake, dispatcher: Dispatcher, holding: Holding) -> None:
        self._store = ground.store
        self._intake = intake
        self._settings = ground.settings
        self._dispatcher = dispatcher
        self._holding = holding
        self._clock = ground.clock
        self._ids = ground.ids
        intake.admit_test = self._admit

    async def send(
        self, site: SiteId, webhook_id: str, by: Actor, event_type: str, sample_name: str, head: bytes | None
    ) -> DeliveryId:
        """One attempt to this webhook, whatever types it chose and even when it is paused or disabled."""
        await self._settings.fresh(site)
        webhook = self._settings.webhook(site, WebhookId(webhook_id))
        if webhook is None:
            raise NotFound
        check_may_send(self._settings, site, webhook.id, test=True)
        event_id = self._ids.event()
        if head is None and event_type == TEST_TYPE:
            head = test_head(site, event_id, webhook.id, webhook.description, by)
        draft = await self._draft(site, event_type, sample_name, {}, by, event_id, head)
        return (await self._publish(Accept(site=site, drafts=(draft,), only=webhook))).delivery_ids[0]

    async def trigger(
        self, site: SiteId, event_type: str, sample_name: str, overrides: Mapping[str, Any], by: Actor
    ) -> EventId:
        """Publish a sample of any type. Raises Invalid for an unknown type, sample or path."""
        await self._settings.fresh(site)
        draft = await self._draft(site, event_type, sample_name, overrides, by, self._ids.event(), None)
        return (await self._publish(Accept(site=site, drafts=(draft,)))).event_ids[0]

    async def _draft(
        self,
        site: SiteId,
        event_type: str,
        sample_name: str,
        overrides: Mapping[str, Any],
        by: Actor,
        event_id: EventId,
        head: bytes | None,
    ) -> Draft:
        at = self._clock.now()
        if head is not None:
            return Draft(id=event_id, type=event_type, by=by, occurred_at=at, head=head, test=True)
        types = await self._store.sites.custom_types(site)
        declared = next((one.sample for one in types if one.name == event_type), None)
        return sample_draft(
            site, event_type, sample_name, overrides, by=by, at=at, event_id=event_id, declared=declared
        )

    async def _publish(self, accept: Accept) -> Published:
        self._intake.check_room(accept.site)
        answer = await self._intake.accepted(accept)
        if isinstance(answer, Refused):
            raise Busy(reason=answer.reason)
        return answer

    def _admit(self, parcel: Parcel) -> None:
        lane = self._dispatcher.lane(parcel.delivery.site, parcel.delivery.webhook_id)
        if parcel.delivery.id not in lane.members:  # the reader may have seen the commit before we were told of it
            self._holding.keep(lane, parcel)
            self._dispatcher.queue_urgent(lane, parcel)
