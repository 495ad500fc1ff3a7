"""Who takes and who hands over which shards, decided by each node for itself from the same picture."""

from collections.abc import Mapping
from dataclasses import dataclass

from deskbell.model.shard import SHARDS, Shares


@dataclass(frozen=True, kw_only=True)
class Moves:
    """What one node does next; both are empty when the shares are even."""

    take: tuple[int, ...] = ()  # free ones that are its part; another may be faster
    hand_over: tuple[int, ...] = ()  # its own that are more than its part, those that cost least first


def moves(
    shares: Shares, me: str, *, leaving: frozenset[int] = frozenset(), busy: frozenset[int] = frozenset()
) -> Moves:
    """What `me` does so that every node comes to own the same number of shards, give or take one.

    Nodes that see the same picture take different shards; with different pictures the database lets one have each.
    Nothing moves for the sake of a smaller difference than one. `leaving` are shards on their way out already, they
    go first; `busy` ones have attempts in flight, they go last.
    """
    if me not in shares.nodes:
        return Moves()
    held = _held(shares)
    parts = _parts(held)
    surplus = len(held[me]) - parts[me]
    if surplus > 0:
        cheapest = sorted(held[me], key=lambda shard: (shard not in leaving, shard in busy, -shard))
        return Moves(hand_over=tuple(cheapest[:surplus]))
    return Moves(take=_mine_of_the_free(shares, me, held, parts))


def _held(shares: Shares) -> dict[str, list[int]]:
    held: dict[str, list[int]] = {node: [] for node in shares.nodes}
    for row in shares.rows:
        if row.owner in held:
            held[row.owner].append(row.shard)
    return held


def _parts(held: Mapping[str, list[int]]) -> dict[str, int]:
    """How many each is to own. Who owns most keeps the odd one, so that it does not wander."""
    least, odd = divmod(SHARDS, len(held))
    order = sorted(held, key=lambda node: (-len(held[node]), node))
    return {node: least + (place < odd) for place, node in enumerate(order)}


def _mine_of_the_free(
    shares: Shares, me: str, held: Mapping[str, list[int]], parts: Mapping[str, int]
) -> tuple[int, ...]:
    """The free ones are dealt out in the order of names; a shard of a node that is not heard is not free yet."""
    free = [row.shard for row in shares.rows if row.owner is None]
    start = 0
    for node in shares.nodes:
        wanted = max(0, parts[node] - len(held[node]))
        if node == me:
            return tuple(free[start : start + wanted])
        start += wanted
    return ()
