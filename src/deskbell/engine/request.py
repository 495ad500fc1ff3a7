"""The request of one attempt: payload, headers of wire.md 3, signatures."""

from deskbell import __version__
from deskbell.engine.opened import Opened
from deskbell.engine.parcel import Parcel
from deskbell.model.delivery import Trigger
from deskbell.model.exchange import Sendable
from deskbell.model.instant import Instant, format_instant, unix_seconds
from deskbell.model.rendering import Frozen, Rendered
from deskbell.model.site import Site

USER_AGENT = f"Deskbell/{__version__}"
Headers = tuple[tuple[str, str], ...]


class Unreadable(Exception):
    """An event of this delivery is missing or cannot be read."""


def freeze(parcel: Parcel, site: Site | None, portal_url: str) -> Frozen:
    """What the payload is made of: stored data only. Raises Unreadable when a part of it is missing."""
    if not parcel.events:
        raise Unreadable("an event of this delivery is missing or cannot be read")
    if any(event.is_erased for event in parcel.events):
        raise Unreadable("its content was erased on request")
    return Frozen(
        webhook=parcel.shape,
        delivery_id=parcel.delivery.id,
        event_ids=parcel.delivery.event_ids,
        event_types=tuple(event.type for event in parcel.events),
        occurred_at=tuple(event.occurred_at for event in parcel.events),
        snapshots=tuple(event.snapshot for event in parcel.events),
        created_at=parcel.delivery.created_at,
        site=site,
        portal_url=portal_url,
    )


def build(parcel: Parcel, rendered: Rendered, opened: Opened, now: Instant, *, signed: bool) -> Sendable:
    """The request, complete but for Host. A receiver that is not signed gets no header that names Deskbell's work."""
    body = rendered.body
    headers = [
        ("content-type", rendered.content_type),
        ("content-length", str(len(body))),
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
        ("user-agent", USER_AGENT),
        *rendered.headers,
    ]
    if signed:
        headers += signatures(parcel, body, opened, now)
        headers += about(parcel)
        ours = {name for name, _ in headers}
        headers += [(name, value) for name, value in opened.headers if name.lower() not in ours]
    identity = opened.identity if signed else None
    return Sendable(site=parcel.delivery.site, url=opened.url, headers=tuple(headers), body=body, identity=identity)


def signatures(parcel: Parcel, body: bytes, opened: Opened, now: Instant) -> list[tuple[str, str]]:
    """Standard Webhooks with every live secret; the seed's scheme and the optional ones with the newest."""
    message_id, ts, keys = parcel.delivery.id, unix_seconds(now), opened.live_keys(now)
    headers = [("webhook-id", message_id), ("webhook-timestamp", str(ts))]
    if not keys:
        return headers
    newest, style = keys[0].key, opened.webhook.signature
    headers.append(("webhook-signature", " ".join(one.key.v1(message_id, ts, body) for one in keys)))
    dd = newest.dd(body, style.dd_encoding)
    if dd is not None:
        headers.append(("x-dd-signature", dd))
    if style.also == "github":
        headers.append(("x-hub-signature-256", newest.github(body)))
    elif style.also == "stripe":
        headers.append(("stripe-signature", newest.stripe(ts, body)))
    return headers


def about(parcel: Parcel) -> list[tuple[str, str]]:
    """The deskbell-* headers: what this is, which attempt, and how far from its cause."""
    delivery = parcel.delivery
    headers = [
        ("deskbell-event", ",".join(delivery.event_types)),
        ("deskbell-attempt", str(delivery.attempts + 1)),
    ]
    if parcel.trigger in (Trigger.MANUAL, Trigger.REPLAY) or delivery.copy_of is not None:
        headers.append(("deskbell-redelivery", "true"))
    oldest = min(event.occurred_at for event in parcel.events)
    headers.append(("deskbell-triggered-at", format_instant(oldest)))
    headers.append(("deskbell-hop", str(delivery.hop + 1)))
    return headers


def shown_headers(sendable: Sendable, opened: Opened) -> Headers:
    """The request headers as the attempt's record shows them: own values masked."""
    if not opened.masked_headers:
        return sendable.headers
    own = {name for name, _ in opened.masked_headers}
    kept = tuple(pair for pair in sendable.headers if pair[0] not in own)
    return kept + opened.masked_headers
