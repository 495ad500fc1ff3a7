"""What every part of the engine stands on; handed to each as one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from deskbell.engine.counters import Tally
from deskbell.engine.faultpoints import Faultpoints
from deskbell.engine.filter_faults import FilterFaults
from deskbell.engine.ids import Ids
from deskbell.engine.kinds import Kind
from deskbell.engine.ownership import Ownership
from deskbell.engine.settings import Settings
from deskbell.engine.supervise import Supervisor
from deskbell.ports import Clock, Doorbell, Random, Sender, Store
from deskbell.rules.limits import Limits


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Ports, numbers, and the small things that all parts share."""

    store: Store
    sender: Sender
    clock: Clock
    random: Random
    doorbell: Doorbell
    limits: Limits
    kinds: Mapping[str, Kind]
    log: FilteringBoundLogger
    ids: Ids
    tally: Tally
    settings: Settings
    ownership: Ownership
    supervisor: Supervisor
    faultpoints: Faultpoints
    filter_faults: FilterFaults
    portal_url: str  # what templates call site.url
    broken: Callable[[str], None]  # the database is broken; where that was noticed
