"""Guessing is slowed down: by address, by user from one address, and over all. Never a lasting lock."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from deskbell.model.errors import Throttled
from deskbell.ports import Clock
from deskbell.rules.limits import Limits

_ADDRESS_WINDOW_S = 60.0
_ALL_WINDOW_S = 60.0
_FAMILIAR_S = 30 * 86_400.0
"""So long after a right password an address is not held up by what others guess."""
_EMAIL_CHARS = 254
"""What is kept of an e-mail address; longer ones do not exist."""
_USER_WINDOW_S = 900.0
_WAIT_S, _WAIT_S_MAX = 60, 900
_FORGIVEN_S = 3_600.0
"""So long after a wait without another one, the next wait is short again."""
_REMEMBERED_MAX = 10_000


@dataclass
class _Record:
    """What is known of one address, or of one user from one address."""

    wrong: deque[float] = field(default_factory=deque)  # monotonic seconds
    trying: int = 0  # passwords that are being checked now: they count until they turn out right
    until: float = 0.0
    wait_s: int = 0  # the last wait

    def prune(self, since: float) -> None:
        """Forget what was wrong before that moment."""
        while self.wrong and self.wrong[0] < since:
            self.wrong.popleft()


class Throttle:
    """Counts wrong passwords in memory; a restart forgets them, which the slow hash makes up for."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._over_all = _Record()
        self._familiar: OrderedDict[str, float] = OrderedDict()  # addresses by their last login
        self._learned_at: float | None = None

    def enter(self, address: str, email: str) -> None:
        """A password or code is about to be checked. Raises Throttled while this address, or this user, must wait."""
        now = self._clock.monotonic()
        found = self._three(address, email)
        for record, window_s, allowed in found[: 2 if self._is_familiar(address, now) else 3]:
            record.prune(now - window_s)
            wait_s = ceil(record.until - now) if record.until > now else 0
            trying = 0 if record is self._over_all else record.trying
            if not wait_s and len(record.wrong) + trying >= allowed:
                wait_s = 1
            if wait_s:
                raise Throttled(f"Too many wrong passwords. Possible again in {wait_s} s.", retry_after_s=wait_s)
        for record, _, _ in found:
            record.trying += 1

    def leave(self, address: str, email: str, *, right: bool | None) -> None:
        """It was right or wrong; None: that was not found out, or it was right and more is asked."""
        now = self._clock.monotonic()
        found = self._three(address, email)
        for record, window_s, allowed in found:
            record.trying = max(0, record.trying - 1)
            if right is False:
                record.prune(now - window_s)
                self._count(record, now, allowed)
        if right:
            self._know(address, now)
            found[1][0].wrong.clear()
            found[1][0].wait_s = 0

    def wants_addresses(self) -> bool:
        """Whether so much is wrong that it counts who signed in lately; asked again after a minute."""
        now = self._clock.monotonic()
        self._over_all.prune(now - _ALL_WINDOW_S)
        flooded = self._over_all.until > now or len(self._over_all.wrong) * 2 >= self._limits.wrong_over_all
        if not flooded or (self._learned_at is not None and now - self._learned_at < _ALL_WINDOW_S):
            return False
        self._learned_at = now
        return True

    def learn(self, ages_s: Mapping[str, float]) -> None:
        """Addresses, and how long ago somebody signed in from there."""
        now = self._clock.monotonic()
        for address, age_s in ages_s.items():
            if age_s <= _FAMILIAR_S:
                self._know(address, max(now - age_s, self._familiar.get(address, now - age_s)))

    def _know(self, address: str, at: float) -> None:
        self._familiar[address] = at
        self._familiar.move_to_end(address)
        if len(self._familiar) > _REMEMBERED_MAX:
            self._familiar.popitem(last=False)

    def _is_familiar(self, address: str, now: float) -> bool:
        return address in self._familiar and now - self._familiar[address] <= _FAMILIAR_S

    def _count(self, record: _Record, now: float, allowed: int) -> None:
        record.wrong.append(now)
        if len(record.wrong) >= allowed:
            is_old = now > record.until + _FORGIVEN_S
            record.wait_s = _WAIT_S if is_old or not record.wait_s else min(record.wait_s * 2, _WAIT_S_MAX)
            record.until = now + record.wait_s
            record.wrong.clear()

    def _three(self, address: str, email: str) -> tuple[tuple[_Record, float, int], ...]:
        """The records with their windows and how many wrong ones they allow; the last holds for strangers only."""
        user = f"user {email[:_EMAIL_CHARS].lower()} {address}"
        return (
            (self._record(f"address {address}"), _ADDRESS_WINDOW_S, self._limits.wrong_per_address),
            (self._record(user), _USER_WINDOW_S, self._limits.wrong_per_user),
            (self._over_all, _ALL_WINDOW_S, self._limits.wrong_over_all),
        )

    def _record(self, name: str) -> _Record:
        record = self._records.setdefault(name, _Record())
        self._records.move_to_end(name)
        if len(self._records) > _REMEMBERED_MAX:
            self._records.popitem(last=False)
        return record
