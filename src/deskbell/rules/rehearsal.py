"""Filters and templates tried on every sample of the chosen event types before they are saved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from deskbell.model.errors import FaultAt
from deskbell.model.ids import DeliveryId, EventId
from deskbell.model.instant import parse_instant
from deskbell.model.rendering import Frozen
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook
from deskbell.rules.catalogue import CATALOGUE, SAMPLE_NAMES, find, sample
from deskbell.rules.event_types import matches
from deskbell.rules.expressions import ExpressionFault, names_in
from deskbell.rules.filtering import NOT_EVALUATED, Filter, Seen, is_field
from deskbell.rules.limits import Limits
from deskbell.rules.template_nodes import ROOTS, Path
from deskbell.rules.templates import LIMIT_CODES, Template, TemplateFault, read_template, root_of, zone_of

FAULTS_MAX, LIMIT_FAULTS_MAX = 20, 3


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sample event."""

    type: str
    name: str  # minimal, typical, maximal, unicode; declared
    snapshot: bytes

    @property
    def members(self) -> dict[str, Any]:
        """Parsed."""
        return msgspec.json.decode(self.snapshot, type=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is wrong, and what is only odd."""

    faults: tuple[FaultAt, ...] = ()
    warnings: tuple[FaultAt, ...] = ()


def samples_of(choices: Sequence[str], site: str, declared: Mapping[str, str]) -> tuple[Sample, ...]:
    """The samples of every type that is chosen. `declared`: custom types that have a sample, JSON text of `data`."""
    known = [*(one.name for one in CATALOGUE), *declared]
    named = [one for one in choices if one.startswith("custom.") and not one.endswith("*")]
    found = [one for one in dict.fromkeys((*known, *named)) if any(matches(choice, one) for choice in choices)]
    return tuple(one for name in found for one in _samples(name, site, declared))


def _samples(event_type: str, site: str, declared: Mapping[str, str]) -> Iterator[Sample]:
    if event_type in declared:
        yield Sample(type=event_type, name="declared", snapshot=_with_data(event_type, site, declared[event_type]))
    elif find(event_type) is not None:
        for name in SAMPLE_NAMES:
            yield Sample(type=event_type, name=name, snapshot=sample(event_type, name, site=site))


def _with_data(event_type: str, site: str, data: str) -> bytes:
    members = msgspec.json.decode(sample(event_type, "typical", site=site), type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**members, "data": msgspec.Raw(data.encode())})


def frozen_sample(one: Sample, webhook: Webhook, site: Site | None) -> Frozen:
    """A delivery of one sample to this webhook."""
    meta = one.members["meta"]
    at = parse_instant(meta["occurredDateTime"])
    return Frozen(
        webhook=webhook,
        delivery_id=DeliveryId("dlv_sample"),
        event_ids=(EventId(meta["eventId"]),),
        event_types=(one.type,),
        occurred_at=(at,),
        snapshots=(one.snapshot,),
        created_at=at,
        site=site,
    )


def rehearse_filter(source: str, samples: Sequence[Sample], limits: Limits) -> Told:
    """A filter as it would be asked."""
    try:
        found = Filter(source, limits)
    except ExpressionFault as fault:
        return Told(faults=(FaultAt(pointer="/filter", code=fault.code, detail=_placed(fault, source)),))
    tried = _Tried()
    for one in samples:
        reason = found.refusal(Seen(one.snapshot))
        if reason is not None and reason.startswith(NOT_EVALUATED):
            tried.add("/filter", "filter", reason.removeprefix(NOT_EVALUATED), one)
    paths = [(path, "/filter") for path in names_in(found.node)]
    return Told(faults=tried.faults(), warnings=tuple(_unknown(paths, [(one, one.members) for one in samples])))


def rehearse_template(
    value: Any, samples: Sequence[Sample], webhook: Webhook, site: Site | None, limits: Limits
) -> Told:
    """A template as it would be rendered."""
    template, faults = read_template(value, limits)
    if template is None:
        shown = faults[:FAULTS_MAX]
        return Told(
            faults=tuple(
                FaultAt(pointer=f"/template{one.pointer}", code=one.code, detail=_with_expression(one)) for one in shown
            )
        )
    tried, roots = _Tried(), []
    for one in samples:
        frozen = frozen_sample(one, webhook, site)
        roots.append((one, root_of(frozen)))
        if tried.limit_faults < LIMIT_FAULTS_MAX:  # one that does too much takes its time with each sample
            _try(template, one, roots[-1][1], zone_of(frozen), tried)
    paths = [(one.path, f"/template{one.pointer}") for one in template.reads]
    return Told(faults=tried.faults(), warnings=tuple(_unknown(paths, roots)))


def _try(template: Template, one: Sample, root: Mapping[str, Any], zone: str, tried: "_Tried") -> None:
    try:
        template.render(root, data_bytes=len(one.snapshot), zone=zone)
    except TemplateFault as fault:
        tried.add(f"/template{fault.pointer}", fault.code, _with_expression(fault), one)


def rehearse_fields(fields: Sequence[str], samples: Sequence[Sample], limits: Limits) -> Told:
    """Changed fields: their form, and whether they exist."""
    pointer = "/changedFields"
    if len(fields) > limits.changed_fields_max:
        detail = f"Name at most {limits.changed_fields_max} fields."
        return Told(faults=(FaultAt(pointer=pointer, code="range", detail=detail),))
    wrong = [
        FaultAt(pointer=f"{pointer}/{place}", code="field_form", detail="A field looks like status, or status.id.")
        for place, field in enumerate(fields)
        if not is_field(field)
    ]
    if wrong or not fields:
        return Told(faults=tuple(wrong))
    changing = [(one, one.members) for one in samples if isinstance(one.members.get("changes"), dict)]
    if not changing:
        detail = "None of the chosen event types tells of changed fields: every event passes."
        return Told(warnings=(FaultAt(pointer=pointer, code="field_unknown", detail=detail),))
    paths = [(tuple(field.split(".")), f"{pointer}/{place}") for place, field in enumerate(fields)]
    return Told(warnings=tuple(_unknown(paths, changing)))


class _Tried:
    """Faults over samples: the same one is told once, with the first sample that has it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list[Sample]] = {}
        self.limit_faults = 0

    def add(self, pointer: str, code: str, text: str, one: Sample) -> None:
        """Note a fault."""
        self._found.setdefault((pointer, code, text), []).append(one)
        self.limit_faults += code in LIMIT_CODES

    def faults(self) -> tuple[FaultAt, ...]:
        """Each fault with its sample."""
        return tuple(
            FaultAt(pointer=pointer, code=code, detail=f"{where[0].type}, {where[0].name} sample: {text}{_more(where)}")
            for (pointer, code, text), where in list(self._found.items())[:FAULTS_MAX]
        )


def _more(where: Sequence[Sample]) -> str:
    count = len(where) - 1
    return f" The same with {count} more sample{'' if count == 1 else 's'}." if count else ""


def _with_expression(fault: TemplateFault) -> str:
    shown = " ".join(fault.expression.split())
    return f"{shown[:120]}: {fault.text}" if shown else fault.text


def _placed(fault: ExpressionFault, source: str) -> str:
    """The fault with what stands where it is."""
    rest = "" if fault.place is None else " ".join(source[fault.place : fault.place + 40].split())
    return f"{fault.text} Here: {rest}" if rest and rest not in fault.text else fault.text


def _unknown(paths: Sequence[tuple[Path, str]], roots: Sequence[tuple[Sample, Mapping[str, Any]]]) -> Iterator[FaultAt]:
    """A warning for each path that no sample has."""
    told: set[Path] = set()
    for path, pointer in paths:
        has = {_has(root, path, one) for one, root in roots}
        if path[0] == "loop" or path in told or True in has or False not in has:
            continue
        told.add(path)
        shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
        near = f" A template knows {', '.join(ROOTS)}." if pointer.startswith("/template") and len(path) == 1 else ""
        detail = f"No sample of the chosen event types has {shown}: it will be empty.{near}"
        yield FaultAt(pointer=pointer, code="field_unknown", detail=detail)


def _has(root: Any, path: Path, one: Sample) -> bool | None:
    """Whether a sample has this; None where it cannot tell: inside nothing, or in data of an undeclared type."""
    value, is_custom = root, one.type.startswith("custom.") and one.name != "declared"
    for step in _without_change(path):
        if value is None or value == [] or (is_custom and _is_data(value, root)):
            return None
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int):
            value = value[0]
        else:
            return False
    return True


def _without_change(path: Path) -> Path:
    """`changes.status.old.name` as `status.name`: no sample changes everything, but whatever there is may change."""
    if "changes" not in path:
        return path
    place = path.index("changes")
    return (*path[:place], *path[place + 1 : place + 2], *path[place + 3 :])


def _is_data(value: Any, root: Any) -> bool:
    """Whether this is (inside) the published data of a custom event."""
    event = root.get("event", root)
    return value is event.get("data")
