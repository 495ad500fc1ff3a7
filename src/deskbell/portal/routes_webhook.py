"""Routes of the Webhook page and what is done from it."""

from typing import Any

from deskbell.model.account import Permission
from deskbell.portal.webhook import create, deleted, display, edit, preview, sample, security, show, steps, switch
from deskbell.rules.catalogue import SAMPLE_NAMES
from deskbell.server.route import Param, Route

READ, WRITE, REPLAY = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE, Permission.DELIVERIES_REPLAY
STATES = ("healthy", "failing", "new", "paused", "disabled")
SAMPLE_QUERY = (
    Param(name="type", description="Event type of the sample."),
    Param(name="format", description="Payload format.", choices=tuple(sample.FORMATS)),
    Param(name="size", description="Which sample.", choices=SAMPLE_NAMES),
    Param(name="view", description="Sample or a schema.", choices=tuple(sample.VIEWS)),
)
OFFER = (
    Param(name="offer", description="Which event types are offered.", choices=("ticket", "chat", "custom")),
    Param(name="bin", description="An inspector bin whose address is filled in."),
)
PAGE_QUERY = (
    Param(name="tab", description="Which tab.", choices=show.TABS),
    Param(name="open", description="The webhook whose row is open."),
    Param(name="q", description="Words in description, host or event type."),
    Param(name="state", description="Only webhooks in this state.", choices=STATES),
    Param(name="lang", description="Language of the example.", choices=tuple(security.LANGUAGES)),
    *SAMPLE_QUERY,
)


def asks(verb: str, permission: Permission) -> Route[Any]:
    """The page of a change that needs an answer first."""
    return Route(
        method="GET", path=f"/webhook/{{id}}/{verb}", permission=permission, handler=steps.ask_first,
        summary=f"Ask before: {verb}",
    )  # fmt: skip


def does(verb: str, permission: Permission, handler: Any, audit: str = "none") -> Route[Any]:
    """A change of one webhook."""
    return Route(
        method="POST", path=f"/webhook/{{id}}/{verb}", permission=permission, handler=handler,
        summary=f"Webhook: {verb}", audit=audit,
    )  # fmt: skip


WEBHOOK_ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET", path="/webhook", permission=READ, handler=show.show, summary="The Webhook page", query=PAGE_QUERY
    ),
    Route(
        method="GET", path="/webhook/sample.json", permission=READ, handler=sample.download,
        summary="A sample as a file", query=SAMPLE_QUERY,
    ),
    Route(
        method="POST", path="/webhook/check-signature", permission=READ, handler=security.check,
        summary="Check a signature", body_bytes_max=4_194_304,
    ),
    Route(
        method="POST", path="/webhook/slider", permission=Permission.SITE_ADMIN, handler=switch.slide,
        summary="Set the slider", audit="site.slider",
    ),
    Route(
        method="POST", path="/webhook/restored", permission=Permission.SITE_ADMIN, handler=switch.answer_restored,
        summary="What to do with what waits since a restore", audit="site.restored",
    ),
    Route(
        method="POST", path="/webhook/missed", permission=Permission.SITE_ADMIN, handler=switch.answer_missed,
        summary="Replay or leave the missed events", audit="site.missed",
    ),
    Route(
        method="GET", path="/webhook/new", permission=WRITE, handler=create.show, summary="The form of a new webhook",
        query=OFFER,
    ),
    Route(
        method="POST", path="/webhook/new", permission=WRITE, handler=create.create, summary="Create a webhook",
        audit="webhook.create",
    ),
    Route(
        method="POST", path="/webhook/preview", permission=WRITE, handler=preview.preview, summary="Try what is typed",
        query=(Param(name="part", description="Which part.", choices=tuple(preview.PARTS)),),
    ),
    Route(
        method="GET", path="/webhook/test", permission=REPLAY, handler=steps.choose_test,
        summary="Choose for a test event",
    ),
    Route(method="POST", path="/webhook/test", permission=REPLAY, handler=steps.test, summary="Send a test event"),
    Route(
        method="GET", path="/webhook/{id}/edit", permission=WRITE, handler=edit.show, summary="The form of a webhook"
    ),
    does("edit", WRITE, edit.save, "webhook.change"),
    does("detail", READ, display.display, "webhook.reveal"),
    asks("pause", REPLAY),
    does("pause", REPLAY, steps.pause, "webhook.pause"),
    asks("resume", REPLAY),
    does("resume", REPLAY, steps.resume, "webhook.resume"),
    asks("enable", WRITE),
    does("enable", WRITE, steps.enable, "webhook.enable"),
    does("disable", WRITE, steps.disable, "webhook.disable"),
    asks("rotate", WRITE),
    does("rotate", WRITE, steps.rotate, "webhook.rotate"),
    does("end-overlap", WRITE, steps.end_overlap, "webhook.end_overlap"),
    asks("delete", WRITE),
    does("delete", WRITE, steps.delete, "webhook.delete"),
    asks("restore", WRITE),
    does("restore", WRITE, deleted.restore, "webhook.restore"),
    does("undo-delete", WRITE, deleted.undo, "webhook.restore"),
    does("test", REPLAY, steps.test),
    does("send-one", REPLAY, steps.send_one),
)  # fmt: skip
