"""The tab Webhook Security: how to verify, in six languages, and a check of one captured request."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from starlette.responses import Response

from deskbell.model.instant import to_seconds
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.portal.forms import Fields
from deskbell.portal.page import PageAsk, respond
from deskbell.portal.webhook.rows import load
from deskbell.rules.verifying import Finding
from deskbell.rules.verifying_report import OtherSecret, report

LANGUAGES = {
    "python": ("Python", True),
    "node": ("Node", True),
    "csharp": ("C#", False),
    "php": ("PHP", False),
    "go": ("Go", False),
    "shell": ("Shell", False),
}
"""Key: name, and whether the tests run this very text."""


@dataclass(frozen=True, kw_only=True)
class SecurityView:
    """What the tab shows."""

    webhooks: Sequence[Webhook]
    language: str
    code: str
    is_run: bool
    chosen: str = ""
    headers: str = ""
    body: str = ""
    findings: Sequence[Finding] = ()


@cache
def code_of(language: str) -> str:
    """The example in this language."""
    return (resources.files("deskbell.portal") / "templates" / "code" / f"{language}.txt").read_text("utf-8")


async def security_view(ask: PageAsk, language: str = "") -> SecurityView:
    """The tab without a check."""
    language = language if language in LANGUAGES else "python"
    webhooks = [one for one in await ask.rooms.store.webhooks.all(ask.site) if one.state is not WebhookState.DELETED]
    return SecurityView(webhooks=webhooks, language=language, code=code_of(language), is_run=LANGUAGES[language][1])


def header_pairs(text: str) -> list[tuple[str, str]]:
    """Pasted header lines."""
    pairs = [line.partition(":") for line in text.splitlines() if ":" in line]
    return [(name.strip(), value.strip()) for name, _, value in pairs]


async def check(ask: PageAsk) -> Response:
    """Judge a pasted request with the webhook's secrets; nothing of it is stored or logged."""
    form = Fields(values=ask.form())
    view = await security_view(ask)
    webhook = await ask.rooms.registrations.get(ask.site, form.text("webhook"))
    body = form.raw("body").encode()
    secrets = await ask.rooms.registrations.secrets(ask.site, webhook.id)
    findings = report(
        header_pairs(form.raw("headers")),
        body,
        secrets,
        to_seconds(ask.rooms.clock.now()),
        others=await other_secrets(ask, view.webhooks, webhook.id),
    )
    checked = SecurityView(
        webhooks=view.webhooks,
        language=view.language,
        code=view.code,
        is_run=view.is_run,
        chosen=webhook.id,
        headers=form.raw("headers"),
        body=form.raw("body"),
        findings=findings,
    )
    return await respond(
        ask,
        "pages/webhook.html",
        part="parts/finding.html",
        tab="security",
        view=await load(ask),
        opened=None,
        deleted=(),
        sample=None,
        security=checked,
    )


async def other_secrets(ask: PageAsk, webhooks: Sequence[Webhook], but: str) -> list[OtherSecret]:
    """The secrets of the site's other webhooks."""
    found = []
    for webhook in webhooks:
        if webhook.id != but:
            texts = await ask.rooms.registrations.secrets(ask.site, webhook.id)
            found += [OtherSecret(webhook=f"“{webhook.description}”", secret=text) for text in texts]
    return found
