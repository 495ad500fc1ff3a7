"""How PostgreSQL words the conditions of lists. Which index to walk follows from the conditions and the statistics."""

from types import MappingProxyType

from deskbell.storage.filters import Dialect

_OPEN = "JOIN (SELECT delivery_id AS id FROM queue WHERE site = :site AND state = '{}') AS open USING (id)"

POSTGRES = Dialect(
    among="= ANY({}::text[])",
    listed=list,
    find="strpos",
    like="ILIKE",
    holds=None,
    ways=MappingProxyType(
        {
            **dict.fromkeys(("key", "subject", "replay", "webhook", "exhausted", "cancelled"), ""),
            **{state: _OPEN.format(state) for state in ("waiting", "gathering")},
        }
    ),
    states=MappingProxyType(
        {
            **{state: f"state = '{state}'" for state in ("waiting", "gathering")},
            **{state: f"stopped = '{state}'" for state in ("exhausted", "cancelled")},
        }
    ),
)
