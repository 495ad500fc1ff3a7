"""Reading JSON so that no other reader understands it differently: at C speed, and no depth or digit can hurt."""

import json
from itertools import accumulate
from typing import Any, NoReturn

from deskbell.model.errors import Invalid, Unreadable
from deskbell.rules.json_oddities import Oddity, odd_constant, place_of, read_number, too_deep
from deskbell.rules.limits import Limits

_INT_DIGITS_SAFE = 308
"""An integer with more digits may be outside IEEE doubles."""

_DIGITS_AS_ZERO = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_STEP = bytes.maketrans(b"[{]}", bytes((1, 1, 255, 255)))
"""One level in, one level out, as signed bytes."""
_NOT_A_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def read_strictly(body: bytes, levels_max: int, limits: Limits) -> Any:
    """The value of a whole body. Raises Unreadable 400 unless it is JSON, Invalid 422 where readers may differ."""
    text = _decoded(body)
    try:
        try:
            return _read(text, body, levels_max, limits)
        except Oddity as oddity:
            fault = place_of(oddity, text, levels_max, limits)
    except RecursionError:
        if not _is_balanced(body):
            raise Unreadable("The body is not JSON.") from None
        fault = too_deep(limits).at("/data")
    except ValueError:
        raise Unreadable("The body is not JSON.") from None
    raise Invalid(fault.detail, faults=(fault,))


def _read(text: str, body: bytes, levels_max: int, limits: Limits) -> Any:
    """The value. Raises Oddity, ValueError when it is not JSON, RecursionError when it is far too deep."""
    value = _load(text, body, limits)
    if "\\" in text and ("\\ud" in text or "\\uD" in text) and _has_half(value):
        raise Oddity("surrogate", "A text holds half a character.")
    if is_deeper(body, levels_max):
        raise too_deep(limits)
    return value


def is_deeper(body: bytes, levels: int) -> bool:
    """Whether well-formed JSON nests deeper than `levels`, counted without recursion and without a loop of ours."""
    if body.count(b"[") + body.count(b"{") <= levels:
        return False
    steps = _brackets(body).translate(_STEP)
    return max(accumulate(memoryview(steps).cast("b")), default=0) > levels


def _brackets(body: bytes) -> bytes:
    """The brackets outside of texts."""
    if b'"' in body:
        body = b"".join(body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    return body.translate(None, _NOT_A_BRACKET)


def _is_balanced(body: bytes) -> bool:
    """Whether what is too deep to be followed could be JSON at all."""
    marks = _brackets(body)
    return marks.count(b"[") == marks.count(b"]") and marks.count(b"{") == marks.count(b"}")


def _decoded(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise Unreadable("The body starts with a byte order mark; send plain UTF-8.")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8.") from None


def _load(text: str, body: bytes, limits: Limits) -> Any:
    if not _has_long_number(body, limits.number_chars_max):
        return _DECODER.decode(text)

    def number(digits: str) -> float:
        return read_number(digits, limits)

    return json.loads(text, object_pairs_hook=_members, parse_float=number, parse_int=number, parse_constant=_constant)


def _has_long_number(body: bytes, chars_max: int) -> bool:
    """Whether a run of digits is so long that a number may be too long: it has three runs at most, and four signs."""
    run = min((chars_max - 1) // 3, _INT_DIGITS_SAFE + 1)
    return b"0" * run in body.translate(_DIGITS_AS_ZERO)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Oddity("duplicate_name", "A member stands twice in one object.")
    return members


def _finite(digits: str) -> float:
    value = float(digits)
    if value - value != 0.0:  # neither infinite nor not a number
        read_number(digits, Limits())
    return value


def _constant(name: str) -> NoReturn:
    raise odd_constant(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_float=_finite, parse_constant=_constant)


def _has_half(value: Any) -> bool:
    """Whether a lone surrogate is in any text or name; json itself bounded the depth."""
    if isinstance(value, str):
        return not _is_whole(value)
    if isinstance(value, dict):
        return any(not _is_whole(name) or _has_half(member) for name, member in value.items())
    return isinstance(value, list) and any(_has_half(member) for member in value)


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
