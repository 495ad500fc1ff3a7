"""Check a pasted request against a webhook's secrets; nothing of it is stored or logged."""

from typing import Any

from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json
from deskbell.api.shapes import Input
from deskbell.model.account import Permission
from deskbell.model.instant import to_seconds
from deskbell.rules.verifying import verify_signature
from deskbell.server.once import Keeps
from deskbell.server.route import Route


class VerifyInput(Input):
    """The webhook, the headers as received, the raw body."""

    webhook_id: str
    headers: dict[str, str] | list[tuple[str, str]]
    body: str


async def verify(ask: ApiAsk) -> Response:
    """Whether the request was signed by this webhook, and if not, why."""
    given = ask.json(VerifyInput)
    webhook = await ask.rooms.registrations.get(ask.site, given.webhook_id)
    secrets = await ask.rooms.registrations.secrets(ask.site, webhook.id)
    pairs = list(given.headers.items()) if isinstance(given.headers, dict) else list(given.headers)
    now_s = to_seconds(ask.rooms.clock.now())
    finding = verify_signature(pairs, given.body.encode(), secrets, now_s=now_s)
    return json({"valid": finding.valid, "finding": finding.name, "text": finding.text})


ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="POST",
        path="/webhooks/verify",
        keeps=Keeps.NOTHING,
        permission=Permission.WEBHOOKS_READ,
        handler=verify,
        request=VerifyInput,
        summary="Check a signature",
    ),
)
