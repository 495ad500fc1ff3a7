"""Round robin over sites, and over the lanes of each site."""

from collections import deque
from collections.abc import Callable

from deskbell.engine.lane import Lane
from deskbell.model.ids import SiteId


class Rotation:
    """Lanes that have something to send. A lane is in it at most once; `mark` is its bit in `Lane.in_rotation`."""

    def __init__(self, mark: int) -> None:
        self._mark = mark
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

    def take(self, may: Callable[[SiteId], bool]) -> Lane | None:
        """The lane whose turn it is, of the first site that may; it leaves the rotation."""
        for _ in range(len(self._sites)):
            site = self._sites[0]
            self._sites.rotate(-1)
            if not may(site):
                continue
            lanes = self._lanes[site]
            lane = lanes.popleft()
            if not lanes:
                del self._lanes[site]
                self._sites.pop()
            lane.in_rotation &= ~self._mark
            return lane
        return None
