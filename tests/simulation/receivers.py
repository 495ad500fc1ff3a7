"""Receivers with characters, and what arrived at them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulation.tape import Tape

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
GARBAGE = b"\x16\x03\x01 this is no HTTP\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request that arrived."""

    at: float
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Says:
    """What comes back, and when; None: never."""

    after_s: float | None
    data: bytes = OK
    resets: bool = False


def head(status: int, *lines: str) -> bytes:
    """An answer without a body."""
    return "\r\n".join([f"HTTP/1.1 {status} X", "content-length: 0", *lines, "", ""]).encode()


@dataclass(slots=True)
class Receiver:
    """One host: where it is, how it behaves, and what it was sent."""

    host: str
    address: str
    character: str
    tape: Tape
    back_at: float = 0.0  # of the characters that come to their senses
    wait_s: int = 0  # what it asks for when it is too busy
    forbidden: tuple[str, ...] = ()  # addresses that its name leads to now and then
    dns_fault: str | None = None
    healed: bool = False
    arrivals: list[tuple[Arrival, int]] = field(default_factory=list)  # with the status that was answered; 0: none
    on_arrival: Callable[["Receiver", Arrival, int], None] = lambda receiver, arrival, status: None

    @property
    def is_down(self) -> bool:
        """Whether it takes no connections."""
        return self.character == "down" and not self.healed

    def names(self, tape: Tape) -> tuple[str, ...]:
        """What its name leads to at this moment."""
        if not self.forbidden or self.healed:
            return (self.address,)
        bad = tape.pick(self.forbidden)
        return tape.pick(((self.address,), (self.address, bad), (bad, self.address), (bad,)))

    def refuses(self, tape: Tape) -> bool:
        """Whether it does not take this connection: while its name wavers it is seldom well."""
        return self.is_down or (bool(self.forbidden) and not self.healed and tape.chance(0.5))

    def connect_s(self, tape: Tape) -> float:
        """How long a connection takes."""
        return tape.skewed(0.001, 0.1)

    def take(self, arrival: Arrival) -> Says:
        """Judge a request."""
        says, status = self._judge(arrival)
        self.arrivals.append((arrival, status))
        self.on_arrival(self, arrival, status)
        return says

    def _judge(self, arrival: Arrival) -> tuple[Says, int]:
        tape, soon = self.tape, self.tape.skewed(0.001, 0.1)
        character = "ok" if self.healed or arrival.at >= self.back_at > 0.0 else self.character
        match character:
            case "slow":
                return Says(tape.between(0.5, 14.0)), 200
            case "flaky" if tape.chance(0.5):
                return tape.pick(((Says(soon, head(500)), 500), (Says(soon, head(404)), 404), (Says(None), 200)))
            case "throttle" if tape.chance(0.6):
                return Says(soon, head(429, f"retry-after: {self.wait_s}")), 429
            case "hang":
                return Says(None), 0
            case "moved":
                return Says(soon, head(302, "location: https://elsewhere.example.com/")), 302
            case "garbage":
                return Says(soon, GARBAGE), 0
            case "gone":
                return Says(soon, head(410)), 410
            case "reset" if tape.chance(0.5):
                return Says(soon, resets=True), tape.pick((0, 200))
            case _:
                return Says(soon), 200
