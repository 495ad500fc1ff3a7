"""A dwell rule as a JSON object: read with every fault at once, and written back."""

import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from deskbell.desk.lists import LIST_ID_MAX
from deskbell.desk.reading import Reading
from deskbell.model.chat import ChatStatus
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.ticket import TicketLists
from deskbell.model.timer import DwellRule
from deskbell.rules.hours import DAY_S, seconds_of_day
from deskbell.rules.limits import Limits

RULE_MEMBERS = (
    "description", "subject", "status", "longerThanSeconds", "repeatEverySeconds", "repeatMax", "businessHours",
    "enabled",
)  # fmt: skip
SUBJECTS = ("chat", "ticket")
CHAT_STATUSES = tuple(status.value for status in ChatStatus)
_HOURS_MEMBERS = ("days", "from", "to", "timeZone")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)
_WEEKS_MAX = 60
"""A stay counted in business hours is over within so many weeks; else its hours are not what was meant."""


def merged(rule: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch: null removes, an object is merged member by member."""
    after = dict(rule)
    for name, value in patch.items():
        known = after.get(name)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            after[name] = merged(known, value)
        elif value is None:
            after.pop(name, None)
        else:
            after[name] = value
    return after


def read_rule(
    body: Mapping[str, Any], site: SiteId, rule_id: str, zone: str, lists: TicketLists, at: Instant, limits: Limits
) -> DwellRule:
    """The rule that the body tells. Raises Invalid."""
    reading = Reading(body, limits)
    reading.unknown(RULE_MEMBERS)
    reading.required("subject", "status", "longerThanSeconds")
    subject = reading.choice("subject", SUBJECTS)
    longer_than_s = reading.integer("longerThanSeconds", 1, limits.dwell_s_max)
    every_s = reading.integer("repeatEverySeconds", 1, limits.dwell_s_max)
    repeat_max = reading.integer("repeatMax", 1, limits.dwell_repeat_max)
    if repeat_max is not None and every_s is None:
        reading.fault("repeatEverySeconds", "required", "Say how often it is told again, or leave out `repeatMax`.")
    hours = _hours(reading, zone, longer_than_s)
    rule = DwellRule(
        site=site,
        id=rule_id,
        description=reading.line("description") or "",
        subject=subject or "",
        status=_status(reading, subject, lists),
        longer_than_s=longer_than_s or 0,
        repeat_every_s=every_s,
        repeat_max=0 if every_s is None else repeat_max or 1,
        business_hours=hours,
        enabled=reading.flag("enabled") is not False,
        created_at=at,
    )
    reading.done()
    return rule


def _status(reading: Reading, subject: str | None, lists: TicketLists) -> str:
    """The name of a chat's status, or the id of a ticket's as text."""
    told = reading.body.get("status")
    if subject == "chat" or told is None:
        return reading.choice("status", CHAT_STATUSES) or "" if subject else ""
    number = int(told) if isinstance(told, str) and told.isascii() and told.isdigit() and len(told) < 11 else told
    found = Reading({"status": number}, reading.limits, faults=reading.faults).integer("status", 1, LIST_ID_MAX)
    if found is not None and all(status.id != found for status in lists.statuses):
        known = ", ".join(f"{status.id} {status.name}" for status in lists.statuses[:20])
        reading.fault("status", "unknown", f"There is no such status. The list has: {known}.")
    return str(found or "")


def _hours(reading: Reading, zone: str, longer_than_s: int | None) -> str | None:
    """The business hours as they are stored; None without any."""
    told = reading.inside("businessHours")
    if told is None:
        return None
    told.unknown(_HOURS_MEMBERS)
    told.required("days", "from", "to")
    days = sorted(_days(told))
    if told.body.get("days") == []:
        told.fault("days", "empty", "At least one day is needed: 1 is Monday, 7 is Sunday.")
    opens, closes = (told.pattern(name, _TIME, "a time of day such as 09:00") for name in ("from", "to"))
    if opens and closes and seconds_of_day(opens) >= seconds_of_day(closes):
        told.fault("to", "order", "The end must be later than the start, on the same day; `24:00` is its end.")
    elif opens and closes and days and longer_than_s:
        week_s = len(days) * (seconds_of_day(closes) - seconds_of_day(opens))
        if longer_than_s > _WEEKS_MAX * week_s:
            reading.fault("longerThanSeconds", "range", "Counted in these hours, that takes more than a year.")
    hours = {"days": days, "from": opens, "to": closes, "timeZone": _zone(told, zone)}
    return json.dumps(hours, separators=(",", ":"))


def _days(told: Reading) -> set[int]:
    found = set()
    for place, value in enumerate(told.items("days", 7)):
        one = Reading({str(place): value}, told.limits, at=f"{told.at}/days", faults=told.faults)
        one.required(str(place))
        found.add(one.integer(str(place), 1, 7) or 0)
    return found


def _zone(told: Reading, default: str) -> str:
    name = told.line("timeZone") or default
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, malformed, or the name of a folder
        told.fault("timeZone", "time_zone", "Use a name of the time zone database, like Europe/Vienna.")
    return name


def rule_body(rule: DwellRule) -> dict[str, Any]:
    """What can be told of a rule, as it is now."""
    body: dict[str, Any] = {
        "description": rule.description,
        "subject": rule.subject,
        "status": rule.status,
        "longerThanSeconds": rule.longer_than_s,
        "repeatEverySeconds": rule.repeat_every_s,
        "repeatMax": rule.repeat_max or None,
        "businessHours": None if rule.business_hours is None else json.loads(rule.business_hours),
        "enabled": rule.enabled,
    }
    return body


def offered(lists: TicketLists) -> tuple[dict[str, Any], ...]:
    """Rules that most desks want, ready to be created."""
    approval = next((status for status in lists.statuses if status.is_approval_required), None)
    found = [
        {"subject": "chat", "status": ChatStatus.HANDLED.value, "longerThanSeconds": 3_600},
        {"subject": "chat", "status": ChatStatus.CREATED.value, "longerThanSeconds": 120},
    ]
    if approval is not None:
        found.append({"subject": "ticket", "status": str(approval.id), "longerThanSeconds": 2 * DAY_S})
    return tuple(found)
