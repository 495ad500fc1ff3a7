"""From JSON to the nodes of a template, with every fault at once."""

from collections.abc import Mapping
from typing import Any

from deskbell.rules.expressions import ExpressionFault, names_in, read_expression
from deskbell.rules.limits import Limits
from deskbell.rules.template_nodes import (
    ROOTS,
    Each,
    Fixed,
    Items,
    Members,
    Path,
    Read,
    TemplateFault,
    Text,
    Tree,
    Value,
    is_plain,
    plain_path,
)
from deskbell.rules.template_text import Put, expressions_in, is_variable, loop_names, read_text


class TreeReader:
    """JSON to nodes; collects every fault, so that all are shown at once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bound: dict[str, Path | None] = {}  # variables of `$each`: the path of one item, if it is plain
        self._count = 0
        self.faults: list[TemplateFault] = []
        self.reads: list[Read] = []

    def read(self, value: Any, pointer: str = "", depth: int = 1) -> Tree:
        """The node of a JSON value."""
        if depth > self._limits.template_depth_max:
            text = f"A template is at most {self._limits.template_depth_max} levels deep."
            raise TemplateFault(text, code="template_depth", pointer=pointer)
        if isinstance(value, str):
            return self._text(value, pointer)
        if isinstance(value, list | tuple):
            items = tuple(self.read(one, f"{pointer}/{place}", depth + 1) for place, one in enumerate(value))
            return Items(pointer=pointer, items=items)
        if not isinstance(value, Mapping):
            return Fixed(pointer=pointer, value=value)
        if "$" in value:
            return self._value(value, pointer, depth)
        if "$each" in value:
            return self._each(value, pointer, depth)
        members = tuple((key, self.read(one, pointer + _step(key), depth + 1)) for key, one in value.items())
        return Members(pointer=pointer, members=members)

    def _text(self, text: str, pointer: str) -> Tree:
        if "{{" not in text and "{%" not in text and "{#" not in text:
            return Fixed(pointer=pointer, value=text)
        try:
            pieces = read_text(text, self._limits.expression_chars_max)
        except ExpressionFault as fault:
            self._fault(fault.text, fault.code, pointer, text)
            return Fixed(pointer=pointer, value=text)
        before = dict(self._bound)
        self._bound.update(dict.fromkeys(("loop", *loop_names(pieces))))
        for put in expressions_in(pieces):
            self._note(put, pointer)
        self._bound = before
        return Text(pointer=pointer, pieces=pieces)

    def _value(self, value: Mapping[str, Any], pointer: str, depth: int) -> Tree:
        self._known(value, ("$", "or", "omit"), pointer)
        put = self._put(value["$"], f"{pointer}/$")
        omit = value.get("omit", False)
        if not isinstance(omit, bool):
            self._fault("omit is true or false.", "template_form", f"{pointer}/omit")
        otherwise = self.read(value["or"], f"{pointer}/or", depth + 1) if "or" in value else None
        if put is None:
            return Fixed(pointer=pointer, value=None)
        return Value(pointer=pointer, put=put, otherwise=otherwise, omit=omit is True)

    def _each(self, value: Mapping[str, Any], pointer: str, depth: int) -> Tree:
        self._known(value, ("$each", "as", "do"), pointer)
        put, name = self._put(value["$each"], f"{pointer}/$each"), value.get("as")
        if not isinstance(name, str) or not is_variable(name) or name in (*ROOTS, "loop"):
            self._fault("Name one item of the list in as: plain letters, no name in use.", "template_form", pointer)
            name = "item"
        if "do" not in value:
            self._fault("do is missing: what to make of each item.", "template_form", pointer)
        path = self._resolved(plain_path(put.node) or ()) if put else ()
        before = dict(self._bound)
        self._bound.update({name: (*path, 0) if path else None, "loop": None})
        do = self.read(value.get("do"), f"{pointer}/do", depth + 1)
        self._bound = before
        if put is None:
            return Fixed(pointer=pointer, value=None)
        plain = plain_path(put.node) is not None and is_plain(do)
        return Each(pointer=pointer, over=put, name=name, do=do, is_plain=plain)

    def _put(self, source: Any, pointer: str) -> Put | None:
        if not isinstance(source, str):
            self._fault("An expression is a text.", "template_form", pointer)
            return None
        try:
            put = Put(node=read_expression(source, self._limits.expression_chars_max), source=source)
        except ExpressionFault as fault:
            self._fault(fault.text, fault.code, pointer, source)
            return None
        self._note(put, pointer)
        return put

    def _note(self, put: Put, pointer: str) -> None:
        """Count an expression and what it reads."""
        self._count += 1
        if self._count == self._limits.template_expressions_max + 1:
            text = f"A template has at most {self._limits.template_expressions_max} expressions."
            self._fault(text, "template_expressions", pointer)
        for path in names_in(put.node):
            found = self._resolved(path)
            if found:
                self.reads.append(Read(path=found, pointer=pointer, expression=put.source))

    def _resolved(self, path: Path) -> Path:
        """A path from the root; empty when it starts at a variable whose place is not known."""
        if not path or path[0] not in self._bound:
            return path
        start = self._bound[str(path[0])]
        return (*start, *path[1:]) if start else ()

    def _known(self, value: Mapping[str, Any], known: tuple[str, ...], pointer: str) -> None:
        for name in value:
            if name not in known:
                text = f"Beside {known[0]} only {' and '.join(known[1:])} may stand."
                self._fault(text, "template_form", pointer + _step(name))

    def _fault(self, text: str, code: str, pointer: str, expression: str = "") -> None:
        self.faults.append(TemplateFault(text, code=code, pointer=pointer, expression=expression))


def _step(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
