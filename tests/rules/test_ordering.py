"""Which deliveries hold the rest of their subject."""

from typing import Any

import pytest

from contract.made import delivery, webhook
from deskbell.model.delivery import DeliveryState
from deskbell.rules.ordering import holds, holds_others, is_ordered

HOLDING = {"ordered_by": "subject", "on_exhausted": "hold"}


@pytest.mark.parametrize(
    ("settings", "ordered", "held"),
    [
        ({}, False, False),
        ({"ordered_by": "subject"}, True, False),
        (HOLDING, True, True),
        ({"on_exhausted": "hold"}, False, False),
    ],
)
def test_what_a_webhook_wants(settings: dict[str, Any], ordered: bool, held: bool) -> None:
    """Holding is a wish for what is ordered."""
    assert (is_ordered(webhook(**settings)), holds(webhook(**settings))) == (ordered, held)


@pytest.mark.parametrize(
    ("members", "settings", "expected"),
    [
        ({"state": DeliveryState.EXHAUSTED}, HOLDING, True),
        ({"state": DeliveryState.EXHAUSTED}, {"ordered_by": "subject"}, False),
        ({"state": DeliveryState.EXHAUSTED, "subject": None}, HOLDING, False),
        ({"state": DeliveryState.EXHAUSTED, "test": True}, HOLDING, False),
        ({"state": DeliveryState.WAITING}, HOLDING, False),
        ({"state": DeliveryState.CANCELLED}, HOLDING, False),
    ],
)
def test_what_holds_others(members: dict[str, Any], settings: dict[str, Any], expected: bool) -> None:
    """Only what was not delivered, of a subject, where the webhook wants that."""
    assert holds_others(delivery(**members), webhook(**settings)) is expected
    assert holds_others(delivery(**members), None) is False
