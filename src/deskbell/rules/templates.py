"""Templates: a JSON tree with expressions becomes a payload, the same bytes for the same events on every machine."""

import json
from functools import lru_cache
from typing import Any

import msgspec

from deskbell.model.instant import format_instant
from deskbell.model.rendering import Frozen
from deskbell.rules.expression_values import Meter, fuel_for, sealed, too_large
from deskbell.rules.expressions import ExpressionFault, Program
from deskbell.rules.limits import Limits
from deskbell.rules.template_building import DROP, Builder, Scope
from deskbell.rules.template_nodes import Read, TemplateFault, Tree
from deskbell.rules.template_program import Writer
from deskbell.rules.template_reading import TreeReader

__all__ = ["LIMIT_CODES", "Template", "TemplateFault", "compiled", "read_template", "root_of", "zone_of"]

LIMIT_CODES = frozenset({"expression_fuel", "expression_size", "expression_depth"})
"""Faults that say that a template does too much for this event."""


class Template:
    """One compiled template. Raises TemplateFault when the interpreter refuses it."""

    def __init__(self, tree: Tree, limits: Limits, reads: tuple[Read, ...] = ()) -> None:
        self.reads = reads
        self._tree = tree
        self._limits = limits
        writer = Writer()
        source = writer.tree(tree)
        self._places = writer.places
        self._program = self._compiled(source) if source else None

    def render(self, root: Scope, *, data_bytes: int, zone: str) -> bytes:
        """The payload. Raises TemplateFault and nothing else."""
        tape, meter = self._run(root, data_bytes, zone)
        found = Builder(iter(tape), meter, self._limits).built(self._tree, root)
        if found is DROP:
            raise TemplateFault("Everything was left out.", code="template_empty")
        body = json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        if len(body) > self._limits.rendered_bytes_max:
            raise self._faulty(too_large(self._limits.rendered_bytes_max), 0)
        return body

    def _run(self, root: Scope, data_bytes: int, zone: str) -> tuple[list[Any], Meter]:
        if self._program is None:
            return [], Meter(fuel_for(self._limits.template_fuel, data_bytes))
        try:
            seen = {name: sealed(value) for name, value in root.items()}
            return self._program.run(seen, data_bytes=data_bytes, zone=zone)
        except ExpressionFault as fault:
            raise self._faulty(fault, fault.place or 0) from None

    def _compiled(self, source: str) -> Program:
        limits = self._limits
        try:
            return Program(
                source,
                fuel=limits.template_fuel,
                size_max=limits.rendered_bytes_max,
                depth_max=limits.template_depth_max,
            )
        except ExpressionFault as fault:
            raise self._faulty(fault, 0) from None

    def _faulty(self, fault: ExpressionFault, place: int) -> TemplateFault:
        pointer, expression = self._places[place]
        return TemplateFault(fault.text, code=fault.code, pointer=pointer, expression=expression)


def read_template(value: Any, limits: Limits) -> tuple[Template | None, tuple[TemplateFault, ...]]:
    """A template from JSON; None with every fault when there are some."""
    reader = TreeReader(limits)
    try:
        size = len(msgspec.json.encode(value))
        if size > limits.template_bytes_max:
            text = f"A template has at most {limits.template_bytes_max:,} bytes; this one has {size:,}."
            raise TemplateFault(text, code="template_bytes")
        tree = reader.read(value)
        if reader.faults:
            return None, tuple(reader.faults)
        return Template(tree, limits, tuple(reader.reads)), ()
    except TemplateFault as fault:
        return None, (*reader.faults, fault)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None, (TemplateFault("A template is JSON.", code="template_form"),)


@lru_cache(maxsize=1_024)
def _compiled(text: str, numbers: tuple[int, ...]) -> Template | TemplateFault:
    limits = Limits(**dict(zip(_NUMBERS, numbers, strict=True)))
    found, faults = read_template(msgspec.json.decode(text), limits)
    return found or faults[0]


_NUMBERS = (
    "template_fuel", "template_bytes_max", "template_depth_max", "template_expressions_max", "expression_chars_max",
    "rendered_bytes_max",
)  # fmt: skip


def compiled(text: str, limits: Limits) -> Template:
    """A stored template. Raises TemplateFault when it is none any more: the limits may have been lowered."""
    found = _compiled(text, tuple(getattr(limits, name) for name in _NUMBERS))
    if isinstance(found, TemplateFault):
        raise TemplateFault(found.text, code=found.code, pointer=found.pointer, expression=found.expression)
    return found


def root_of(frozen: Frozen) -> dict[str, Any]:
    """What a template sees of a delivery. Raises TemplateFault when an event cannot be read."""
    try:
        events = [msgspec.json.decode(one, type=dict[str, Any]) for one in frozen.snapshots]
    except (msgspec.MsgspecError, RecursionError):
        raise TemplateFault("An event cannot be read.", code="template_event") from None
    site = frozen.site
    return {
        "event": events[0],
        "events": events,
        "count": len(events),
        "site": {
            "msp": frozen.webhook.site,
            "name": site.name if site else frozen.webhook.site,
            "url": frozen.portal_url,
            "timeZone": zone_of(frozen),
            "locale": site.locale if site else "en",
        },
        "webhook": {"id": frozen.webhook.id, "description": frozen.webhook.description},
        "delivery": {"id": frozen.delivery_id, "createdDateTime": format_instant(frozen.created_at)},
    }


def zone_of(frozen: Frozen) -> str:
    """The time zone in which dates are written."""
    return frozen.site.time_zone if frozen.site else "UTC"
