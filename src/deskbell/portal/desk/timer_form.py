"""The form of a dwell rule: what it shows, and what it asks for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deskbell.model.timer import DwellRule
from deskbell.portal.forms import Fields

UNITS = (("1", "seconds"), ("60", "minutes"), ("3600", "hours"), ("86400", "days"))
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIELD_OF = MappingProxyType(
    {
        "subject": "what",
        "status": "what",
        "longerThanSeconds": "longer",
        "repeatEverySeconds": "repeat",
        "repeatMax": "times",
        "businessHours": "hours",
        "description": "description",
    }
)
"""Members of the API: fields of the form."""
LABELS = MappingProxyType(
    {
        "what": "What",
        "longer": "Longer than",
        "repeat": "Again every",
        "times": "At most",
        "hours": "Business hours",
        "description": "Description",
    }
)
Texts = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a rule can wait in."""

    value: str  # chat:handled, ticket:4
    name: str


def statuses_of(names: Mapping[tuple[str, str], str]) -> list[Status]:
    """The choices, chats first."""
    return [
        Status(value=f"{subject}:{status}", name=f"{subject.capitalize()} · {name}")
        for (subject, status), name in names.items()
    ]


def fresh(body: Mapping[str, Any] | None = None) -> Fields:
    """A form that nobody has filled, but for what was offered."""
    body = body or {"subject": "chat", "status": "handled", "longerThanSeconds": 3600}
    longer, unit = with_unit(body["longerThanSeconds"])
    return _fields(what=f"{body['subject']}:{body['status']}", longer=longer, longer_unit=unit)


def filled(rule: DwellRule) -> Fields:
    """The form as the rule is."""
    longer, longer_unit = with_unit(rule.longer_than_s)
    repeat, repeat_unit = with_unit(rule.repeat_every_s) if rule.repeat_every_s else ("", "3600")
    hours = json.loads(rule.business_hours) if rule.business_hours else None
    return _fields(
        what=f"{rule.subject}:{rule.status}",
        description=rule.description,
        longer=longer,
        longer_unit=longer_unit,
        repeat=repeat,
        repeat_unit=repeat_unit,
        times=str(rule.repeat_max or ""),
        hours=hours,
    )


def _fields(hours: Mapping[str, Any] | None = None, **texts: str) -> Fields:
    shown = {"repeat_unit": "3600", **texts}
    values: dict[str, Sequence[str]] = {name: [text] for name, text in shown.items()}
    known = hours or {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "17:00", "timeZone": ""}
    values |= {"days": [str(day) for day in known["days"]], "hours": ["on"] if hours else []}
    values |= {"from": [known["from"]], "to": [known["to"]], "zone": [known["timeZone"]]}
    return Fields(values=values)


def with_unit(seconds: int) -> tuple[str, str]:
    """A length of time as a number and the largest unit that divides it."""
    unit = next(size for size, _ in reversed(UNITS) if seconds % int(size) == 0)
    return str(seconds // int(unit)), unit


def members_of(form: Fields) -> dict[str, Any]:
    """What the form asks for, as members of the API; None stands for what it leaves out."""
    subject, _, status = form.text("what").partition(":")
    hours = {
        "days": [int(day) for day in form.many("days") if day in "1234567"],
        "from": form.given("from"),
        "to": form.given("to"),
        "timeZone": form.given("zone"),
    }
    return {
        "subject": subject,
        "status": status,
        "description": form.given("description"),
        "longerThanSeconds": _seconds(form, "longer"),
        "repeatEverySeconds": _seconds(form, "repeat"),
        "repeatMax": _number(form.text("times")),
        "businessHours": hours if form.flag("hours") else None,
    }


def _seconds(form: Fields, name: str) -> float | str | None:
    """A number times its unit; what is no number is left to be refused."""
    found, unit = _number(form.text(name)), form.whole(f"{name}_unit")
    return found * unit if isinstance(found, float) and unit else found


def _number(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text
