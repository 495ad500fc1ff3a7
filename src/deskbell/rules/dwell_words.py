"""What a dwell rule does, as a sentence."""

import json

from deskbell.model.timer import DwellRule

_STAYS = {
    "created": "waits for an agent",
    "handled": "stays handled",
    "missed": "stays missed",
    "callback": "waits to be called back",
    "completed": "has been completed",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def sentence(rule: DwellRule, status_name: str) -> str:
    """`Tells when a chat stays handled for more than 1 hour.` and what else the rule says."""
    stays = _STAYS[rule.status] if rule.subject == "chat" else f"stays in {status_name}"
    said = [f"Tells when a {rule.subject} {stays} for more than {length(rule.longer_than_s)}."]
    if rule.repeat_every_s is not None:
        times = "once" if rule.repeat_max == 1 else f"at most {rule.repeat_max} times"
        said.append(f"Tells it again every {length(rule.repeat_every_s)}, {times}.")
    if rule.business_hours is not None:
        told = json.loads(rule.business_hours)
        said.append(f"Counts {_days(told['days'])}, {told['from']} to {told['to']} ({told['timeZone']}).")
    return " ".join(said)


def length(seconds: int) -> str:
    """A length of time in words: `1 hour`, `90 minutes`, `1 day 1 hour`."""
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return _counted(seconds // size, unit)
    parts = []
    for size, unit in _UNITS:
        if count := seconds // size:
            parts.append(_counted(count, unit))
        seconds %= size
    return " ".join(parts)


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _days(days: list[int]) -> str:
    if len(days) == 7:
        return "every day"
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        return f"{_DAYS[days[0] - 1]} to {_DAYS[days[-1] - 1]}"
    names = [_DAYS[day - 1] for day in days]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
