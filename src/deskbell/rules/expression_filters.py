"""Filters of our own: those that admins of a desk need, and those that must count what they do."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from deskbell.model.instant import parse_instant
from deskbell.rules.expression_nodes import ExpressionFault
from deskbell.rules.expression_values import Meter, as_text, json_text
from deskbell.rules.text import without_controls

Filter = Callable[..., Any]
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\S+")
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_TRUNCATE_MAX = 100_000
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_JOINERS = frozenset("\u200d\ufe0f\ufe0e")
DATE_FORM = "%Y-%m-%d %H:%M"


def text_filters(meter: Meter) -> Mapping[str, Filter]:
    """Filters on texts; none is an empty text."""

    def text(change: Callable[[str], str]) -> Filter:
        def changed(value: Any) -> str:
            given = as_text(value)
            meter.spend(len(given))
            return change(given)

        return changed

    def replace(value: Any, old: Any, new: Any) -> str:
        given, was, now_is = as_text(value), as_text(old), as_text(new)
        meter.spend(len(given))
        meter.spend(max(0, given.count(was) * (len(now_is) - len(was))))
        return given.replace(was, now_is)

    def trim(value: Any, signs: Any = None) -> str:
        given = as_text(value)
        meter.spend(len(given))
        return given.strip(None if signs is None else as_text(signs))

    def truncate(value: Any, n: Any = 80) -> str:
        if not isinstance(n, int) or not 1 <= n <= _TRUNCATE_MAX:
            raise ExpressionFault(f"truncate takes a length of 1 to {_TRUNCATE_MAX:,}.", code="expression_value")
        given = as_text(value)
        meter.spend(len(given))
        return truncated(given, n)

    return {
        "upper": text(str.upper),
        "lower": text(str.lower),
        "title": text(lambda given: _WORD.sub(lambda word: word[0][:1].upper() + word[0][1:].lower(), given)),
        "capitalize": text(str.capitalize),
        "one_line": text(lambda given: _SPACE.sub(" ", without_controls(given)).strip()),
        "url_encode": text(lambda given: quote(given.encode("utf-8", "replace"), safe="")),
        "tojson": lambda value: _json(meter, value),
        "replace": replace,
        "trim": trim,
        "truncate": truncate,
    }


def truncated(text: str, length: int) -> str:
    """At most so many characters, the last one … when something is missing; letters and their marks stay together."""
    if len(text) <= length:
        return text
    end = length - 1
    while end > 0 and _belongs_to_before(text, end):
        end -= 1
    return text[:end].rstrip() + "…"


def _belongs_to_before(text: str, place: int) -> bool:
    """Whether the character here must not be cut from the one before."""
    here, before = text[place], text[place - 1]
    if unicodedata.combining(here) or here in _JOINERS or before == "\u200d" or "\U0001f3fb" <= here <= "\U0001f3ff":
        return True
    return "\U0001f1e6" <= here <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff"


def _json(meter: Meter, value: Any) -> str:
    written = json_text(value)
    meter.spend(len(written))
    return written


def operators(meter: Meter) -> Mapping[str, Filter]:
    """What stands for operators in the source that we write."""

    def joined(*parts: Any) -> str:
        texts = [as_text(one) for one in parts]
        meter.spend(sum(map(len, texts)))
        return "".join(texts)

    def holds(container: Any, item: Any) -> bool:
        if container is None:
            return False
        if isinstance(container, str):
            meter.spend(len(container))
            return isinstance(item, str) and item in container
        if isinstance(container, dict):
            return isinstance(item, str) and item in container
        if isinstance(container, list | tuple):
            meter.spend(len(container) * 16)
            return item in container
        raise ExpressionFault("in needs a text, a list or an object on its right.", code="expression_value")

    def reckoned(first: Any, ops: str, *rest: Any) -> Any:
        found = first
        for op, one in zip(ops.split(), rest, strict=True):
            found = _reckon(meter, op, found, one)
        return found

    def negative(value: Any) -> Any:
        return _reckon(meter, "-", 0, value)

    return {"_joined": joined, "_holds": holds, "_reckoned": reckoned, "_negative": negative}


_RECKON: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}
_WHOLE_MAX = 2**63 - 1


def _reckon(meter: Meter, op: str, left: Any, right: Any) -> Any:
    """Numbers with numbers, texts with `+` alone; nothing can grow without counting."""
    if op == "+" and isinstance(left, str) and isinstance(right, str):
        meter.spend(len(left) + len(right))
        return left + right
    for one in (left, right):
        if isinstance(one, bool) or not isinstance(one, int | float):
            hint = " Write ~ to join texts." if op == "+" and isinstance(one, str) else ""
            raise ExpressionFault(f"{op} needs numbers, not {_noun(one)}.{hint}", code="expression_value")
    meter.spend()
    try:
        found = _RECKON[op](left, right)
    except ZeroDivisionError:
        raise ExpressionFault("A division by zero.", code="expression_value") from None
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise ExpressionFault("The number becomes too large.", code="expression_value")
    return found if abs(found) <= _WHOLE_MAX else float(found)


def _noun(value: Any) -> str:
    """What a value is, in a fault."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    return "a text" if isinstance(value, str) else "an object" if isinstance(value, dict) else "a list"


def date_filter(meter: Meter, default_zone: Callable[[], str]) -> Filter:
    """`date(format, zone)`: an ISO time, or Unix seconds, in a zone; nothing stays an empty text."""

    def date(value: Any, form: Any = DATE_FORM, zone: Any = None) -> str:
        meter.spend()
        if value is None or value == "":
            return ""
        moment = _moment(value, _zone(default_zone() if zone is None else zone))
        return _DIRECTIVE.sub(lambda found: _written(moment, found[1]), as_text(form))

    return date


def _moment(value: Any, zone: ZoneInfo) -> datetime:
    start = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        if isinstance(value, str):
            return (start + timedelta(microseconds=parse_instant(value) // 10)).astimezone(zone)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (start + timedelta(seconds=value)).astimezone(zone)
    except (ValueError, OverflowError):
        pass
    raise ExpressionFault("date needs an ISO time or Unix seconds.", code="expression_value")


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) else "")
    except (ValueError, OSError, KeyError):
        raise ExpressionFault(f"There is no time zone {as_text(name)[:40]}.", code="expression_value") from None


def _written(moment: datetime, sign: str) -> str:
    """One directive of a date format. Widths and the machine's language have no say."""
    hour = moment.hour % 12 or 12
    table: Mapping[str, str] = {
        "Y": f"{moment.year:04d}", "m": f"{moment.month:02d}", "d": f"{moment.day:02d}", "e": str(moment.day),
        "H": f"{moment.hour:02d}", "M": f"{moment.minute:02d}", "S": f"{moment.second:02d}", "I": f"{hour:02d}",
        "p": "AM" if moment.hour < 12 else "PM", "y": f"{moment.year % 100:02d}", "j": moment.strftime("%j"),
        "B": _MONTHS[moment.month - 1], "b": _MONTHS[moment.month - 1][:3], "A": _DAYS[moment.weekday()],
        "a": _DAYS[moment.weekday()][:3], "Z": moment.tzname() or "", "z": moment.strftime("%z"), "%": "%",
    }  # fmt: skip
    if sign not in table:
        raise ExpressionFault(f"date knows no %{sign}.", code="expression_value")
    return table[sign]
