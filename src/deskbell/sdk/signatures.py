"""Verify and sign with a webhook's secret."""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock

from deskbell.rules.signing import SigningKey
from deskbell.rules.verifying import TOLERANCE_S, Finding, verify_signature


class SignatureRefused(Exception):
    """The request must not be believed; `finding` says why, its `name` for programs and its `text` for people."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


class SeenIds:
    """Remembers the newest `ids_max` webhook ids of one process, so that each is taken once.

    A delivery keeps its id on every attempt: after a refusal `seen` answer 2xx if the first was worked on.
    """

    def __init__(self, ids_max: int = 100_000) -> None:
        self._ids_max = ids_max
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def add(self, webhook_id: str) -> bool:
        """Remember the id; False when it was known already. Safe between threads."""
        with self._lock:
            if webhook_id in self._seen:
                return False
            self._seen[webhook_id] = None
            if len(self._seen) > self._ids_max:
                self._seen.popitem(last=False)
            return True


def verify(
    body: bytes,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    secrets: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
    seen: SeenIds | None = None,
) -> None:
    """Return when the request is genuine and fresh; raise SignatureRefused otherwise.

    `body` is the raw body as received; `secrets` one text or several (during a rotation), `now` Unix seconds. An
    object with `add(id) -> bool` as `seen` makes every id pass once.
    """
    texts = [secrets] if isinstance(secrets, str) else list(secrets)
    finding = verify_signature(headers, body, texts, time.time() if now is None else now, tolerance_s)
    if not finding.valid:
        raise SignatureRefused(finding)
    if seen is not None and not seen.add(finding.message_id or ""):
        text = "This webhook id was taken before."
        raise SignatureRefused(Finding(valid=False, name="seen", text=text, message_id=finding.message_id))


def sign(body: bytes, secret: str, *, message_id: str = "dlv_test", now: float | None = None) -> dict[str, str]:
    """The three headers that a genuine request with this body has; for tests of receivers. `now` in Unix seconds.

    Raises ValueError when the secret is none.
    """
    ts = int(time.time() if now is None else now)
    signature = SigningKey(secret).v1(message_id, ts, body)
    return {"webhook-id": message_id, "webhook-timestamp": str(ts), "webhook-signature": signature}
