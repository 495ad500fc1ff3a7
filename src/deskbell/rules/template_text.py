"""A string of a template: words, `{{ values }}`, and `{% if %}` and `{% for %}` around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deskbell.rules.expression_nodes import Choice, ExpressionFault, Node
from deskbell.rules.expression_parser import KEYWORDS
from deskbell.rules.expressions import read_expression

_OPENING = re.compile(r"{{-?|{%-?|{#")
_IN_BLOCK = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[{}%]""", re.DOTALL)
_TAG = re.compile(r"\s*([a-z]+)\b(.*)\Z", re.DOTALL | re.ASCII)
_FOR = re.compile(r"\s*([^\s,]+)\s*(?:,\s*([^\s,]+)\s*)?\bin\b(.*)\Z", re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
NESTED_MAX = 8


@dataclass(frozen=True, kw_only=True)
class Words:
    """Text as it stands."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Put:
    """`{{ value }}`."""

    node: Node
    source: str


@dataclass(frozen=True, kw_only=True)
class If:
    """`{% if cond %} … {% elif cond %} … {% else %} … {% endif %}`; the condition of `else` is None."""

    branches: "tuple[tuple[Put | None, tuple[Piece, ...]], ...]"


@dataclass(frozen=True, kw_only=True)
class For:
    """`{% for a, b in list if cond %} … {% else %} … {% endfor %}`."""

    names: tuple[str, ...]
    over: Put
    cond: Node | None  # only items of which this is true
    body: "tuple[Piece, ...]"
    otherwise: "tuple[Piece, ...]"


Piece = Words | Put | If | For


def is_variable(name: str) -> bool:
    """Whether a template may name a variable so."""
    return len(name) <= 64 and _VARIABLE.fullmatch(name) is not None and name not in KEYWORDS


def read_text(text: str, chars_max: int) -> tuple[Piece, ...]:
    """The pieces of a string. Raises ExpressionFault; the text of the fault names the block."""
    return _Reader(list(_blocks(text)), chars_max).pieces(())


def expressions_in(pieces: tuple[Piece, ...]) -> Iterator[Put]:
    """Every expression, in the order of the text."""
    for piece in pieces:
        if isinstance(piece, Put):
            yield piece
        elif isinstance(piece, If):
            for cond, body in piece.branches:
                yield from (cond,) if cond else ()
                yield from expressions_in(body)
        elif isinstance(piece, For):
            yield piece.over
            yield from () if piece.cond is None else (Put(node=piece.cond, source=piece.over.source),)
            yield from expressions_in((*piece.body, *piece.otherwise))


def loop_names(pieces: tuple[Piece, ...]) -> Iterator[str]:
    """The variables that `{% for %}` makes."""
    for piece in pieces:
        if isinstance(piece, For):
            yield from piece.names
            yield from loop_names((*piece.body, *piece.otherwise))
        elif isinstance(piece, If):
            for _, body in piece.branches:
                yield from loop_names(body)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """A stretch of the text: words, a value or a tag."""

    kind: str  # words, value, tag
    text: str


def _blocks(text: str) -> Iterator[_Block]:
    place, strip_next = 0, False
    while place < len(text):
        opening = _OPENING.search(text, place)
        words = text[place : opening.start() if opening else len(text)]
        words = words.lstrip() if strip_next else words
        strip_next = False
        if opening and opening[0].endswith("-"):
            words = words.rstrip()
        if words:
            yield _Block(kind="words", text=words)
        if opening is None:
            return
        if opening[0] == "{#":
            place = _closed(text, text.find("#}", opening.end()), "#}")
            continue
        kind = "value" if opening[0].startswith("{{") else "tag"
        end = _end_of(text, opening.end(), kind)
        inner = text[opening.end() : end]
        strip_next = inner.endswith("-")
        yield _Block(kind=kind, text=inner.removesuffix("-"))
        place = end + 2


def _end_of(text: str, start: int, kind: str) -> int:
    """Where the block that starts here ends; brackets and texts inside are passed over."""
    depth = 0
    for found in _IN_BLOCK.finditer(text, start):
        sign, place = found[0], found.start()
        if kind == "tag" and sign == "%" and text.startswith("%}", place):
            return place
        if kind == "value" and sign == "}" and depth == 0 and text.startswith("}}", place):
            return place
        depth += (sign == "{") - (sign == "}" and depth > 0)
    return _closed(text, -1, "%}" if kind == "tag" else "}}") - 2


def _closed(text: str, place: int, sign: str) -> int:
    if place < 0:
        raise ExpressionFault(f"A block has no closing {sign}.", code="expression_form")
    return place + len(sign)


class _Reader:
    """Blocks to pieces, with what is nested in what."""

    def __init__(self, blocks: list[_Block], chars_max: int) -> None:
        self._blocks = blocks
        self._chars_max = chars_max
        self._at = 0
        self._depth = 0
        self._tag = ("", "")  # the last tag read: its word and the rest

    def pieces(self, until: tuple[str, ...]) -> tuple[Piece, ...]:
        """Pieces up to one of these tags, which is gone past, or to the end of the text."""
        found: list[Piece] = []
        while self._at < len(self._blocks):
            block = self._blocks[self._at]
            self._at += 1
            if block.kind == "words":
                found.append(Words(text=block.text))
            elif block.kind == "value":
                found.append(self._put(block.text))
            else:
                self._tag = self._read_tag(block.text)
                if self._tag[0] in until:
                    return tuple(found)
                found.append(self._statement())
        if until:
            raise ExpressionFault(f"{{% {until[-1]} %}} is missing.", code="expression_form")
        return tuple(found)

    def _read_tag(self, text: str) -> tuple[str, str]:
        match = _TAG.match(text)
        return (match[1], match[2]) if match else ("", text)

    def _statement(self) -> Piece:
        word, rest = self._tag
        if word not in ("if", "for"):
            raise ExpressionFault(_no_tag(word), code="expression_tag")
        self._depth += 1
        if self._depth > NESTED_MAX:
            raise ExpressionFault(f"Blocks may stand in blocks {NESTED_MAX} deep.", code="expression_depth")
        found = self._if(rest) if word == "if" else self._for(rest)
        self._depth -= 1
        return found

    def _if(self, rest: str) -> If:
        branches: list[tuple[Put | None, tuple[Piece, ...]]] = []
        cond: Put | None = self._put(rest)
        while True:
            body = self.pieces(("elif", "else", "endif") if cond else ("endif",))
            branches.append((cond, body))
            word, rest = self._tag
            if word == "endif":
                return If(branches=tuple(branches))
            cond = self._put(rest) if word == "elif" else None

    def _for(self, rest: str) -> For:
        match = _FOR.match(rest)
        names = tuple(name for name in (match[1], match[2]) if name) if match else ()
        if match is None or not all(map(is_variable, names)):
            raise ExpressionFault("Write {% for name in list %}.", code="expression_form")
        over = self._put(match[3])
        body = self.pieces(("else", "endfor"))
        otherwise = self.pieces(("endfor",)) if self._tag[0] == "else" else ()
        choice = over.node
        cond: Node | None = None
        if isinstance(choice, Choice) and choice.other is None:  # `list if cond`, which only a loop reads so
            over, cond = Put(node=choice.then, source=over.source), choice.cond
        return For(names=names, over=over, cond=cond, body=body, otherwise=otherwise)

    def _put(self, source: str) -> Put:
        return Put(node=read_expression(source.strip(), self._chars_max), source=source.strip())


def _no_tag(word: str) -> str:
    if word in ("elif", "else", "endif", "endfor"):
        return f"{{% {word} %}} has no beginning."
    return f"{{% {word[:40]} %}} is not available; if and for are."
