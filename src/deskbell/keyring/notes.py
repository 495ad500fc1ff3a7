"""What the database knows of the keys: check records of those that have sealed, and the state of a rotation."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deskbell.model.audit import INSTALLATION, AuditEntry
from deskbell.model.changes import Committed, MustMeta, PutMeta, Refused, Unit
from deskbell.model.errors import KeyringFault, StoreBroken
from deskbell.model.instant import Instant
from deskbell.model.people import Actor, ActorKind
from deskbell.ports import Store
from deskbell.rules.keyring_state import KeyringState, read_state, start_faults, write_state
from deskbell.rules.sealing import Keyring

CHECKS = "key_checks"
STATE = "keyring"
OPERATOR = Actor(kind=ActorKind.SYSTEM, name="command line")
_TRIES = 50


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the keys."""

    checks: Mapping[str, str]  # id: check record; these keys are needed
    state: KeyringState

    def must_fit(self, ring: Keyring) -> None:
        """Raises KeyringFault when nothing may start with this ring."""
        faults = start_faults(ring, self.checks, self.state)
        if faults:
            raise KeyringFault(" ".join(faults))


Step = Callable[[Known], Known]
"""From what is known to what shall be; raises KeyringFault when that is not permitted."""


async def read_known(store: Store) -> Known:
    """What is known now."""
    checks = json.loads(await store.schema.meta(CHECKS) or "{}")
    return Known(checks=checks, state=read_state(await store.schema.meta(STATE) or ""))


async def change_known(store: Store, step: Step, audit: AuditEntry | None = None) -> Known:
    """Take a step on what is known at that moment; nothing is written when it changes nothing."""
    for _ in range(_TRIES):
        text = await store.schema.meta(STATE) or ""
        before = Known(checks=json.loads(await store.schema.meta(CHECKS) or "{}"), state=read_state(text))
        after = step(before)
        if after == before:
            return after
        changes = (
            PutMeta(key=STATE, value=write_state(after.state)),
            PutMeta(key=CHECKS, value=json.dumps(dict(after.checks))),
        )
        unit = Unit(changes=changes, guards=(MustMeta(key=STATE, value=text),), audit=audit)
        verdict = await store.commit(unit)
        if isinstance(verdict, Committed):
            return after
        if verdict.reason != "meta":
            raise StoreBroken(_told(verdict))
    raise StoreBroken("the keyring's state changes all the time; try again")


def entry(now: Instant, operation: str, key_id: str, after: Mapping[str, object] | None = None) -> AuditEntry:
    """The audit's row of a step."""
    return AuditEntry(
        site=INSTALLATION,
        at=now,
        actor=OPERATOR,
        operation=operation,
        object_id=key_id,
        after=None if after is None else json.dumps(dict(after)),
    )


def _told(verdict: Refused) -> str:
    return f"the keyring's state could not be written: {verdict.reason} {verdict.what}".rstrip()
