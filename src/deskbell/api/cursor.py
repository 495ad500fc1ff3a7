"""Cursors: opaque, authenticated, and bound to site, list and query; an altered or foreign one is 400."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from deskbell.model.errors import Unreadable

_TAG_BYTES = 9


@dataclass(frozen=True, kw_only=True)
class Cursors:
    """Writes cursors with one key and reads those of every key, so that a list goes on while keys are rotated."""

    key: bytes
    older: tuple[bytes, ...] = ()

    def write(self, bound_to: str, last: str) -> str:
        """A cursor that continues after `last`."""
        return base64.urlsafe_b64encode(_tag(self.key, bound_to, last) + last.encode()).decode().rstrip("=")

    def read(self, bound_to: str, cursor: str) -> str:
        """The key to continue after. Raises Unreadable unless the cursor is ours for this list."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            last = raw[_TAG_BYTES:].decode()
        except ValueError:
            raise Unreadable("The cursor is not valid. Start the list again without one.") from None
        tags = [_tag(key, bound_to, last) for key in (self.key, *self.older)]
        if not any(hmac.compare_digest(raw[:_TAG_BYTES], tag) for tag in tags):
            raise Unreadable("The cursor is not of this list. Start the list again without one.")
        return last


def _tag(key: bytes, bound_to: str, last: str) -> bytes:
    return hmac.digest(key, f"{bound_to}\0{last}".encode(), hashlib.sha256)[:_TAG_BYTES]
