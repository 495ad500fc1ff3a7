"""How PostgreSQL words the conditions of lists. Which index to walk follows from the conditions and the statistics."""

from types import MappingProxyType

from deskbell.storage.filters import Dialect

_OPEN = """(SELECT delivery_id AS id, webhook_id FROM queue WHERE site = :site AND state = '{}') AS open
CROSS JOIN LATERAL (
  SELECT * FROM delivery WHERE site = :site AND id = open.id OFFSET 0
) AS d (site, own_id, own_webhook_id)"""
"""From the queue to the deliveries, never the other way: what waits may be far behind what was delivered since.
OFFSET 0 keeps the planner from turning it round."""


POSTGRES = Dialect(
    among="= ANY({}::text[])",
    listed=list,
    find="strpos",
    like="ILIKE",
    holds=None,
    ways=MappingProxyType(
        {
            **dict.fromkeys(("key", "subject", "replay", "webhook", "exhausted", "cancelled"), "delivery"),
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
