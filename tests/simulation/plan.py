"""The draw: which faults are on and how often, and how large everything is. Each seed has its own."""

from dataclasses import asdict, dataclass
from typing import Any

from simulation.tape import Tape

CHARACTERS = ("ok", "slow", "flaky", "throttle", "hang", "down", "moved", "garbage", "gone", "reset", "echo")
HOUR, DAY = 3_600.0, 86_400.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that is drawn before a run begins."""

    nodes: int  # 1: alone, as with SQLite; 3: shared, as with PostgreSQL
    sites: int
    webhooks: int
    events: int
    chats: int
    horizon_s: float  # of virtual time, until all is healed
    burst: bool  # events come in bursts, not evenly
    characters: tuple[str, ...]  # of the receivers, in turns
    in_flight: int  # per webhook
    in_flight_all: int  # per process
    # faults: how many of each in the whole time
    kills: int
    crash_points: float  # share of the named points at which the process ends
    stops: int  # in order
    freezes: int
    clock_jumps: int
    skew_s: float
    dns_flips: int
    outages: int  # of the database
    cuts: int  # of the wire between nodes
    admin: int  # changes of settings
    by_hand: int  # deliveries sent by hand, cancelled, tests
    slow_commits: bool
    slow_reads: bool
    poison: float  # share of the events that cannot be rendered
    repeats: float  # share of the publishes that are repeated without need
    lost_answers: float  # share of the publishes whose answer never arrives
    shuffles: bool

    @property
    def tick_s(self) -> float:
        """How often the engine looks from time to time: seldom when the time is long, so that a run stays cheap."""
        return max(1.0, self.horizon_s / 25)

    @property
    def lease_s(self) -> float:
        """Of a shard."""
        return max(15.0, self.horizon_s / 12)

    def shown(self) -> dict[str, Any]:
        """For people."""
        return {
            name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()
        } | {"tick_s": round(self.tick_s, 1)}


def draw_plan(tape: Tape) -> Plan:
    """The draw of one run."""
    nodes = 3 if tape.chance(0.2) else 1
    horizon_s = tape.skewed(HOUR, 8 * DAY)
    calm = tape.chance(0.1)  # no faults at all: then nothing at all may go wrong

    def some(share: float, most: int) -> int:
        return tape.count(1, most) if tape.chance(share) and not calm else 0

    def share(chance: float, most: float) -> float:
        return tape.skewed(most / 20, most) if tape.chance(chance) and not calm else 0.0

    return Plan(
        nodes=nodes,
        sites=2 if tape.chance(0.3) else 1,
        webhooks=tape.count(1, 8),
        events=tape.count(1, (200 if nodes == 1 else 60) if tape.chance(0.15) else 30),
        chats=tape.count(1, 6) if tape.chance(0.3) else 0,
        horizon_s=horizon_s,
        burst=tape.chance(0.4),
        characters=("ok",) if calm else tuple(tape.pick(CHARACTERS) for _ in range(tape.count(1, 5))),
        in_flight=tape.pick((20, 1, 2, 3, 5)),
        in_flight_all=tape.pick((1_000, 40, 8)),
        kills=some(0.5, 6),
        crash_points=share(0.25, 0.1),
        stops=some(0.2, 3),
        freezes=some(0.3 if nodes > 1 else 0.15, 4),
        clock_jumps=some(0.2, 3),
        skew_s=tape.between(-5.0, 5.0) if nodes > 1 and not calm else 0.0,
        dns_flips=some(0.3, 4),
        outages=some(0.15, 2),
        cuts=some(0.3, 3) if nodes > 1 else 0,
        admin=some(0.5, 12),
        by_hand=some(0.25, 6),
        slow_commits=tape.chance(0.2),
        slow_reads=tape.chance(0.3),
        poison=share(0.1, 0.3),
        repeats=share(0.2, 0.5),
        lost_answers=share(0.25, 0.4),
        shuffles=not tape.chance(0.1),
    )
