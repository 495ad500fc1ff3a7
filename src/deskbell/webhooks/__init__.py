"""Webhooks: registering, changing, pausing, deleting and restoring them, their secrets, the slider, and replays."""

from deskbell.webhooks.answers import Changed, Created, Released, Revealed, RevealedSecret, Rotated
from deskbell.webhooks.erasing import Erasable, Erasures, must_own
from deskbell.webhooks.preview import RECENT_MAX, Previewed, PreviewWish, Tried
from deskbell.webhooks.registrations import Registrations
from deskbell.webhooks.replay_reading import Counted, Progress
from deskbell.webhooks.replay_wish import Wish
from deskbell.webhooks.replays import Replays
from deskbell.webhooks.spec import WebhookSpec, read_spec

__all__ = [
    "RECENT_MAX",
    "Changed",
    "Counted",
    "Created",
    "Erasable",
    "Erasures",
    "PreviewWish",
    "Previewed",
    "Progress",
    "Registrations",
    "Released",
    "Replays",
    "Revealed",
    "RevealedSecret",
    "Rotated",
    "Tried",
    "WebhookSpec",
    "Wish",
    "must_own",
    "read_spec",
]
