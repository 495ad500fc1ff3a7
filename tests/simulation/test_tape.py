"""The tape and its shrinking."""

from simulation.shrink import shrink
from simulation.tape import Tape


def test_a_tape_repeats_a_seed() -> None:
    """Every kind of draw."""

    def draws(tape: Tape) -> list[object]:
        order = list(range(9))
        tape.shuffle(order)
        return [tape.chance(0.5), tape.between(2, 5), tape.skewed(1, 99), tape.count(1, 200), tape.pick("abc"), order]

    first = Tape(7)
    found = draws(first)
    assert draws(Tape(values=first.drawn)) == found
    assert draws(Tape(7)) == found
    assert draws(Tape(8)) != found


def test_zero_is_the_simplest_of_everything() -> None:
    """So what is cut off a tape makes its world simpler."""
    tape = Tape()
    order = [1, 2, 3]
    tape.shuffle(order)
    assert order == [1, 2, 3]
    assert not tape.chance(0.999)
    assert (tape.between(2, 5), tape.skewed(3, 9), tape.count(1, 200), tape.pick("abc")) == (2, 3, 1, "a")


def test_counts_stay_in_their_bounds() -> None:
    """Both ends are drawn, the low one more often."""
    found = [Tape(seed).count(1, 8) for seed in range(400)]
    assert (min(found), max(found)) == (1, 8)
    assert found.count(1) > found.count(8)


def test_a_chance_is_as_often_true_as_it_says() -> None:
    """About: the seeds are fixed."""
    tape = Tape(1)
    assert 250 < sum(tape.chance(0.3) for _ in range(1_000)) < 350
    assert not any(tape.chance(0.0) for _ in range(100))
    assert all(tape.chance(1.0) for _ in range(100))


def test_shrinking_leaves_what_it_takes() -> None:
    """Two numbers of a thousand matter; everything else is cut or zeroed."""
    tape = [n * 7_919 % 1_009 for n in range(1_009)]

    def fails(values: list[int]) -> bool:
        return 777 in values and 420 in values[: values.index(777)]

    assert fails(tape)
    small = shrink(tape, fails, tries_max=2_000)
    assert fails(small)
    assert len(small) == 2


def test_shrinking_ends() -> None:
    """Also when every candidate fails to fail."""
    assert shrink([5, 6, 7], lambda values: values == [5, 6, 7]) == [5, 6, 7]
