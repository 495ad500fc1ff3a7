"""What an installation knows of its keys, and which steps of a rotation that permits.

A key is added (it reads), promoted (it writes), everything is sealed anew by it, and the key before is dropped. Each
process tells which keys it has, so that no step leaves one behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from deskbell.model.instant import TICKS_PER_MS, Instant
from deskbell.rules.sealing import Keyring, keyring_faults

GONE_S = 300.0
"""A process that has not told of itself for so long is not counted any more."""
SETTLE_S = 60.0
"""What began before the last change of keys has ended after so long: no request lasts longer."""
_TICKS_PER_S = 1_000 * TICKS_PER_MS


@dataclass(frozen=True, kw_only=True)
class RingNote:
    """The keys of one running process."""

    ids: tuple[str, ...]  # the writing one first
    since: int  # writes by it since: an Instant
    at: int  # when it last told: an Instant
    from_file: bool  # it notices a changed file; else it has DESKBELL_KEYS and must be restarted

    @property
    def writes(self) -> str:
        """The key that the process seals by."""
        return self.ids[0]


@dataclass(frozen=True, kw_only=True)
class KeyringState:
    """Everything but the check records of keys that have sealed."""

    writes: str = ""  # the key that was promoted last; empty: there never was a rotation
    added: Mapping[str, str] = field(default_factory=dict)  # id: check record of keys that have sealed nothing yet
    dropped: Mapping[str, str] = field(default_factory=dict)
    rings: Mapping[str, RingNote] = field(default_factory=dict)  # by process
    resealed: str = ""  # every row was found to be sealed by this key
    resealed_at: int = 0

    def living(self, now: Instant) -> dict[str, RingNote]:
        """The processes that run."""
        return {name: one for name, one in self.rings.items() if now - one.at < GONE_S * _TICKS_PER_S}

    @property
    def is_resealing(self) -> bool:
        """Whether rows may wait to be sealed anew."""
        return bool(self.writes) and self.resealed != self.writes


def read_state(text: str) -> KeyringState:
    """The state as it is kept; empty for a new installation."""
    return msgspec.json.decode(text, type=KeyringState) if text else KeyringState()


def write_state(state: KeyringState) -> str:
    """The text that is kept."""
    return msgspec.json.encode(state).decode()


def start_faults(ring: Keyring, checks: Mapping[str, str], state: KeyringState) -> tuple[str, ...]:
    """Why nothing may start with this ring; empty when it fits."""
    held = set(ring.ids)
    added = {key_id: check for key_id, check in state.added.items() if key_id in held}
    faults = keyring_faults(ring, {**added, **checks})
    if ring.ids[0] in state.dropped and ring.ids[0] not in checks:
        return (*faults, f"The keyring writes with the key {ring.ids[0]}, which was dropped. Use the present keyring.")
    return faults


def noted(state: KeyringState, node: str, ring: Keyring, now: Instant, *, from_file: bool) -> KeyringState:
    """The state in which this process tells its keys; those that are gone are forgotten."""
    known = state.rings.get(node)
    since = known.since if known is not None and known.writes == ring.ids[0] else int(now)
    note = RingNote(ids=ring.ids, since=since, at=int(now), from_file=from_file)
    return replace(state, rings={**state.living(now), node: note})


def unnoted(state: KeyringState, node: str) -> KeyringState:
    """The state after this process has ended."""
    return replace(state, rings={name: one for name, one in state.rings.items() if name != node})


def promote_refusal(state: KeyringState, key_id: str, now: Instant) -> str | None:
    """Why the key cannot write yet: a running process could not read what it seals."""
    lacking = sorted(name for name, one in state.living(now).items() if key_id not in one.ids)
    if not lacking:
        return None
    return (
        f"{', '.join(lacking)} cannot read with the key {key_id} yet. Give that process the keyring with it: a changed "
        "file is noticed within seconds, a changed DESKBELL_KEYS needs a restart."
    )


def drop_refusal(state: KeyringState, key_id: str, now: Instant) -> str | None:
    """Why the key is still needed, as far as the state tells; the rows are another question."""
    writers = sorted(name for name, one in state.living(now).items() if one.writes == key_id)
    if writers:
        return f"{', '.join(writers)} still writes with the key {key_id}. Give that process the present keyring first."
    if key_id == state.writes:
        return f"{key_id} is the key that writes. Promote another one first."
    if key_id in state.added:
        return None
    if not state.writes or state.is_resealing:
        return (
            "Not everything is sealed anew yet. See `deskbell keyring list`, or run `deskbell keyring promote` again."
        )
    changed = max([state.resealed_at, *(one.since for one in state.living(now).values())])
    left_s = SETTLE_S - (now - changed) / _TICKS_PER_S
    if left_s > 0:
        return f"Requests that began before the last change may still be under way. Try again in {left_s:.0f} s."
    return None


def reseals(state: KeyringState, node: str, now: Instant) -> bool:
    """Whether this process is the one that seals anew: the first of those that write with the promoted key."""
    able = sorted(name for name, one in state.living(now).items() if one.writes == state.writes)
    return state.is_resealing and able[:1] == [node]
