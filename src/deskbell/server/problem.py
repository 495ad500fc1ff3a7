"""Refusals as RFC 9457 `application/problem+json`: what happened, what to do, one entry per fault."""

from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.model.errors import Later, Refusal


def problem_body(refusal: Refusal, request_id: str) -> bytes:
    """The JSON document of a refusal."""
    document: dict[str, Any] = {
        "type": f"/docs/problems/{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
    }
    if refusal.reason:
        document["code"] = refusal.reason
    document["errors"] = [
        {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in refusal.faults
    ]
    document["requestId"] = request_id
    return msgspec.json.encode(document)


def retry_after(refusal: Refusal) -> dict[str, str]:
    """The Retry-After header of refusals that say when to come back."""
    return {"retry-after": str(refusal.retry_after_s)} if isinstance(refusal, Later) else {}


def problem(refusal: Refusal, request_id: str) -> Response:
    """The answer to a refused request."""
    return Response(
        problem_body(refusal, request_id),
        status_code=refusal.status,
        media_type="application/problem+json",
        headers=retry_after(refusal),
    )
