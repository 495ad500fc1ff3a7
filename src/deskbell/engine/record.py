"""The record of an attempt: what was sent and what came back, with secrets taken out."""

from dataclasses import dataclass, replace

from deskbell.engine.request import shown_headers
from deskbell.engine.run import Run
from deskbell.model.delivery import Decision
from deskbell.model.exchange import Outcome, Reply, Timing
from deskbell.rules.limits import Limits
from deskbell.rules.redacting_paths import mask_paths
from deskbell.rules.redaction import mask_headers, redact

_CREDENTIAL_HEADERS = ("set-cookie", "set-cookie2", "www-authenticate", "authorization", "proxy-authenticate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything of the attempt's row but its id, which is given when it is settled."""

    outcome: Outcome
    decision: Decision
    timing: Timing
    address: str | None
    request_headers: tuple[tuple[str, str], ...]
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes
    response_truncated: bool


def record(run: Run, reply: Reply, outcome: Outcome, decision: Decision, limits: Limits) -> Record:
    """Redact before anything is written: the receiver may have echoed a secret."""
    body = redact(mask_paths(reply.body, run.opened.redact), run.opened.secrets) if reply.body else b""
    kept = body[: limits.response_bytes_stored]
    headers = mask_headers(reply.headers, _CREDENTIAL_HEADERS, run.opened.secrets) if reply.headers else ()
    return Record(
        outcome=outcome,
        decision=decision,
        timing=replace(reply.timing, queued_ms=run.queued_ms),
        address=reply.address,
        request_headers=shown_headers(run.sendable, run.opened) if run.sendable is not None else (),
        response_headers=tuple(headers),
        response_body=kept,
        response_truncated=reply.truncated or len(kept) < len(body),
    )
