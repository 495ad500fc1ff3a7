"""What a process owns, and until when it may be sure of that."""

from deskbell.engine.ownership import NO_FENCE, Ownership
from engine.world import FakeClock


def test_alone_a_process_owns_everything_without_a_fence() -> None:
    """One process on a database of its own asks nobody."""
    alone = Ownership(FakeClock(), alone=True)
    assert alone.owns(0)
    assert alone.owns(255)
    assert alone.may_start(255)
    assert alone.fence(17) is None


def test_what_is_not_leased_is_not_owned_and_its_fence_is_refused_everywhere() -> None:
    """A fence of -1 is no shard's, so a settle that carries it changes nothing."""
    ownership = Ownership(FakeClock(), alone=False)
    assert not ownership.owns(3)
    assert not ownership.may_start(3)
    assert ownership.fence(3) == NO_FENCE == -1


def test_nothing_starts_after_the_lease_even_before_the_database_says_so() -> None:
    """A process that slept past its lease starts nothing; its queue and fence stay known until it has asked."""
    clock = FakeClock()
    ownership = Ownership(clock, alone=False)
    ownership.hold({3: 7}, until=clock.monotonic() + 15)
    clock.advance(14.9)
    assert ownership.may_start(3)
    clock.advance(0.2)
    assert not ownership.may_start(3)
    assert ownership.owns(3)
    assert ownership.fence(3) == 7
    ownership.hold({3: 7}, until=clock.monotonic() + 15)
    assert ownership.may_start(3)


def test_a_shard_that_is_leaving_starts_nothing_more_and_keeps_its_fence() -> None:
    """What is on its way may still be settled."""
    clock = FakeClock()
    ownership = Ownership(clock, alone=False)
    ownership.hold({3: 7, 4: 1}, until=clock.monotonic() + 15)
    ownership.leave(frozenset({3}))
    assert not ownership.may_start(3)
    assert ownership.may_start(4)
    assert ownership.fence(3) == 7
    ownership.lose(frozenset({3}))
    assert ownership.shards == {4}
