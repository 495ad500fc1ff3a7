"""How SQLite words the conditions of lists. Indexes are named outright: the planner has no statistics to choose by."""

from json import dumps
from types import MappingProxyType

from deskbell.storage.filters import INDEXED_STATES, Dialect

_NAMED = ("subject", "replay", "webhook")

SQLITE = Dialect(
    among="IN (SELECT value FROM json_each({}))",
    listed=lambda values: dumps(list(values)),
    find="instr",
    like="LIKE",
    holds="holds_word",
    ways=MappingProxyType(
        {
            "key": "NOT INDEXED",
            **{name: f"INDEXED BY delivery_{name}" for name in _NAMED},
            **dict.fromkeys(INDEXED_STATES, "INDEXED BY delivery_state"),
        }
    ),
    states=MappingProxyType({state: f"state = '{state}'" for state in INDEXED_STATES}),
)
