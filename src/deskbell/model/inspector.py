"""The inspector: bins that capture requests, so that a webhook can be tested without another website."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a scripted answer."""

    times: int | None = None  # None: for ever (the last step always is)
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    delay_ms: int = 0
    fault: str | None = None  # reset, hang, slow_drip
    seconds: float | None = None  # how long a hang holds
    bytes_per_second: int | None = None


@dataclass(frozen=True, kw_only=True)
class Bin:
    """An address that captures whatever is sent to it and answers as scripted."""

    site: SiteId
    id: str  # bin_…
    name: str
    address: str  # 26 random Crockford characters, lower case
    created_at: Instant
    created_by: str
    webhook_id: str | None = None  # whose secrets verify the captures
    steps: tuple[Step, ...] = (Step(),)
    answered: int = 0  # requests answered since the script was set
    seq: int = 0  # of the newest capture
    version: int = 1


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One request that a bin captured, raw."""

    site: SiteId
    bin_id: str
    seq: int
    id: str  # cap_…
    at: Instant
    method: str
    path: str  # below the bin's address
    query: str
    headers: tuple[tuple[str, str], ...]  # in order, as sent
    body: bytes
    body_cut: bool
    peer: str
    answered_status: int | None  # None: reset or hung
    duration_ms: float = 0.0
    delivery_id: str | None = None  # by webhook-id
    attempt: int | None = None  # by deskbell-attempt
    signature: str | None = None  # finding of the signature report
    signature_text: str = ""
    schema_faults: tuple[str, ...] | None = None  # None: no event type known; (): valid
    event_types: tuple[str, ...] = ()
