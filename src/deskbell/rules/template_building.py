"""The tree of one payload, built from a template's nodes, the event, and what the interpreter put out."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from deskbell.rules.expression_values import Meter, as_text, measure
from deskbell.rules.expressions import END, ExpressionFault
from deskbell.rules.limits import Limits
from deskbell.rules.template_nodes import (
    Each,
    Fixed,
    Items,
    Members,
    Path,
    TemplateFault,
    Text,
    Tree,
    Value,
    plain_path,
)
from deskbell.rules.template_program import has_statements
from deskbell.rules.template_text import Put, Words
from deskbell.rules.text import without_controls

DROP = object()
"""The value of what is left out."""

Scope = Mapping[str, Any]
_URL = re.compile(r"https?://[^\s\x00-\x20\x7f]+", re.IGNORECASE)


class Builder:
    """Builds the tree of one payload: plain paths are looked up, the rest comes from the tape, in the same order."""

    def __init__(self, tape: Iterator[Any], meter: Meter, limits: Limits) -> None:
        self._tape = tape
        self._meter = meter
        self._limits = limits
        self._size = 0
        self._depth = 0

    def built(self, tree: Tree, scope: Scope) -> Any:
        """The value of a node, or that it is left out."""
        self._depth += 1
        try:
            self._meter.spend()
            return self._built(tree, scope)
        except ExpressionFault as fault:
            expression = tree.put.source if isinstance(tree, Value) else ""
            raise TemplateFault(fault.text, code=fault.code, pointer=tree.pointer, expression=expression) from None
        finally:
            self._depth -= 1

    def _built(self, tree: Tree, scope: Scope) -> Any:
        match tree:
            case Fixed():
                return self._counted(tree.value)
            case Text():
                return cleaned(self._counted(self._text(tree, scope)))
            case Value():
                return self._value(tree, scope)
            case Each():
                return self._each(tree, scope)
            case Items():
                found = [self.built(one, scope) for one in tree.items]
                return [one for one in found if one is not DROP]
            case Members():
                self._counted([name for name, _ in tree.members])
                pairs = [(name, self.built(one, scope)) for name, one in tree.members]
                return {name: value for name, value in pairs if value is not DROP and is_fit(name, value)}
        raise AssertionError(tree)

    def _text(self, tree: Text, scope: Scope) -> str:
        if has_statements(tree.pieces):
            return "".join(as_text(one) for one in iter(lambda: next(self._tape), END))
        return "".join(
            one.text if isinstance(one, Words) else as_text(self._put(one, scope))
            for one in tree.pieces
            if isinstance(one, Words | Put)
        )

    def _value(self, tree: Value, scope: Scope) -> Any:
        found = self._put(tree.put, scope)
        otherwise = self.built(tree.otherwise, scope) if tree.otherwise else None
        if found is not None:
            return cleaned(self._counted(found))
        return DROP if otherwise is None and tree.omit else otherwise

    def _each(self, tree: Each, scope: Scope) -> list[Any]:
        path = plain_path(tree.over.node)
        rows = look(scope, path) if tree.is_plain and path else next(self._tape)
        if rows is None:
            return []
        if not isinstance(rows, list | tuple):
            raise ExpressionFault("$each needs a list.", code="expression_value")
        found = [self.built(tree.do, {**scope, tree.name: row}) for row in rows]
        return [one for one in found if one is not DROP]

    def _put(self, put: Put, scope: Scope) -> Any:
        path = plain_path(put.node)
        return next(self._tape) if path is None else look(scope, path)

    def _counted(self, value: Any) -> Any:
        limits = self._limits
        depth_max = limits.template_depth_max - self._depth + 1
        self._size = measure(value, used=self._size, size_max=limits.rendered_bytes_max, depth_max=depth_max)
        return value


def look(scope: Any, path: Path) -> Any:
    """The value at a path; None when a step leads nowhere."""
    value = scope
    for step in path:
        if isinstance(value, dict):
            value = dict.get(value, step) if isinstance(step, str) else None
        elif isinstance(value, list | tuple | str) and isinstance(step, int):
            value = value[step] if -len(value) <= step < len(value) else None
        else:
            return None
    return value


def cleaned(value: Any) -> Any:
    """A value of an event as it goes out: no control characters that could do harm elsewhere."""
    if isinstance(value, str):
        return without_controls(value)
    if isinstance(value, dict):
        return {without_controls(as_text(name)): cleaned(dict.__getitem__(value, name)) for name in value}
    if isinstance(value, list | tuple):
        return [cleaned(one) for one in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ExpressionFault("The result is no JSON value.", code="expression_value")


def is_fit(name: str, value: Any) -> bool:
    """Whether a member may go out: what is named a URL must be one of http or https."""
    if not name.lower().endswith("url") or isinstance(value, dict | list):
        return True
    if not isinstance(value, str) or not _URL.fullmatch(value):
        return False
    try:
        return bool(urlsplit(value).hostname)
    except ValueError:
        return False
