"""Guessing is slowed down: by address, by user from one address, and over all. Never a lasting lock."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

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


class Throttle:
    """Counts wrong passwords in memory; a restart forgets them, which the slow hash makes up for."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._wrong_of_all: deque[float] = deque(maxlen=limits.wrong_over_all)
        self._familiar: OrderedDict[str, float] = OrderedDict()  # addresses by their last right password

    def enter(self, address: str, email: str) -> None:
        """A password is about to be checked. Raises Throttled while this address, or this user from it, must wait."""
        now = self._clock.monotonic()
        self._check_all(address, now)
        found = self._both(address, email)
        for record, window_s, allowed in found:
            while record.wrong and record.wrong[0] < now - window_s:
                record.wrong.popleft()
            wait_s = round(record.until - now) + 1 if record.until > now else 0
            if not wait_s and len(record.wrong) + record.trying >= allowed:
                wait_s = 1
            if wait_s:
                raise Throttled(f"Too many wrong passwords. Possible again in {wait_s} s.", retry_after_s=wait_s)
        for record, _, _ in found:
            record.trying += 1

    def leave(self, address: str, email: str, *, right: bool | None) -> None:
        """It was right or wrong; None: that was not found out."""
        now = self._clock.monotonic()
        found = self._both(address, email)
        for record, _, allowed in found:
            record.trying = max(0, record.trying - 1)
            if right is False:
                self._count(record, now, allowed)
        if right is False:
            self._wrong_of_all.append(now)
        if right:
            self._familiar[address] = now
            self._familiar.move_to_end(address)
            if len(self._familiar) > _REMEMBERED_MAX:
                self._familiar.popitem(last=False)
            found[1][0].wrong.clear()
            found[1][0].wait_s = 0

    def _check_all(self, address: str, now: float) -> None:
        """Very many wrong passwords from everywhere: strange addresses wait until the flood is over."""
        flood = self._wrong_of_all
        if len(flood) < self._limits.wrong_over_all or flood[0] <= now - _ALL_WINDOW_S:
            return
        if now - self._familiar.get(address, -_FAMILIAR_S - now) > _FAMILIAR_S:
            wait_s = round(flood[0] + _ALL_WINDOW_S - now) + 1
            raise Throttled(f"Too many wrong passwords. Possible again in {wait_s} s.", retry_after_s=wait_s)

    def _count(self, record: _Record, now: float, allowed: int) -> None:
        record.wrong.append(now)
        if len(record.wrong) >= allowed:
            is_old = now > record.until + _FORGIVEN_S
            record.wait_s = _WAIT_S if is_old or not record.wait_s else min(record.wait_s * 2, _WAIT_S_MAX)
            record.until = now + record.wait_s
            record.wrong.clear()

    def _both(self, address: str, email: str) -> tuple[tuple[_Record, float, int], ...]:
        """The two records with their windows and how many wrong ones they allow."""
        return (
            (self._record(f"address {address}"), _ADDRESS_WINDOW_S, self._limits.wrong_per_address),
            (
                self._record(f"user {email[:_EMAIL_CHARS].lower()} {address}"),
                _USER_WINDOW_S,
                self._limits.wrong_per_user,
            ),
        )

    def _record(self, name: str) -> _Record:
        record = self._records.setdefault(name, _Record())
        self._records.move_to_end(name)
        if len(self._records) > _REMEMBERED_MAX:
            self._records.popitem(last=False)
        return record
