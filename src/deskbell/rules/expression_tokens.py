"""An expression as tokens."""

import re
from dataclasses import dataclass

from deskbell.rules.expression_nodes import ExpressionFault

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<number>[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
  | (?P<name>[^\W\d]\w*)
  | (?P<op>==|!=|<=|>=|\*\*|//|[-+*/%~|.,:=()\[\]{}<>])
    """,
    re.VERBOSE | re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_AS_TYPED = frozenset("\\'\"/{}%#")
_DIGITS_MAX = 18


@dataclass(frozen=True, kw_only=True)
class Token:
    """One word of an expression."""

    kind: str  # text, number, name, op, end
    text: str  # as typed
    start: int
    end: int


def tokens_of(source: str) -> list[Token]:
    """The tokens, with an `end` as the last one. Raises ExpressionFault at what is none."""
    found: list[Token] = []
    half = _SURROGATE.search(source)
    place = 0
    if half is not None:
        raise ExpressionFault("The text holds half a character.", code="expression_form", place=half.start())
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None:
            raise ExpressionFault(_unknown(source[place]), code="expression_form", place=place)
        if match.lastgroup != "space":
            found.append(Token(kind=str(match.lastgroup), text=match[0], start=place, end=match.end()))
        place = match.end()
    return [*found, Token(kind="end", text="", start=len(source), end=len(source))]


def _unknown(sign: str) -> str:
    if sign in "'\"":
        return f"This text has no closing {sign}."
    if sign in "&!":
        return "Write and, or, not instead of && || !."
    return f"The sign {sign} has no meaning here."


def text_of(token: Token) -> str:
    r"""What a text token stands for; `\n`, `\t`, `\\`, quotes and `\u0041` are understood."""

    def unescaped(match: re.Match[str]) -> str:
        sign = match[1]
        if len(sign) == 5:
            code = int(sign[1:], 16)
            if 0xD800 <= code <= 0xDFFF:
                raise ExpressionFault("Write the letter itself.", code="expression_form", place=token.start)
            return chr(code)
        if sign in _AS_TYPED:
            return sign
        if sign not in _ESCAPES:
            detail = f"\\{sign} has no meaning in a text; write \\\\ for a backslash."
            raise ExpressionFault(detail, code="expression_form", place=token.start)
        return _ESCAPES[sign]

    return _ESCAPE.sub(unescaped, token.text[1:-1])


def number_of(token: Token) -> int | float:
    """What a number token stands for."""
    digits = token.text.replace("_", "")
    if digits.isdigit():
        if len(digits) > _DIGITS_MAX:
            raise ExpressionFault("This number is too long.", code="expression_form", place=token.start)
        return int(digits)
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ExpressionFault("This number is too large.", code="expression_form", place=token.start)
    return value
