"""From text to nodes, with the precedence of Jinja."""

from collections.abc import Callable

from deskbell.rules.expression_cursor import Cursor
from deskbell.rules.expression_nodes import (
    Chain,
    Choice,
    Compare,
    ExpressionFault,
    Item,
    ListOf,
    Literal,
    MapOf,
    Minus,
    Name,
    Node,
    Not,
    Piped,
    Slice,
    Sum,
    Tested,
    children,
)
from deskbell.rules.expression_tokens import Token, number_of, text_of, tokens_of

HEIGHT_MAX = 32
"""Levels of nodes; the interpreter has a bound of its own beyond that."""

_WORDS = {
    "true": True, "false": False, "none": None, "null": None, "True": True, "False": False, "None": None,
}  # fmt: skip
_NO_VALUES = frozenset({"and", "or", "not", "in", "is", "if", "else"})
KEYWORDS = frozenset({*_NO_VALUES, *_WORDS})
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})


def parse_expression(source: str) -> Node:
    """The nodes of one expression. Raises ExpressionFault."""
    parser = Parser(tokens_of(source))
    if parser.sees("end"):
        raise ExpressionFault("The expression is empty.", code="expression_form", place=0)
    node = parser.expression()
    parser.must_end()
    check_height(node)
    return node


def check_height(node: Node) -> None:
    """Raises ExpressionFault when nodes stand in nodes too deep."""
    level, height = [node], 0
    while level:
        height += 1
        if height > HEIGHT_MAX:
            raise ExpressionFault(_TOO_DEEP, code="expression_depth")
        level = [one for parent in level for one in children(parent)]


_TOO_DEEP = f"This is nested too deep; {HEIGHT_MAX} levels are possible."


def _negative(node: Node) -> Node:
    if isinstance(node, Literal) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return Literal(value=-node.value)
    return Minus(of=node)


class Parser(Cursor):
    """Reads tokens from left to right. One method per level of precedence, the loosest first."""

    # levels of precedence

    def expression(self) -> Node:
        """`then if cond else other`, or anything tighter."""
        self.depth += 1
        if self.depth > HEIGHT_MAX:
            raise ExpressionFault(_TOO_DEEP, code="expression_depth", place=self.token.start)
        node = self.either()
        if self.took("name", "if"):
            cond = self.either()
            other = self.expression() if self.took("name", "else") else None
            node = Choice(then=node, cond=cond, other=other)
        self.depth -= 1
        return node

    def either(self) -> Node:
        """`a or b`."""
        return self._chain("name", "or", self.both)

    def both(self) -> Node:
        """`a and b`."""
        return self._chain("name", "and", self.negated)

    def negated(self) -> Node:
        """`not a`."""
        times = 0
        while self.took("name", "not"):
            times += 1
        node = self.compared()
        if times == 0:
            return node
        return Not(of=node) if times % 2 else Not(of=Not(of=node))

    def compared(self) -> Node:
        """`a == b`, `a in b`; one comparison, no chain of them."""
        node = self.summed()
        op = self._comparison()
        if op is None:
            return node
        node = Compare(op=op, left=node, right=self.summed())
        if self._comparison() is not None:
            raise ExpressionFault(
                "Compare two values at a time: write a < b and b < c.", code="expression_form", place=self.token.start
            )
        return node

    def _comparison(self) -> str | None:
        if self.sees("op", *_COMPARISONS):
            return self.next().text
        if self.took("name", "in"):
            return "in"
        if self.sees("name", "not"):
            self.next()
            self.take("name", "in")
            return "not in"
        return None

    def summed(self) -> Node:
        """`a + b - c`."""
        return self._sum(("+", "-"), self.joined)

    def joined(self) -> Node:
        """`a ~ b`."""
        return self._chain("op", "~", self.multiplied)

    def multiplied(self) -> Node:
        """`a * b / c`."""
        return self._sum(("*", "/", "//", "%"), self.signed)

    def signed(self) -> Node:
        """`-a`, with filters and tests behind it."""
        if self.sees("op", "**"):
            raise self.unexpected("** is not available")
        minus = self.took("op", "-")
        node = self._postfixed(self.primary())
        if minus:
            node = _negative(node)
        while True:
            if self.took("op", "|"):
                node = self._piped(node)
            elif self.took("name", "is"):
                node = self._tested(node)
            elif self.sees("op", "**"):
                raise self.unexpected("** is not available")
            else:
                return node

    def primary(self) -> Node:
        """A name, a literal, or something in brackets."""
        token = self.token
        is_value = token.kind in ("text", "number") or (token.kind == "name" and token.text not in _NO_VALUES)
        if not is_value and token.text not in ("(", "[", "{"):
            raise self.unexpected("a value is missing")
        self.next()
        if token.kind == "text":
            return Literal(value=text_of(token))
        if token.kind == "number":
            return Literal(value=number_of(token))
        if token.text in _WORDS:
            return Literal(value=_WORDS[token.text])
        if token.text == "(":
            node = self.expression()
            self.take("op", ")")
            return node
        if token.text == "[":
            return ListOf(items=self._items("]"))
        return MapOf(items=self._pairs()) if token.text == "{" else self._variable(token)

    def _variable(self, token: Token) -> Node:
        if not token.text.isascii() or token.text.startswith("_"):
            detail = f"{token.text[:40]} is no variable; they are plain letters."
            raise ExpressionFault(detail, code="expression_form", place=token.start)
        if self.sees("op", "("):
            detail = f"There are no functions such as {token.text[:40]}(…). Filters are written value | filter(…)."
            raise ExpressionFault(detail, code="expression_call", place=token.start)
        return Name(name=token.text)

    # what stands behind a value

    def _postfixed(self, node: Node) -> Node:
        while True:
            if self.took("op", "."):
                node = Item(of=node, key=Literal(value=self._key()))
            elif self.took("op", "["):
                node = self._subscript(node)
            elif self.sees("op", "("):
                detail = "Nothing can be called here. Filters are written value | filter(…)."
                raise ExpressionFault(detail, code="expression_call", place=self.token.start)
            else:
                return node

    def _key(self) -> str | int:
        number = self.took("number")
        if number is None:
            return self.name()
        value = number_of(number)
        if isinstance(value, float):
            raise ExpressionFault("Write places in a list as [0][1].", code="expression_form", place=number.start)
        return value

    def _subscript(self, node: Node) -> Node:
        parts: list[Node | None] = []
        while len(parts) < 3:
            parts.append(None if self.sees("op", ":", "]") else self.expression())
            if not self.took("op", ":"):
                break
        self.take("op", "]")
        if len(parts) == 1:
            if parts[0] is None:
                raise self.unexpected("a key is missing")
            return Item(of=node, key=parts[0])
        start, stop, step = (*parts, None)[:3]
        return Slice(of=node, start=start, stop=stop, step=step)

    def _piped(self, node: Node) -> Node:
        name = self.name()
        args, named = self._arguments()
        return Piped(of=node, name=name, args=args, named=named)

    def _tested(self, node: Node) -> Node:
        is_not = self.took("name", "not") is not None
        name = self.name()
        args, named = self._arguments()
        if named:
            raise self.unexpected("a test takes no named values")
        return Tested(of=node, name=name.lower() if name in _WORDS else name, is_not=is_not, args=args)

    def _arguments(self) -> tuple[tuple[Node, ...], tuple[tuple[str, Node], ...]]:
        args: list[Node] = []
        named: list[tuple[str, Node]] = []
        if not self.took("op", "("):
            return (), ()
        while not self.took("op", ")"):
            if args or named:
                self.take("op", ",")
            if self.sees("name") and self.following().text == "=":
                name = self.name()
                self.take("op", "=")
                named.append((name, self.expression()))
            elif named:
                raise self.unexpected("values without a name come first")
            else:
                args.append(self.expression())
        return tuple(args), tuple(named)

    # small pieces

    def _items(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.took("op", closing):
            if found:
                self.take("op", ",")
                if self.took("op", closing):
                    break
            found.append(self.expression())
        return tuple(found)

    def _pairs(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.took("op", "}"):
            if found:
                self.take("op", ",")
                if self.took("op", "}"):
                    break
            found.append(self.expression())
            self.take("op", ":")
            found.append(self.expression())
        return tuple(found)

    def _chain(self, kind: str, op: str, part: Callable[[], Node]) -> Node:
        start = self.token.start
        parts, spans = [part()], [(start, self.before().end)]
        while self.took(kind, op):
            start = self.token.start
            parts.append(part())
            spans.append((start, self.before().end))
        return parts[0] if len(parts) == 1 else Chain(op=op, parts=tuple(parts), spans=tuple(spans))

    def _sum(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        first = part()
        ops: list[str] = []
        rest: list[Node] = []
        while self.sees("op", *signs):
            ops.append(self.next().text)
            rest.append(part())
        return Sum(first=first, ops=tuple(ops), rest=tuple(rest)) if ops else first
