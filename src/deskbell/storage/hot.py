"""Hot units: those that can be written together with others, because they only touch rows of the hot tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from deskbell.model.changes import Change, Insert, Join, MoveDelivery, MustFence, PutHealth, Settle, Unit
from deskbell.model.delivery import Delivery
from deskbell.storage.nouns import HOT_TYPES

_HOT_CHANGES = frozenset({Insert, Settle, MoveDelivery, Join, PutHealth})


def is_hot_change(change: Change) -> bool:
    """Whether a change only writes rows of the hot tables."""
    return type(change) in _HOT_CHANGES and not (type(change) is Insert and type(change.row) not in HOT_TYPES)


def is_hot(unit: Unit) -> bool:
    """Whether a unit can go with others: no guard, no audit, only rows of the hot tables."""
    return not unit.guards and unit.audit is None and all(map(is_hot_change, unit.changes))


def touched(changes: Sequence[Change]) -> list[str]:
    """The ids of the deliveries that changes write one by one.

    Joins are not among them: they run after inserts and before all else, and one that came too late is refused.
    """
    found: list[str] = []
    for change in changes:
        if isinstance(change, (Settle, MoveDelivery)):
            found.append(change.after.id)
        elif isinstance(change, Insert) and type(change.row) is Delivery:
            found.append(change.row.id)
    return found


def groups(units: Sequence[Unit]) -> Iterator[tuple[bool, Sequence[Unit]]]:
    """Units in their order as (hot, units): hot ones together, each other one alone.

    In a hot group a delivery is touched at most once, and joined before it is moved but not before it is made, so the
    order of its units does not matter.
    """
    group: list[Unit] = []
    seen: set[str] = set()
    joined: set[str] = set()
    moved: set[str] = set()
    for unit in units:
        ids = touched(unit.changes)
        joins = [one.delivery_id for one in unit.changes if type(one) is Join]
        hot = is_hot(unit) and len(set(ids)) == len(ids)
        meets = not (seen.isdisjoint(ids) and joined.isdisjoint(ids) and moved.isdisjoint(joins))
        if group and (not hot or meets):
            yield True, group
            group = []
            for ones in (seen, joined, moved):
                ones.clear()
        if hot:
            group.append(unit)
            seen.update(ids)
            joined.update(joins)
            moved.update([one.after.id for one in unit.changes if isinstance(one, (Settle, MoveDelivery))])
        else:
            yield False, (unit,)
    if group:
        yield True, group


def fenced_shards(units: Iterable[Unit]) -> list[int]:
    """The shards whose fences units name, in order."""
    settled = {
        one.after.shard for unit in units for one in unit.changes if type(one) is Settle and one.fence is not None
    }
    guarded = {one.shard for unit in units for one in unit.guards if isinstance(one, MustFence)}
    return sorted(settled | guarded)


def is_stale(changes: Iterable[Change], fences: Mapping[int, int]) -> bool:
    """Whether a settle among the changes has another fence than its shard has now."""
    return any(
        type(one) is Settle and one.fence is not None and fences.get(one.after.shard) != one.fence for one in changes
    )
