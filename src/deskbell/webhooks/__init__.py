"""Webhooks: registering, changing, pausing, deleting and restoring them, their secrets, and the site's slider."""

from deskbell.webhooks.answers import Changed, Created, Revealed, RevealedSecret, Rotated
from deskbell.webhooks.registrations import Registrations
from deskbell.webhooks.spec import WebhookSpec, read_spec

__all__ = [
    "Changed",
    "Created",
    "Registrations",
    "Revealed",
    "RevealedSecret",
    "Rotated",
    "WebhookSpec",
    "read_spec",
]
