"""Dwell rules: what is armed, what is dropped, and what follows when a timer is due."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.model.changes import ArmTimer, DropTimers
from deskbell.model.ids import SiteId
from deskbell.model.instant import TICKS_PER_SECOND, Instant, plus
from deskbell.model.timer import NEVER, DwellRule, Timer
from deskbell.rules.dwell import Fired, Stay, changes_of, fired, next_due, timer_of

SITE = SiteId("dd")
T0 = Instant(17_000_000_000_000_000)
NIGHTS = '{"days":[1,2,3,4,5],"from":"09:00","to":"17:00","timeZone":"UTC"}'


def rule(**more: Any) -> DwellRule:
    """Tell when a chat stays handled for more than an hour."""
    given: dict[str, Any] = {
        "site": SITE, "id": "tmr_1", "description": "", "subject": "chat", "status": "handled",
        "longer_than_s": 3600, "created_at": T0,
    }  # fmt: skip
    return DwellRule(**{**given, **more})


def stay(status: str = "handled", since: Instant = T0, epoch: int = 2, kind: str = "chat") -> Stay:
    """A chat in a status."""
    return Stay(kind=kind, id="7", status=status, since=since, epoch=epoch)


def timer(**more: Any) -> Timer:
    """The timer of that chat."""
    return replace(timer_of(rule(), stay(), T0), **more)


def test_entering_the_status_arms_it() -> None:
    """Due when it has been there for as long as the rule says."""
    [change] = changes_of([rule()], stay("created"), stay(), T0)
    assert change == ArmTimer(
        timer=Timer(site=SITE, rule="tmr_1", subject="chat:7", epoch=2, due_at=plus(T0, 3600), since=T0)
    )


@pytest.mark.parametrize("now_in", [stay("completed", epoch=3), None])
def test_leaving_it_drops_the_timer(now_in: Stay | None) -> None:
    """For another status, or because the subject is gone; a disabled rule's timer too."""
    for one in (rule(), rule(enabled=False)):
        assert changes_of([one], stay(), now_in, T0) == (DropTimers(site=SITE, subject="chat:7", rule="tmr_1"),)


@pytest.mark.parametrize(
    "other", [rule(subject="ticket"), rule(status="created"), rule(enabled=False)], ids=["kind", "status", "disabled"]
)
def test_other_rules_do_nothing(other: DwellRule) -> None:
    """They are about something else, or off."""
    assert changes_of([other], None, stay(), T0) == ()


def test_entering_the_same_status_anew_replaces_the_timer() -> None:
    """First the old one goes, then the new one stands."""
    changes = changes_of([rule()], stay(epoch=2), stay(epoch=4, since=plus(T0, 60)), plus(T0, 60))
    assert [type(one) for one in changes] == [DropTimers, ArmTimer]


def test_what_is_too_long_already_is_due_now() -> None:
    """A rule made later is not late; since when it lasts is told as it was."""
    now = plus(T0, 10_000)
    armed = timer_of(rule(), stay(), now)
    assert (armed.due_at, armed.since) == (now, T0)


def test_a_due_timer_tells_and_is_spent() -> None:
    """Without repetition it is told once, and stays as spent until the subject leaves."""
    found = fired(rule(), timer(), stay(), plus(T0, 3600.25))
    assert found == Fired(tells=True, late_by_s=0.25, next=timer(fired=1, due_at=NEVER))


@pytest.mark.parametrize(
    ("known", "where"),
    [
        (None, stay()),
        (rule(enabled=False), stay()),
        (rule(status="created"), stay()),
        (rule(), None),
        (rule(), stay("completed", epoch=3)),
        (rule(), stay(epoch=3)),  # it left and came back
    ],
    ids=["no rule", "disabled", "other status", "no subject", "left", "older epoch"],
)
def test_a_late_timer_does_nothing(known: DwellRule | None, where: Stay | None) -> None:
    """And is dropped."""
    assert fired(known, timer(), where, plus(T0, 4000)) == Fired(tells=False)


def test_repetitions_end() -> None:
    """Told at 60, 90 and 120 minutes, then spent."""
    repeated = rule(repeat_every_s=1800, repeat_max=2)
    armed, told = timer(), []
    while armed.due_at != NEVER:
        told.append((armed.due_at - T0) // TICKS_PER_SECOND)
        found = fired(repeated, armed, stay(), armed.due_at)
        assert found.tells
        assert found.next is not None
        armed = found.next
    assert told == [3600, 5400, 7200]
    assert armed.fired == 3


def test_repetitions_that_were_slept_through_are_passed_over() -> None:
    """Down for five hours: told once, late, and next at the half hour to come."""
    found = fired(rule(repeat_every_s=1800, repeat_max=9), timer(), stay(), plus(T0, 3600 + 5 * 3600 + 60))
    assert found.tells
    assert found.late_by_s == 5 * 3600 + 60
    assert found.next == timer(fired=1, due_at=plus(T0, 3600 + 5 * 3600 + 1800))


def test_business_hours_move_the_due_time() -> None:
    """T0 is a Tuesday, 22:13 UTC: an hour of business is over at 10:00 on Wednesday."""
    with_hours = rule(business_hours=NIGHTS, repeat_every_s=8 * 3600, repeat_max=1)
    armed = timer_of(with_hours, stay(), T0)
    assert (armed.due_at // TICKS_PER_SECOND) % 86_400 == 10 * 3600
    found = fired(with_hours, armed, stay(), armed.due_at)
    assert found.next is not None
    assert found.next.due_at - armed.due_at == 86_400 * TICKS_PER_SECOND


@given(st.integers(1, 100_000), st.integers(0, 10**12), st.sampled_from([None, NIGHTS]))
def test_the_next_repetition_is_to_come(every_s: int, late: int, hours: str | None) -> None:
    """And no further than one repetition away."""
    due, now = T0, Instant(T0 + late)
    if hours is None:
        assert now < next_due(due, every_s, now, None) <= plus(now, every_s)
    else:
        armed = timer_of(rule(business_hours=hours, longer_than_s=every_s), stay(), T0)
        found = fired(rule(business_hours=hours, repeat_every_s=every_s, repeat_max=1), armed, stay(), armed.due_at)
        assert found.next is not None
        assert found.next.due_at > armed.due_at


class Armed:
    """A store's rows of timers, as the changes make them."""

    def __init__(self, rules: list[DwellRule]) -> None:
        self.rules = {one.id: one for one in rules}
        self.rows: dict[str, Timer] = {}
        self.told: dict[int, list[Instant]] = {}  # by epoch of the stay

    def move(self, before: Stay | None, after: Stay, now: Instant) -> None:
        """From one status to the next."""
        for change in changes_of(self.rules.values(), before, after, now):
            if isinstance(change, DropTimers):
                self.rows.pop(change.rule or "", None)
            else:
                self.rows[change.timer.rule] = change.timer

    def wake(self, where: Stay, now: Instant) -> None:
        """Fire what is due."""
        while due := [one for one in self.rows.values() if one.due_at <= now]:
            found = fired(self.rules[due[0].rule], due[0], where, now)
            assert found.next is None or found.next.due_at > now
            del self.rows[due[0].rule]
            if found.next is not None:
                self.rows[found.next.rule] = found.next
            if found.tells:
                assert found.late_by_s == (now - due[0].due_at) // 10_000 / 1000
                self.told.setdefault(where.epoch, []).append(now)


timelines = st.lists(st.tuples(st.sampled_from(["created", "handled", "completed"]), st.integers(1, 300)), max_size=8)


@given(timelines, st.integers(1, 120), st.integers(1, 60), st.integers(0, 3), st.integers(1, 200))
def test_every_stay_is_told_exactly_as_often_as_its_length_says(
    timeline: list[tuple[str, int]], longer_than_s: int, every_s: int, times: int, wakes_every_s: int
) -> None:
    """Whatever the order of statuses; whoever looks rarely is late and passes over repetitions, but misses no stay."""
    known = rule(longer_than_s=longer_than_s, repeat_every_s=every_s if times else None, repeat_max=times)
    store, before, now, seconds = Armed([known]), None, T0, 0
    for epoch, (status, length_s) in enumerate(timeline, 1):
        where = stay(status, since=now, epoch=epoch)
        store.move(before, where, now)
        looks = 0  # of those that saw something due
        for passed in range(1, length_s + 1):
            if (seconds + passed) % wakes_every_s == 0:
                store.wake(where, plus(now, passed))
                looks += passed >= longer_than_s
        told = store.told.get(epoch, [])
        if status == "handled" and wakes_every_s == 1 and length_s >= longer_than_s:
            assert len(told) == 1 + min(times, (length_s - longer_than_s) // every_s)
        assert bool(told) == (status == "handled" and looks > 0)
        assert len(told) <= 1 + times
        before, now, seconds = where, plus(now, length_s), seconds + length_s
