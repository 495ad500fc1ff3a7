"""The parts of the form that say which events are sent, and as what: filter, changed fields, template."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from deskbell.model.errors import FaultAt
from deskbell.model.webhook import Webhook

_FAULTS_SHOWN = 4


def content_of(texts: Mapping[str, str]) -> tuple[dict[str, Any], tuple[FaultAt, ...]]:
    """The fields as members of the API; a fault with its line for a template that is no JSON."""
    template, faults = template_of(texts.get("template", ""))
    members = {
        "filter": texts.get("filter") or None,
        "changedFields": texts.get("changed_fields", "").replace(",", " ").split(),
        "template": template,
    }
    return members, faults


def template_of(text: str) -> tuple[Any, tuple[FaultAt, ...]]:
    """A typed template as JSON."""
    if not text:
        return None, ()
    try:
        return json.loads(text, parse_constant=_no_number), ()
    except json.JSONDecodeError as error:
        detail = f"This is no JSON: line {error.lineno}, character {error.colno}: {error.msg}."
    except (ValueError, RecursionError):
        detail = "This is no JSON that can be read."
    return None, (FaultAt(pointer="/template", code="template_form", detail=detail),)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def texts_from(webhook: Webhook) -> dict[str, str]:
    """The fields as a webhook's settings fill them."""
    template = webhook.template
    return {
        "filter": webhook.filter or "",
        "changed_fields": ", ".join(webhook.changed_fields),
        "template": "" if template is None else msgspec.json.format(template.encode(), indent=2).decode(),
    }


def gathered(faults: Sequence[FaultAt]) -> tuple[FaultAt, ...]:
    """Faults inside the template as one, each with its place: the form has one field for all of it."""
    inside = [one for one in faults if one.pointer.startswith("/template/")]
    if not inside:
        return tuple(faults)
    more = f" And {len(inside) - _FAULTS_SHOWN} more." if len(inside) > _FAULTS_SHOWN else ""
    whole = FaultAt(pointer="/template", code=inside[0].code, detail=" ".join(_placed(inside[:_FAULTS_SHOWN])) + more)
    return (*(one for one in faults if one not in inside), whole)


def _placed(faults: Sequence[FaultAt]) -> Iterator[str]:
    for one in faults:
        yield f"At {one.pointer.removeprefix('/template')}: {one.detail}"
