"""Reading a contact's wish to be called back."""

from collections.abc import Mapping
from typing import Any

from deskbell.desk.reading import Reading
from deskbell.model.chat import Callback, Preferred
from deskbell.rules.limits import Limits

CALLBACK_TYPES = ("phone", "chat")
SPANS_MAX = 20


def read_callback(reading: Reading) -> Callback | None:
    """The callback that this object tells; None after a fault."""
    reading.required("type")
    spans = []
    for place, span in enumerate(reading.objects("preferredTime", SPANS_MAX)):
        span.required("start", "end")
        start, end = span.moment("start"), span.moment("end")
        if start and end and len(start) == len(end) and end <= start and start[-6:] == end[-6:]:
            reading.fault(f"preferredTime/{place}/end", "order", "The end must be later than the start.")
        if start and end:
            spans.append(Preferred(start=start, end=end))
    kind = reading.choice("type", CALLBACK_TYPES)
    phone, note = reading.phone("phone"), reading.long("note")
    if kind is None:
        return None
    told = reading.body.get("preferredTime") is not None
    return Callback(type=kind, phone=phone, note=note, preferred_time=tuple(spans) if told else None)


def callback_of(value: Callback | Mapping[str, Any], limits: Limits, at: str = "") -> Callback:
    """A callback given as a value or as a JSON object. Raises Invalid."""
    if isinstance(value, Callback):
        value = callback_body(value)
    reading = Reading(value, limits, at=at)
    reading.unknown(("type", "phone", "note", "preferredTime"))
    found = read_callback(reading)
    reading.done()
    assert found is not None  # noqa: S101  # a missing type is a fault
    return found


def callback_body(callback: Callback) -> dict[str, Any]:
    """The JSON object of a callback."""
    spans = callback.preferred_time
    return {
        "type": callback.type,
        "phone": callback.phone,
        "note": callback.note,
        "preferredTime": None if spans is None else [{"start": span.start, "end": span.end} for span in spans],
    }
