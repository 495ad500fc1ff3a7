"""The route table of the API: the one place that OpenAPI, tests, docs and the door read."""

from typing import Any

from deskbell.api import (
    audit,
    catalogue,
    chats,
    deliveries,
    dwell_rules,
    erasures,
    events,
    inspector,
    keys,
    own,
    people,
    replays,
    root,
    sign_on,
    site,
    stream,
    tickets,
    users,
    verify,
    webhook_preview,
    webhook_secrets,
    webhook_states,
    webhooks,
)
from deskbell.server.route import Route

API_ROUTES: tuple[Route[Any], ...] = (
    *site.ROUTES,
    *verify.ROUTES,
    *webhooks.ROUTES,
    *webhook_preview.ROUTES,
    *webhook_states.ROUTES,
    *webhook_secrets.ROUTES,
    *catalogue.ROUTES,
    *events.ROUTES,
    *deliveries.ROUTES,
    *replays.ROUTES,
    *erasures.ROUTES,
    *stream.ROUTES,
    *inspector.ROUTES,
    *people.ROUTES,
    *chats.ROUTES,
    *tickets.ROUTES,
    *dwell_rules.ROUTES,
    *keys.ROUTES,
    *users.ROUTES,
    *own.ROUTES,
    *audit.ROUTES,
    *sign_on.ROUTES,
)
"""Below /api/v1. `POST /events` is answered by server/hot_path.py and described in openapi.py."""

ROOT_ROUTES: tuple[Route[Any], ...] = (*root.ROUTES, *catalogue.ROOT_ROUTES)
"""At the root."""
