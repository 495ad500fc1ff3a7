"""The states of a replay, and how far ahead it may be."""

import itertools

import pytest

from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import from_seconds
from deskbell.model.people import SYSTEM, Actor, ActorKind
from deskbell.model.replay import Choice, Replay, ReplayState
from deskbell.rules.limits import Limits
from deskbell.rules.replay_run import ahead_most, moved

NOW = from_seconds(1_600_000_000)
ANN = Actor(kind=ActorKind.PERSON, name="Ann Lee", id="usr_1")
RUN = Replay(
    site=SiteId("dd"),
    id="rpl_1",
    choice=Choice(webhook_ids=(WebhookId("whk_1"),), states=("exhausted",)),
    by=SYSTEM,
    created_at=NOW,
    total=3,
)
LEGAL = {
    ("running", "paused"): None,
    ("running", "cancelled"): NOW,
    ("running", "finished"): NOW,
    ("paused", "running"): None,
    ("paused", "cancelled"): NOW,
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ReplayState, ReplayState)))
def test_moves(before, after):
    """A run can be paused, resumed and cancelled; one that has ended stays as it is."""
    found = moved(Replay(**{**vars(RUN), "state": before}), after, by=ANN, now=NOW)
    if (before.value, after.value) not in LEGAL:
        assert found is None
        return
    assert found is not None
    assert (found.state, found.state_by, found.version) == (after, ANN, RUN.version + 1)
    assert found.ended_at == LEGAL[before.value, after.value]


@pytest.mark.parametrize(("rate", "most"), [(None, 1000), (0.1, 20), (1, 20), (50, 100), (10_000, 1000)])
def test_how_far_ahead(rate, most):
    """About two seconds of the webhook's own pace, within bounds."""
    assert ahead_most(rate, Limits()) == most
