"""The API's input as the settings of a webhook."""

from collections.abc import Mapping
from typing import Any

import msgspec

from deskbell.api.shapes import WebhookInput
from deskbell.webhooks import WebhookSpec, read_spec


def as_spec(given: WebhookInput) -> WebhookSpec:
    """The settings that were posted."""
    members = msgspec.to_builtins(given)
    members.pop("sendTest")
    return read_spec({name: value for name, value in members.items() if value is not None})


def as_patch(given: dict[str, Any]) -> Mapping[str, Any]:
    """A merge patch is judged by the room; it is passed on as it came."""
    return given
