"""Fair turns over sites, and over the lanes of each site: round robin by deficit.

A turn pays for one attempt of up to 16 KiB, which nearly all are. A larger payload owes what is more, and its lane and
its site let as many turns pass as that costs, as long as somebody else wants them.
"""

from collections import deque
from collections.abc import Callable

from deskbell.engine.lane import Lane
from deskbell.model.ids import SiteId

TURN_BYTES = 16_384


class Debts:
    """What each site owes for large payloads; most owe nothing."""

    def __init__(self) -> None:
        self._sites: dict[SiteId, int] = {}

    def charge(self, lane: Lane, payload_bytes: int) -> None:
        """An attempt with this payload has its turn."""
        over = payload_bytes - TURN_BYTES
        if over > 0:
            lane.debt_bytes += over
            self._sites[lane.site] = self._sites.get(lane.site, 0) + over

    def pays(self, site: SiteId) -> bool:
        """Whether the site pays with this turn."""
        left = self._sites.get(site)
        if left is None:
            return False
        if left > TURN_BYTES:
            self._sites[site] = left - TURN_BYTES
        else:
            del self._sites[site]
        return True

    def forgive(self, site: SiteId) -> None:
        """Nobody else wants the turns."""
        self._sites.pop(site, None)


class Rotation:
    """Lanes that have something to send. A lane is in it at most once; `mark` is its bit in `Lane.in_rotation`."""

    def __init__(self, mark: int, debts: Debts) -> None:
        self._mark = mark
        self._debts = debts
        self._sites: deque[SiteId] = deque()
        self._lanes: dict[SiteId, deque[Lane]] = {}

    def __bool__(self) -> bool:
        return bool(self._sites)

    def add(self, lane: Lane) -> None:
        """Put the lane at the end of its site's turn."""
        if lane.in_rotation & self._mark:
            return
        lane.in_rotation |= self._mark
        lanes = self._lanes.get(lane.site)
        if lanes is None:
            lanes = self._lanes[lane.site] = deque()
            self._sites.append(lane.site)
        lanes.append(lane)

    def take(self, may: Callable[[SiteId], bool], *, somebody: bool = True) -> Lane | None:
        """The lane whose turn it is, of the first site that may and owes nothing; it leaves the rotation.

        Each site that owes something pays with a turn. When all do: somebody is served all the same, or nobody.
        """
        if len(self._sites) == 1:
            self._debts.forgive(self._sites[0])
        has_payer = True
        while has_payer:
            has_payer = False
            for _ in range(len(self._sites)):
                site = self._sites[0]
                self._sites.rotate(-1)
                if not may(site):
                    continue
                if not self._debts.pays(site):
                    return self._take_of(site)
                has_payer = somebody
        return None

    def _take_of(self, site: SiteId) -> Lane:
        """The next lane of the site that has just been put at the end."""
        lanes = self._lanes[site]
        lane = lanes.popleft()
        while lane.debt_bytes > 0 and lanes:
            lane.debt_bytes -= TURN_BYTES
            lanes.append(lane)
            lane = lanes.popleft()
        if not lanes:
            del self._lanes[site]
            self._sites.pop()
        lane.debt_bytes = 0
        lane.in_rotation &= ~self._mark
        return lane
