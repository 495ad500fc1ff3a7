"""Reading a JSON object member by member, gathering every fault before refusing."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.instant import Instant, parse_instant
from deskbell.rules.limits import Limits
from deskbell.rules.text import check_line, check_long

_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}", re.ASCII)
_PHONE = re.compile(r"[0-9+()./x# -]{2,64}", re.ASCII)
TextCheck = Callable[[str, str, Limits], FaultAt | None]


class Reading:
    """One object being read; faults are gathered with JSON pointers and raised by `done`."""

    def __init__(
        self, body: Mapping[str, Any], limits: Limits, *, at: str = "", faults: list[FaultAt] | None = None
    ) -> None:
        self.body = body
        self.limits = limits
        self.at = at
        self.faults: list[FaultAt] = [] if faults is None else faults

    def done(self) -> None:
        """Raise Invalid when anything was wrong."""
        if self.faults:
            raise Invalid(faults=tuple(self.faults))

    def fault(self, name: str, code: str, detail: str) -> None:
        """Note a fault of a member."""
        self.faults.append(FaultAt(pointer=f"{self.at}/{name}" if name else self.at, code=code, detail=detail))

    def told(self, name: str) -> bool:
        """Whether the member is there, null or not."""
        return name in self.body

    def unknown(self, allowed: Collection[str]) -> None:
        """A fault for every member that is not allowed."""
        for name in self.body:
            if name not in allowed:
                self.fault(str(name), "unknown_member", "There is no such member here. Leave it out.")

    def required(self, *names: str) -> None:
        """A fault for every one of these that is missing or null."""
        for name in names:
            if self.body.get(name) is None:
                self.fault(name, "required", "This is needed.")

    def line(self, name: str) -> str | None:
        """A one-line text, None when missing, null or wrong."""
        return self._text(name, check_line)

    def long(self, name: str) -> str | None:
        """A long text: line breaks and tabs are fine."""
        return self._text(name, check_long)

    def _text(self, name: str, check: TextCheck) -> str | None:
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self._wrong(name, "a text")
            return None
        found = check(value, f"{self.at}/{name}", self.limits)
        if found is not None:
            self.faults.append(found)
            return None
        return value

    def _wrong(self, name: str, what: str) -> None:
        self.fault(name, "type", f"This must be {what}.")

    def pattern(self, name: str, form: re.Pattern[str], what: str) -> str | None:
        """A text of this form."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or form.fullmatch(value) is None:
            self.fault(name, "form", f"This must be {what}.")
            return None
        return value

    def email(self, name: str) -> str | None:
        """An e-mail address, lower case."""
        found = self.pattern(name, _EMAIL, "an e-mail address such as ana@example.org")
        return found.lower() if found else None

    def phone(self, name: str) -> str | None:
        """A telephone number as people write it."""
        return self.pattern(name, _PHONE, "a telephone number such as +64 9 123 4567")

    def integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number in this range."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong(name, "a whole number")
            return None
        if not low <= value <= high:
            self.fault(name, "range", f"This must be from {low} to {high}.")
            return None
        return value

    def number(self, name: str) -> float | None:
        """A number of seconds, 0 or more."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e15:
            self._wrong(name, "a number of seconds, 0 or more")
            return None
        return value

    def flag(self, name: str) -> bool | None:
        """true or false."""
        value = self.body.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._wrong(name, "true or false")
        return None

    def choice(self, name: str, options: Collection[str]) -> str | None:
        """One of these words."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or value not in options:
            self.fault(name, "choice", f"This must be one of {', '.join(options)}.")
            return None
        return value

    def instant(self, name: str) -> Instant | None:
        """A date-time with a zone."""
        value = self.body.get(name)
        if value is None:
            return None
        try:
            return parse_instant(str(value))
        except ValueError:
            self.fault(name, "form", "This must be a date-time such as 2020-04-15T21:10:09.5895683Z.")
            return None

    def moment(self, name: str) -> str | None:
        """A date-time with or without a zone, kept as given."""
        value = self.body.get(name)
        if value is None:
            return None
        try:
            if isinstance(value, str) and len(value) <= 40 and datetime.fromisoformat(value).astimezone(UTC):
                return value
        except (ValueError, OverflowError):
            pass
        self.fault(name, "form", "This must be a date-time such as 2026-03-01T09:00:00+13:00.")
        return None

    def inside(self, name: str) -> "Reading | None":
        """The object under this name, None when missing or null; its faults are gathered here."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self._wrong(name, "an object")
            return None
        return Reading(value, self.limits, at=f"{self.at}/{name}", faults=self.faults)

    def items(self, name: str, count_max: int = 100) -> list[Any]:
        """The list under this name, empty when missing or null."""
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self._wrong(name, "a list")
            return []
        if len(value) > count_max:
            self.fault(name, "too_many", f"At most {count_max} are taken.")
            return []
        return list(value)

    def objects(self, name: str, count_max: int = 100) -> list["Reading"]:
        """The list of objects under this name."""
        found = []
        for place, value in enumerate(self.items(name, count_max)):
            if isinstance(value, Mapping):
                found.append(Reading(value, self.limits, at=f"{self.at}/{name}/{place}", faults=self.faults))
            else:
                self._wrong(f"{name}/{place}", "an object")
        return found

    def lines(self, name: str, count_max: int = 100) -> tuple[str, ...]:
        """The list of one-line texts under this name, each once, in order."""
        found: dict[str, None] = {}
        for place, value in enumerate(self.items(name, count_max)):
            one = Reading({str(place): value}, self.limits, at=f"{self.at}/{name}", faults=self.faults)
            if value is None:
                one.required(str(place))
            text = one.line(str(place))
            if text is not None:
                found[text] = None
        return tuple(found)
