"""What settings that are not saved yet would make of events: the payload, and which of the last ones match."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deskbell.model.account import Caller, Permission
from deskbell.model.errors import FaultAt, Forbidden, Invalid, NotFound
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId
from deskbell.model.query import EventFilter
from deskbell.model.rendering import Frozen, Rendered, RenderRefused
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook
from deskbell.rules.event_types import matches
from deskbell.rules.filtering import Seen, changed_in, refusal
from deskbell.rules.rehearsal import Sample, Told, frozen_sample, samples_of
from deskbell.webhooks.checks_content import as_webhook, told_of
from deskbell.webhooks.create import Create
from deskbell.webhooks.spec import INVALID, WebhookSpec, patch, spec_of

RECENT_DEFAULT, RECENT_MAX = 5, 50
_PAGE, _LOOKED_AT_MAX = 100, 500
_NEW = WebhookSpec(description="", receiver_url=None, event_types=())


@dataclass(frozen=True, kw_only=True)
class PreviewWish:
    """What is to be looked at."""

    webhook_id: str | None = None  # whose settings are the start; None: the defaults
    members: Mapping[str, Any]  # of the API, as in a PATCH
    event_id: str | None = None  # a real event; else a sample
    event_type: str | None = None
    sample: str = "typical"
    recent: int = RECENT_DEFAULT


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One of the last events: None when it would be sent, else the reason that the trace would give."""

    event: Event
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Previewed:
    """What was found."""

    told: Told
    shown: str  # the event's id, or type and name of the sample; empty when there is none
    rendered: Rendered | None
    fault: str  # why there is no payload
    recent: tuple[Tried, ...]


class Previews(Create):
    """Nothing is stored and nothing is sent. Real events are for those who may read events."""

    async def preview(self, caller: Caller, wish: PreviewWish) -> Previewed:
        """Raises Invalid for members that cannot be read, NotFound, or Forbidden for real events."""
        site = await self._site(caller.site)
        spec = await self._wanted(caller, wish)
        declared = await self._declared(site)
        told = told_of(spec, site, self._limits, declared)
        may_read = caller.may(Permission.EVENTS_READ)
        frozen, shown = await self._frozen(caller, wish, spec, site, declared)
        rendered, fault = self._rendered(spec, frozen) if frozen is not None else (None, "")
        is_asked = may_read and not any(one.pointer.startswith(("/filter", "/changed")) for one in told.faults)
        recent = await self._recent(caller, spec, wish.recent) if is_asked else ()
        return Previewed(told=told, shown=shown, rendered=rendered, fault=fault, recent=recent)

    async def _wanted(self, caller: Caller, wish: PreviewWish) -> WebhookSpec:
        before = _NEW if wish.webhook_id is None else spec_of(await self.get(caller.site, wish.webhook_id))
        wanted = patch(before, wish.members)
        faults = [*wanted.faults]
        if wanted.spec.kind not in self._kinds:
            faults.append(FaultAt(pointer="/kind", code="not_available", detail="There is no such receiver kind."))
        if wanted.spec.format not in ("desk", "standard", "cloudevents", "template"):
            faults.append(FaultAt(pointer="/format", code="choice", detail="There is no such format."))
        if faults:
            raise Invalid(INVALID, faults=tuple(faults))
        return wanted.spec

    async def _frozen(
        self, caller: Caller, wish: PreviewWish, spec: WebhookSpec, site: Site, declared: Mapping[str, str]
    ) -> tuple[Frozen | None, str]:
        webhook = as_webhook(spec, site, wish.webhook_id or "whk_preview")
        if wish.event_id is not None:
            if not caller.may(Permission.EVENTS_READ):
                raise Forbidden("Looking at real events needs the permission events:read.")
            event = await self._store.events.get(caller.site, wish.event_id)
            if event is None:
                raise NotFound
            return _frozen_event(event, webhook, site), event.id
        choices = (wish.event_type,) if wish.event_type else spec.event_types
        found = [one for one in samples_of(choices, site.site, declared) if one.name in (wish.sample, "declared")]
        if not found:
            return None, ""
        return frozen_sample(found[0], webhook, site), _name_of(found[0])

    def _rendered(self, spec: WebhookSpec, frozen: Frozen) -> tuple[Rendered | None, str]:
        try:
            return self._kinds[spec.kind].render(replace(frozen, portal_url=self._policy.base_url), self._limits), ""
        except RenderRefused as refused:
            return None, refused.text
        except ValueError as error:
            return None, str(error)

    async def _recent(self, caller: Caller, spec: WebhookSpec, count: int) -> tuple[Tried, ...]:
        """The last real events of the chosen types."""
        found: list[Tried] = []
        before: str | None = None
        for _ in range(_LOOKED_AT_MAX // _PAGE):
            rows = await self._store.events.page(caller.site, EventFilter(test=False), before, _PAGE)
            chosen = [one for one in rows if not one.is_erased and _is_chosen(spec, one)]
            found.extend(self._tried(one, spec) for one in chosen[: count - len(found)])
            if len(found) == count or len(rows) < _PAGE:
                break
            before = rows[-1].id
        return tuple(found)

    def _tried(self, event: Event, spec: WebhookSpec) -> Tried:
        seen = Seen(event.snapshot)
        reason = refusal(spec.filter, spec.changed_fields, seen, changed_in(seen), self._limits)
        return Tried(event=event, reason=reason)


def _is_chosen(spec: WebhookSpec, event: Event) -> bool:
    return any(matches(choice, event.type) for choice in spec.event_types)


def _frozen_event(event: Event, webhook: Webhook, site: Site) -> Frozen:
    return Frozen(
        webhook=webhook,
        delivery_id=DeliveryId("dlv_preview"),
        event_ids=(event.id,),
        event_types=(event.type,),
        occurred_at=(event.occurred_at,),
        snapshots=(event.snapshot,),
        created_at=event.received_at,
        site=site,
    )


def _name_of(one: Sample) -> str:
    return f"{one.type}, {one.name} sample"
