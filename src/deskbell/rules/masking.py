"""What somebody sees who may look at payloads only masked: the same rows, with secrets in them covered."""

from dataclasses import replace

from deskbell.model.delivery import Attempt
from deskbell.model.event import Event
from deskbell.model.inspector import Capture
from deskbell.rules.redacting_paths import Paths, mask_paths
from deskbell.rules.redaction import mask_headers, redact, redact_json


def mask_event(event: Event, paths: Paths = ()) -> Event:
    """An event with its snapshot masked; what was erased stays empty."""
    return event if event.is_erased else replace(event, snapshot=redact_json(event.snapshot, paths))


def mask_attempt(attempt: Attempt, paths: Paths = ()) -> Attempt:
    """An attempt with headers and response masked."""
    return replace(
        attempt,
        request_headers=mask_headers(attempt.request_headers),
        response_headers=mask_headers(attempt.response_headers),
        response_body=redact(mask_paths(attempt.response_body, paths)),
    )


def mask_capture(capture: Capture, paths: Paths = ()) -> Capture:
    """A capture with headers, query and body masked."""
    return replace(
        capture,
        headers=mask_headers(capture.headers),
        query=redact(capture.query.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass"),
        body=redact(mask_paths(capture.body, paths)),
    )
