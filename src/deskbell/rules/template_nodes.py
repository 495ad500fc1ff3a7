"""A template as nodes: a JSON tree whose strings have places for values, and two kinds of node of our own."""

from dataclasses import dataclass
from typing import Any

from deskbell.rules.expression_nodes import Node, path_of
from deskbell.rules.template_text import Piece, Put, Words

ROOTS = ("event", "events", "count", "site", "webhook", "delivery")
Path = tuple[str | int, ...]


class TemplateFault(ValueError):
    """Something is wrong in a template: where in the tree, in which expression, and what."""

    def __init__(self, text: str, *, code: str, pointer: str = "", expression: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.pointer = pointer
        self.expression = expression

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        shown = " ".join(self.expression.split())
        shown = f"{shown[:80]}…" if len(shown) > 81 else shown
        return f"{self.pointer or 'the root'}{f', {shown}' if shown else ''}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A place in a template."""

    pointer: str


@dataclass(frozen=True, kw_only=True)
class Fixed(Tree):
    """A value without any expression."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Text(Tree):
    """A string with values in it."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True)
class Value(Tree):
    """`{"$": …, "or": …, "omit": true}`."""

    put: Put
    otherwise: Tree | None
    omit: bool


@dataclass(frozen=True, kw_only=True)
class Each(Tree):
    """`{"$each": list, "as": name, "do": node}`."""

    over: Put
    name: str
    do: Tree
    is_plain: bool  # neither the list nor what is made of it needs the interpreter


@dataclass(frozen=True, kw_only=True)
class Members(Tree):
    """An object."""

    members: tuple[tuple[str, Tree], ...]


@dataclass(frozen=True, kw_only=True)
class Items(Tree):
    """A list."""

    items: tuple[Tree, ...]


@dataclass(frozen=True, kw_only=True)
class Read:
    """A path that the template reads, and where."""

    path: Path
    pointer: str
    expression: str


def plain_path(node: Node) -> Path | None:
    """The path when an expression is one and the interpreter has nothing to add."""
    path = path_of(node)
    return None if path is None or path[0] == "loop" else path


def is_plain(tree: Tree) -> bool:
    """Whether the interpreter is not needed here."""
    match tree:
        case Text():
            return all(isinstance(one, Words) or (isinstance(one, Put) and plain_path(one.node)) for one in tree.pieces)
        case Value():
            return plain_path(tree.put.node) is not None and (tree.otherwise is None or is_plain(tree.otherwise))
        case Each():
            return tree.is_plain
        case Members():
            return all(is_plain(one) for _, one in tree.members)
        case Items():
            return all(map(is_plain, tree.items))
    return True
