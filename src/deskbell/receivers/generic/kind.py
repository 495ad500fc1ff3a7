"""The generic kind as data: its settings form, and the functions that render and judge."""

from collections.abc import Mapping
from typing import Any, Literal

from deskbell.model.exchange import Outcome, Reply
from deskbell.model.instant import Instant
from deskbell.model.rendering import Frozen, Rendered
from deskbell.receivers.contract import Field, Finding
from deskbell.receivers.generic.classify import classify
from deskbell.receivers.generic.render import render
from deskbell.rules.catalogue import sample
from deskbell.rules.diagnosis import Diagnosis, diagnose
from deskbell.rules.limits import Limits

_FIELDS = (
    Field(name="url", type="url", title="Receiver URL", help="Where to POST. https only.", required=True, secret=True),
    Field(
        name="format",
        type="choice",
        title="Payload format",
        help="desk: a JSON list of snapshots. standard: one object with type, timestamp and data.",
        default="desk",
        choices=("desk", "standard", "cloudevents", "template"),
    ),
    Field(name="headers", type="headers", title="Own headers", help="Up to 20, with fixed values.", secret=True),
)


class GenericKind:
    """Any program that takes a signed POST with JSON."""

    name: str = "generic"
    title: str = "Any HTTPS receiver"
    transport: Literal["http", "smtp"] = "http"
    signed: bool = True
    fields: tuple[Field, ...] = _FIELDS

    def check(self, settings: Mapping[str, Any]) -> tuple[Finding, ...]:
        """Own settings: there are none."""
        return tuple(
            Finding(level="refuse", field=name, code="setting_unknown", text=f"There is no setting {name}.")
            for name in settings
        )

    def render(self, frozen: Frozen, limits: Limits) -> Rendered:
        """The payload in the webhook's format."""
        return render(frozen, limits)

    def classify(self, reply: Reply, now: Instant, limits: Limits) -> Outcome:
        """The status decides."""
        return classify(reply, now, limits)

    def verdict(self, outcome: Outcome) -> Diagnosis:
        """The common table says it all."""
        return diagnose(outcome.name, outcome.status, outcome.text, kind=outcome.kind)

    def sample(self, event_type: str) -> bytes:
        """A typical snapshot from the Catalogue."""
        return sample(event_type, "typical")


KIND = GenericKind()
