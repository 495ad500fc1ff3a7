"""Rings as they travel between processes: ids only, never values, in payloads that PostgreSQL takes."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

PAYLOAD_BYTES_MAX = 7_900
"""PostgreSQL takes less than 8,000."""

WORK = frozenset({"due", "changed", "asked", "cancelled", "shares", "timer", "replays", "look"})
"""Rings that somebody must act on: they are sent at once. Their details are ids already."""

NEWS = frozenset({"event", "delivery", "attempt", "capture", "replay", "webhook", "desk"})
"""Rings for open pages and streams: they are sent in small batches."""

ROWS = frozenset({"event", "delivery", "attempt", "capture", "replay"})
"""News whose detail is a row: its site and id travel, and the row is read where it is heard."""

Ring = tuple[Any, ...]
"""The bell, then the ids."""


class NotOurs(ValueError):
    """Somebody else used the channel."""


def outgoing(bell: str, detail: Any) -> Ring | None:
    """The ring as ids; None when it concerns this process alone."""
    if bell in ROWS:
        return (bell, detail.site, detail.id)
    if bell in WORK or bell in NEWS:
        return (bell, *detail) if isinstance(detail, tuple) else (bell, detail)
    return None


def detail_of(ring: Ring) -> Any:
    """What a listener is given of a ring whose detail is no row."""
    return ring[1:] if len(ring) > 2 else ring[1]


def payloads(node: str, rings: Iterable[Ring]) -> Iterator[str]:
    """Pack rings into as few payloads as they fit in."""
    packed: list[bytes] = []
    size = room = PAYLOAD_BYTES_MAX - len(_encode([node])) - 2
    for ring in rings:
        text = _encode(ring)
        if packed and len(text) + 1 > size:
            yield _payload(node, packed)
            packed, size = [], room
        if len(text) + 1 <= room:  # a longer one is no list of ids
            packed.append(text)
            size -= len(text) + 1
    if packed:
        yield _payload(node, packed)


def read_payload(text: str) -> tuple[str, list[Ring]]:
    """The node that rang, and its rings. Raises NotOurs."""
    try:
        node, *rings = msgspec.json.decode(text, type=list[Any])
    except ValueError as error:
        raise NotOurs(str(error)) from None
    if not isinstance(node, str) or not all(isinstance(one, list) and len(one) >= 2 for one in rings):
        raise NotOurs("not a node and its rings")
    return node, [tuple(one) for one in rings]


def _payload(node: str, packed: list[bytes]) -> str:
    return b",".join([b"[" + _encode(node), *packed]).decode() + "]"


_encode = msgspec.json.encode
