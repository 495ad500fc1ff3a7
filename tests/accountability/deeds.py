"""How each changing route is asked for: what is made before, then the one request that is looked at."""

import time
from collections.abc import Callable
from typing import Any

from accountability.bench import Bench
from portal_kit import OWNER, Browser

Asked = tuple[str, Any]
"""Path and body, or path and form."""
HOOK = {"description": "t", "receiverUrl": "http://127.0.0.1:9/hook-of-a-test-1234567890", "eventTypes": ["chat.*"]}
FORM: dict[str, object] = {
    "offer": "custom", "description": "t", "url": "http://127.0.0.1:9/hook-of-a-test-1234567890", "types": "chat.*",
    "kind": "generic", "format": "desk", "anyway": "yes",
}  # fmt: skip
RULE = {"subject": "chat", "status": "handled", "longerThanSeconds": 3600}


def of_hook(step: str, body: Any = None, before: str = "") -> Callable[[Bench], Asked]:
    """A step of a webhook that is there, after another step."""

    def asked(bench: Bench) -> Asked:
        hook = bench.hook()
        if before:
            method, _, path = before.partition(" ")
            bench.good(method, f"/webhooks/{hook}{path}", {} if method == "POST" else None)
        return f"/webhooks/{hook}{step}", body

    return asked


def missed(bench: Bench) -> Asked:
    """The question that the slider leaves open."""
    bench.missed()
    return "/site/missed", {"answer": "leave"}


API: dict[str, Callable[[Bench], Asked]] = {
    "PATCH /site": lambda _: ("/site", {"name": "Another name"}),
    "POST /site/missed": missed,
    "POST /webhooks": lambda _: ("/webhooks", HOOK),
    "PATCH /webhooks/{id}": of_hook("", {"description": "other"}),
    "DELETE /webhooks/{id}": of_hook(""),
    "POST /webhooks/{id}/restore": of_hook("/restore", {}, "DELETE "),
    "POST /webhooks/{id}/pause": of_hook("/pause", {}),
    "POST /webhooks/{id}/resume": of_hook("/resume", {}, "POST /pause"),
    "POST /webhooks/{id}/enable": of_hook("/enable", {}, "POST /disable"),
    "POST /webhooks/{id}/disable": of_hook("/disable", {}),
    "GET /webhooks/{id}/secret": of_hook("/secret"),
    "POST /webhooks/{id}/secret/rotate": of_hook("/secret/rotate", {}),
    "DELETE /webhooks/{id}/secret/previous": of_hook("/secret/previous", None, "POST /secret/rotate"),
    "POST /events/{id}/send": lambda b: (f"/events/{b.event()}/send", {"webhookId": b.hook()}),
    "POST /replays": lambda b: ("/replays", {"states": ["exhausted"], "webhookIds": [b.failed()], "ratePerSecond": 1}),
    "POST /replays/{id}/pause": lambda b: (f"/replays/{b.replay()}/pause", None),
    "POST /replays/{id}/resume": lambda b: (f"/replays/{paused(b)}/resume", None),
    "POST /replays/{id}/cancel": lambda b: (f"/replays/{b.replay()}/cancel", None),
    "POST /erasures": lambda b: (b.event(), ("/erasures", {"subject": {"type": "order", "id": "7"}}))[1],
    "POST /inspector/bins": lambda _: ("/inspector/bins", {"name": "b"}),
    "PATCH /inspector/bins/{id}": lambda b: (f"/inspector/bins/{b.box()}", {"name": "c"}),
    "DELETE /inspector/bins/{id}": lambda b: (f"/inspector/bins/{b.box()}", None),
    "POST /desk/dwell-rules": lambda _: ("/desk/dwell-rules", RULE),
    "PATCH /desk/dwell-rules/{id}": lambda b: (f"/desk/dwell-rules/{b.rule(60)}", {"longerThanSeconds": 90}),
    "DELETE /desk/dwell-rules/{id}": lambda b: (f"/desk/dwell-rules/{b.rule(61)}", None),
    "POST /desk/contacts/{key}/link": lambda b: (f"/desk/contacts/{contact(b)}/link", None),
    "POST /keys": lambda _: ("/keys", {"name": "k", "scopes": ["desk:read"]}),
    "DELETE /keys/{id}": lambda b: (f"/keys/{b.made_key()}", None),
    "GET /audit/export": lambda _: ("/audit/export?operation=none", None),
    "PUT /site/sign-on": lambda b: ("/site/sign-on", {**b.sign_on(), "label": f"Again {time.monotonic()}"}),
    "DELETE /site/sign-on": lambda b: (b.sign_on(), ("/site/sign-on", None))[1],
}


def contact(bench: Bench) -> int:
    """A contact's number."""
    return int(bench.good("POST", "/desk/contacts", {"name": "Priya"})["entityId"])


def paused(bench: Bench) -> str:
    """A replay that waits."""
    replay = bench.replay()
    bench.good("POST", f"/replays/{replay}/pause")
    return replay


def page_of_hook(step: str, fields: dict[str, object] | None = None, before: str = "") -> Callable[[Bench], Asked]:
    """The same by a form."""

    def asked(bench: Bench) -> Asked:
        hook = bench.hook()
        if before:
            bench.post(f"/webhook/{hook}/{before}", {})
        return f"/webhook/{hook}/{step}", fields or {}

    return asked


def edited(bench: Bench) -> Asked:
    """The edit form with the version that it showed."""
    path = f"/webhook/{bench.hook()}/edit"
    return path, {**FORM, "url": "", "description": "other", "version": bench.version(path)}


def timer(bench: Bench, seconds: int) -> Asked:
    """A timer's form."""
    path = f"/desk/timers/{bench.rule(seconds)}"
    fields = {"what": "chat:handled", "longer": "9", "longer_unit": "60", "version": bench.version(path)}
    return path, fields


def sso_form(bench: Bench, label: str) -> dict[str, object]:
    """The provider's form."""
    body = bench.sign_on("Before")
    return {
        "issuer": body["issuer"], "client_id": body["clientId"], "client_secret": body["clientSecret"], "label": label
    }  # fmt: skip


def answered(bench: Bench) -> Asked:
    """The question that the slider leaves open, on its page."""
    bench.missed()
    return "/webhook/missed", {"answer": "leave"}


def slid(bench: Bench, path: str, fields: dict[str, object]) -> Asked:
    """The slider stands on before."""
    bench.good("PATCH", "/site", {"webhooksEnabled": True})
    return path, fields


PORTAL: dict[str, Callable[[Bench], Asked]] = {
    "POST /setup/{token}": lambda b: (b.setup_path(), {**OWNER, "email": f"{time.monotonic_ns()}@desk.example"}),
    "POST /erase": lambda b: (b.event(), ("/erase", {"type": "order", "id": "7", "name": "7"}))[1],
    "POST /developer-corner/features": lambda b: slid(b, "/developer-corner/features", {}),
    "POST /masked": lambda _: ("/masked", {"redact": f"/note{time.monotonic_ns()}"}),
    "POST /webhook/slider": lambda b: slid(b, "/webhook/slider", {"enabled": "false"}),
    "POST /webhook/missed": answered,
    "POST /webhook/new": lambda _: ("/webhook/new", FORM),
    "POST /webhook/{id}/edit": edited,
    "POST /webhook/{id}/detail": page_of_hook("detail"),
    "POST /webhook/{id}/pause": page_of_hook("pause"),
    "POST /webhook/{id}/resume": page_of_hook("resume", {"drop_older_than_s": ""}, "pause"),
    "POST /webhook/{id}/enable": page_of_hook("enable", {"held": "resume"}, "disable"),
    "POST /webhook/{id}/disable": page_of_hook("disable"),
    "POST /webhook/{id}/rotate": page_of_hook("rotate", {"overlap_s": "3600"}),
    "POST /webhook/{id}/end-overlap": page_of_hook("end-overlap", None, "rotate"),
    "POST /webhook/{id}/delete": page_of_hook("delete", {"reason": "over"}),
    "POST /webhook/{id}/restore": page_of_hook("restore", None, "delete"),
    "POST /webhook/{id}/undo-delete": page_of_hook("undo-delete", None, "delete"),
    "POST /events/{id}/send": lambda b: (f"/events/{b.event()}/send", {"webhook": b.hook()}),
    "POST /inspector": lambda _: ("/inspector", {"name": "b"}),
    "POST /inspector/{bin}/script": lambda b: (f"/inspector/{b.box()}/script", {"script": "410"}),
    "POST /inspector/{bin}/delete": lambda b: (f"/inspector/{b.box()}/delete", {}),
    "POST /replays/new": lambda b: ("/replays/new", {"state": "exhausted", "webhook": b.failed(), "rate": "1"}),
    "POST /replays/{id}/pause": lambda b: (f"/replays/{b.replay()}/pause", {}),
    "POST /replays/{id}/resume": lambda b: (f"/replays/{paused(b)}/resume", {}),
    "POST /replays/{id}/cancel": lambda b: (f"/replays/{b.replay()}/cancel", {}),
    "POST /desk/timers": lambda _: ("/desk/timers", {"what": "chat:handled", "longer": "7", "longer_unit": "60"}),
    "POST /desk/timers/{id}": lambda b: timer(b, 62),
    "POST /desk/timers/{id}/switch": lambda b: (f"/desk/timers/{b.rule(63)}/switch", {"enabled": ""}),
    "POST /desk/timers/{id}/delete": lambda b: (f"/desk/timers/{b.rule(64)}/delete", {}),
    "POST /people/contacts/{id}/open": lambda b: (f"/people/contacts/{contact(b)}/open", {}),
    "POST /keys/new": lambda _: ("/keys/new", {"name": "k", "scopes": "desk:read", "days": "7"}),
    "POST /keys/{id}/revoke": lambda b: (f"/keys/{b.made_key()}/revoke", {}),
    "POST /audit/export": lambda _: ("/audit/export", {"format": "csv", "operation": "none"}),
    "POST /settings/sign-in": lambda b: ("/settings/sign-in", sso_form(b, "After")),
    "POST /settings/sign-in/remove": lambda b: (b.sign_on(), ("/settings/sign-in/remove", {}))[1],
}


def sign_in(browser: Browser, password: str) -> int:
    """The sign-in form."""
    return browser.post("/login", {"email": OWNER["email"], "password": password, "return_to": "/webhook"}).status
