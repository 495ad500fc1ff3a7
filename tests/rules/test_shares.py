"""Shares: whoever joins, leaves or dies, all nodes come to own the same number, and no shard has two owners."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.model.shard import SHARDS, ShardRow, Shares
from deskbell.rules.shares import Moves, moves

LEASE_S = 15


def picture(owners: dict[int, str], *nodes: str) -> Shares:
    """Shares in which these nodes are alive and these shards owned."""
    rows = tuple(ShardRow(shard=n, owner=owners.get(n), fence=1, left_s=9.0) for n in range(SHARDS))
    return Shares(nodes=tuple(sorted(nodes)), rows=rows)


def test_the_first_node_takes_everything() -> None:
    """Nobody else is there."""
    assert moves(picture({}, "a"), "a") == Moves(take=tuple(range(256)))


def test_three_that_start_together_take_different_shards() -> None:
    """Each its part of the free ones: 86, 85 and 85."""
    parts = [moves(picture({}, "a", "b", "c"), node).take for node in "abc"]
    assert [len(part) for part in parts] == [86, 85, 85]
    assert sorted(sum(parts, ())) == list(range(256))


def test_a_second_node_gets_half_from_the_first() -> None:
    """The first hands over, the second has nothing to take yet."""
    shares = picture(dict.fromkeys(range(256), "a"), "a", "b")
    assert len(moves(shares, "a").hand_over) == 128
    assert moves(shares, "b") == Moves()


def test_an_uneven_split_by_one_stays_as_it_is() -> None:
    """With three nodes one owns 86, whichever: nothing moves."""
    owners = {n: "abc"[min(2, n // 85)] for n in range(256)}
    assert [moves(picture(owners, "a", "b", "c"), node) for node in "abc"] == [Moves()] * 3


def test_two_too_many_against_one_too_few_is_evened_out() -> None:
    """86, 86 and 84 is not even: one of the two hands one over, by name."""
    owners = {n: "a" if n < 86 else "b" if n < 172 else "c" for n in range(256)}
    found = [moves(picture(owners, "a", "b", "c"), node) for node in "abc"]
    assert found == [Moves(), Moves(hand_over=(171,)), Moves()]


def test_what_leaves_already_goes_first_and_what_is_busy_goes_last() -> None:
    """A hand-over that has begun is not begun anew with other shards."""
    owners = dict.fromkeys(range(256), "a")
    busy = frozenset(range(128, 256))
    found = moves(picture(owners, "a", "b"), "a", leaving=frozenset({200}), busy=busy).hand_over
    assert found[0] == 200
    assert set(found[1:]) == set(range(1, 128))


def test_a_shard_of_a_node_that_is_not_heard_is_not_taken_before_its_lease_ends() -> None:
    """Its owner may still be sending."""
    owners = dict.fromkeys(range(100), "gone")
    found = [moves(picture(owners, "a", "b"), node).take for node in "ab"]
    assert found == [tuple(range(100, 228)), tuple(range(228, 256))]


def test_who_does_not_deliver_moves_nothing() -> None:
    """It is not among the nodes."""
    assert moves(picture({}, "a"), "front") == Moves()


@dataclass
class Table:
    """The database's part, in whole seconds: leases end by themselves, a free shard goes to one."""

    now: int = 0
    heard: dict[str, int] = field(default_factory=dict)  # node: until
    owner: dict[int, str] = field(default_factory=dict)
    fence: dict[int, int] = field(default_factory=dict)
    moved: int = 0

    def beat(self, node: str) -> Shares:
        self.heard[node] = self.now + LEASE_S
        self._lapse()
        alive = tuple(sorted(self.heard))
        rows = tuple(
            ShardRow(shard=n, owner=self.owner.get(n), fence=self.fence.get(n, 0), left_s=1.0) for n in range(SHARDS)
        )
        return Shares(nodes=alive, rows=rows)

    def take(self, node: str, shards: tuple[int, ...]) -> None:
        self._lapse()
        for shard in shards:
            if shard not in self.owner:
                self.owner[shard] = node
                self.fence[shard] = self.fence.get(shard, 0) + 1
                self.moved += 1

    def hand_over(self, node: str, shards: tuple[int, ...]) -> None:
        for shard in shards:
            assert self.owner.pop(shard) == node

    def leave(self, node: str) -> None:
        self.heard.pop(node, None)
        self.owner = {shard: owner for shard, owner in self.owner.items() if owner != node}

    def _lapse(self) -> None:
        gone = {node for node, until in self.heard.items() if until <= self.now}
        self.heard = {node: until for node, until in self.heard.items() if node not in gone}
        self.owner = {shard: owner for shard, owner in self.owner.items() if owner not in gone}


def one_round(table: Table, node: str) -> Moves:
    """One node asks, decides, acts."""
    found = moves(table.beat(node), node)
    table.hand_over(node, found.hand_over)
    table.take(node, found.take)
    return found


happenings = st.lists(
    st.tuples(st.sampled_from(["join", "leave", "die", "beat", "beat", "beat"]), st.integers(0, 11), st.integers(0, 6)),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(happenings, st.randoms(use_true_random=False))
def test_any_history_ends_in_even_shares_and_then_nothing_moves(
    history: list[tuple[str, int, int]], chance: object
) -> None:
    """Nodes come, go and die in any order; as soon as they are left alone, each owns 256/n, give or take one."""
    table, alive = Table(), {"n00"}
    for what, number, pause_s in history:
        node = f"n{number:02}"
        table.now += pause_s
        if what == "join":
            alive.add(node)
        elif what == "leave" and len(alive) > 1 and node in alive:
            alive.discard(node)
            table.leave(node)
        elif what == "die" and len(alive) > 1:
            alive.discard(node)
        for one in sorted(alive):
            one_round(table, one)
    table.now += LEASE_S + 1
    order = sorted(alive)
    for _ in range(6):
        chance.shuffle(order)  # type: ignore[attr-defined]  # hypothesis' Random
        for one in order:
            one_round(table, one)
        table.now += LEASE_S // 3
    counts = [sum(owner == node for owner in table.owner.values()) for node in alive]
    assert sum(counts) == SHARDS
    assert max(counts) - min(counts) <= 1
    moved = table.moved
    assert all(one_round(table, node) == Moves() for node in alive for _ in range(2))
    assert table.moved == moved


@given(st.sets(st.sampled_from([f"n{n}" for n in range(9)]), min_size=1), st.data())
def test_nodes_that_see_the_same_picture_never_take_the_same_shard_nor_one_that_is_owned(
    nodes: set[str], data: st.DataObject
) -> None:
    """Whatever the picture, owners that are not heard included."""
    names = st.sampled_from([*sorted(nodes), "gone", None])
    owned = data.draw(st.lists(names, min_size=SHARDS, max_size=SHARDS))
    owners = {shard: owner for shard, owner in enumerate(owned) if owner is not None}
    shares = picture(owners, *nodes)
    taken: list[int] = []
    for node in nodes:
        found = moves(shares, node)
        taken += found.take
        assert all(owners[shard] == node for shard in found.hand_over)
        assert not (found.take and found.hand_over)
    assert len(taken) == len(set(taken))
    assert not set(taken) & set(owners)


def test_a_node_that_joins_moves_no_more_than_its_part() -> None:
    """From two to three nodes 85 shards change their owner, no others."""
    table = Table()
    for _ in range(3):
        for node in ("a", "b"):
            one_round(table, node)
    before, moved = dict(table.owner), table.moved
    for _ in range(3):
        for node in ("a", "b", "c"):
            one_round(table, node)
    assert table.moved - moved == 85
    assert {n for n in before if before[n] != table.owner[n]} == {n for n, owner in table.owner.items() if owner == "c"}
