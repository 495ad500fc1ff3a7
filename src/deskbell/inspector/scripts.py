"""Scripted answers: the ready-made ones, and reading a caller's own steps."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.inspector import Step

HOLD_S_MAX = 60
STEPS_MAX = 50
_BODY_CHARS_MAX = 65_536
_FAULTS = ("reset", "hang", "slow_drip")
_FIXED_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "set-cookie"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?", re.ASCII)

SCRIPTS: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        "always ok": (Step(body="ok"),),
        "fails 2 times then ok": (Step(times=2, status=503, body="busy"), Step(body="ok")),
        "429 + Retry-After": (
            Step(times=1, status=429, headers=(("Retry-After", "3"),), body="slow down"),
            Step(body="ok"),
        ),
        "410": (Step(status=410, body="gone"),),
        "hang": (Step(fault="hang", seconds=HOLD_S_MAX),),
        "reset": (Step(fault="reset"),),
        "slow drip": (Step(fault="slow_drip", bytes_per_second=10, body="ok, but slowly: one byte after the other"),),
        "redirect": (Step(status=302, headers=(("Location", "https://elsewhere.example/"),)),),
    }
)
"""Ready-made scripts by the name that people choose."""


def step_at(steps: Sequence[Step], answered: int) -> Step:
    """The step for the request after `answered` ones; the last step stands for ever."""
    for step in steps[:-1]:
        if step.times is None or answered < step.times:
            return step
        answered -= step.times
    return steps[-1] if steps else Step()


def script_of(name: str) -> tuple[Step, ...]:
    """The steps of a ready-made script. Raises Invalid."""
    steps = SCRIPTS.get(name)
    if steps is None:
        raise Invalid(faults=(FaultAt(pointer="/script", code="choice", detail=f"One of: {', '.join(SCRIPTS)}."),))
    return steps


def script_name(steps: Sequence[Step]) -> str | None:
    """The name of the ready-made script that has these steps, None for somebody's own."""
    return next((name for name, known in SCRIPTS.items() if known == tuple(steps)), None)


def read_steps(value: Any) -> tuple[Step, ...]:
    """A caller's own steps, as JSON objects. Raises Invalid with every fault."""
    faults: list[FaultAt] = []
    if not isinstance(value, list) or not 1 <= len(value) <= STEPS_MAX:
        raise Invalid(faults=(FaultAt(pointer="/steps", code="type", detail=f"A list of 1 to {STEPS_MAX} steps."),))
    steps = tuple(_step(one, f"/steps/{place}", faults) for place, one in enumerate(value))
    if faults:
        raise Invalid(faults=tuple(faults))
    return steps


def _step(value: Any, at: str, faults: list[FaultAt]) -> Step:
    if not isinstance(value, Mapping):
        faults.append(FaultAt(pointer=at, code="type", detail="A step is an object."))
        return Step()
    known = {"times", "status", "headers", "body", "delayMs", "fault", "seconds", "bytesPerSecond"}
    faults += [
        FaultAt(pointer=f"{at}/{name}", code="unknown_member", detail="No such member here.")
        for name in value
        if name not in known
    ]
    body = value.get("body", "")
    if not isinstance(body, str) or len(body) > _BODY_CHARS_MAX:
        faults.append(FaultAt(pointer=f"{at}/body", code="type", detail=f"A text of at most {_BODY_CHARS_MAX}."))
        body = ""
    fault = value.get("fault")
    if fault is not None and fault not in _FAULTS:
        faults.append(FaultAt(pointer=f"{at}/fault", code="choice", detail=f"One of: {', '.join(_FAULTS)}."))
    return Step(
        times=_whole(value, "times", 1, 1_000_000, at, faults),
        status=_whole(value, "status", 200, 599, at, faults) or 200,
        headers=_headers(value.get("headers", {}), f"{at}/headers", faults),
        body=body,
        delay_ms=_whole(value, "delayMs", 0, HOLD_S_MAX * 1000, at, faults) or 0,
        fault=fault,
        seconds=_whole(value, "seconds", 0, HOLD_S_MAX, at, faults),
        bytes_per_second=_whole(value, "bytesPerSecond", 1, 1_000_000, at, faults),
    )


def _whole(value: Mapping[str, Any], name: str, low: int, high: int, at: str, faults: list[FaultAt]) -> int | None:
    number = value.get(name)
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        faults.append(FaultAt(pointer=f"{at}/{name}", code="range", detail=f"A whole number from {low} to {high}."))
        return None
    return number


def _headers(value: Any, at: str, faults: list[FaultAt]) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping) or len(value) > 50:
        faults.append(FaultAt(pointer=at, code="type", detail="An object of at most 50 names and values."))
        return ()
    found = []
    for name, text in value.items():
        if _HEADER_NAME.fullmatch(str(name)) is None or str(name).lower() in _FIXED_HEADERS:
            faults.append(FaultAt(pointer=f"{at}/{name}", code="header_name", detail="This header cannot be scripted."))
        elif not isinstance(text, str) or len(text) > 4096 or _HEADER_VALUE.fullmatch(text) is None:
            faults.append(FaultAt(pointer=f"{at}/{name}", code="header_value", detail="Visible ASCII characters only."))
        else:
            found.append((str(name), text))
    return tuple(found)
