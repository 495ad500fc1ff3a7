"""Every mutant is killed: each fault that is put into the engine breaks a rule that is about it, within 500 seeds."""

import pytest

from simulation.mutants import MUTANTS, Mutant, mutated
from simulation.run import without_collecting
from simulation.tape import Tape
from simulation.world import simulate

SEEDS = 500


def kills(mutant: Mutant, seed: int) -> bool:
    """Whether the simulation sees the fault in this seed, by a rule that is about it."""
    with without_collecting(), mutated(mutant):
        return simulate(Tape(seed)).rule in mutant.rules


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_is_killed(mutant: Mutant) -> None:
    """And the same seed breaks nothing without it."""
    seeds = (mutant.seed, *(seed for seed in range(1, SEEDS + 1) if seed != mutant.seed))
    killer = next((seed for seed in seeds if kills(mutant, seed)), None)
    assert killer is not None, f"{mutant.name} lives after {SEEDS} seeds"
    assert simulate(Tape(killer)).found == ()


def test_all_that_the_design_names_are_here() -> None:
    """Each once."""
    assert len({mutant.name for mutant in MUTANTS}) == 17
