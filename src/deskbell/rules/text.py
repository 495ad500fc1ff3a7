"""Texts that people type: what is refused, and how they are written where they could do harm."""

import re
import unicodedata

from deskbell.model.errors import FaultAt
from deskbell.rules.limits import Limits

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile("[\u2028\u2029\u0085]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_BREAKS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"
)
_FROM_EVENTS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LOOKS_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def check_line(text: str, pointer: str, limits: Limits) -> FaultAt | None:
    """A one-line text: 1 to text_chars_max characters, not blank, nothing invisible that steers."""
    fault = _check(text, pointer, limits.text_chars_max)
    if fault is None and (_CONTROL.search(text) or _BREAKS.search(text)):
        return FaultAt(pointer=pointer, code="text_control", detail="Use one line without control characters.")
    return fault


def check_long(text: str, pointer: str, limits: Limits) -> FaultAt | None:
    """A long text: as a line, but line breaks and tabs are fine."""
    fault = _check(text, pointer, limits.long_text_chars_max)
    if fault is None and _CONTROL_BUT_BREAKS.search(text):
        return FaultAt(pointer=pointer, code="text_control", detail="Remove the control characters.")
    return fault


def _check(text: str, pointer: str, chars_max: int) -> FaultAt | None:
    if all(_is_blank(letter) for letter in text):
        return FaultAt(pointer=pointer, code="text_blank", detail="Enter a text.")
    if len(text) > chars_max:
        return FaultAt(pointer=pointer, code="text_long", detail=f"Use at most {chars_max:,} characters.")
    if _SURROGATE.search(text):
        return FaultAt(pointer=pointer, code="text_surrogate", detail="The text holds half a character.")
    if _BIDI.search(text):
        return FaultAt(pointer=pointer, code="text_bidi", detail="Remove the characters that change the direction.")
    return None


def _is_blank(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) == "Cf" or letter in _LOOKS_BLANK


def without_controls(text: str) -> str:
    """A text of an event for another system: no control characters but line breaks and tabs, nothing that steers."""
    return _SURROGATE.sub("\ufffd", _FROM_EVENTS.sub("", text))


def csv_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA) else text


def terminal_text(text: str) -> str:
    """Text for a terminal: control characters are written as escapes."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
