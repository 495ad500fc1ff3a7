"""Fair turns: everybody with work is served soon, and bytes count, not attempts."""

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from deskbell.engine.lane import Lane
from deskbell.engine.rotation import TURN_BYTES, Debts, Rotation
from deskbell.model.ids import SiteId, WebhookId

SMALL = 1_500
LARGE = 2_097_152


def lane(site: str, name: str) -> Lane:
    """A lane of a site."""
    return Lane(SiteId(site), WebhookId(name))


def anyone(site: SiteId) -> bool:
    """No site holds too much."""
    return True


class Turns:
    """A rotation whose lanes all have more to send than they get to; each sends payloads of one size."""

    def __init__(self, sizes: dict[Lane, int]) -> None:
        self.debts = Debts()
        self.rotation = Rotation(1, self.debts)
        self.sizes = sizes
        self.served: list[Lane] = []
        for one in sizes:
            self.rotation.add(one)

    def serve(self, count: int) -> None:
        """So many attempts."""
        for _ in range(count):
            found = self.rotation.take(anyone)
            assert found is not None
            self.debts.charge(found, self.sizes[found])
            self.served.append(found)
            self.rotation.add(found)

    def bytes_of(self, site: str) -> int:
        """What the site has sent."""
        return sum(self.sizes[one] for one in self.served if one.site == site)


def test_small_payloads_take_plain_turns() -> None:
    """Sites in turn, and within a site its webhooks."""
    a1, a2, b = lane("a", "1"), lane("a", "2"), lane("b", "3")
    turns = Turns({a1: SMALL, a2: SMALL, b: SMALL})
    turns.serve(8)
    assert turns.served == [a1, b, a2, b, a1, b, a2, b]


def test_a_site_with_large_payloads_does_not_starve_one_with_small_ones() -> None:
    """For each large one the other site has as many turns as it costs."""
    big, small = lane("a", "1"), lane("b", "2")
    turns = Turns({big: LARGE, small: SMALL})
    turns.serve(10 * LARGE // TURN_BYTES)
    found = Counter(one.site for one in turns.served)
    assert 8 <= found[SiteId("a")] <= 12
    assert turns.served[:20].count(big) == 1


def test_within_a_site_large_payloads_let_small_ones_pass() -> None:
    """The same between two webhooks of one site."""
    big, small = lane("a", "1"), lane("a", "2")
    turns = Turns({big: LARGE, small: SMALL})
    turns.serve(1_280)
    assert 8 <= turns.served.count(big) <= 12


def test_alone_nobody_owes_anything() -> None:
    """Turns that nobody else wants are not paid for, now or later."""
    big = lane("a", "1")
    turns = Turns({big: LARGE})
    turns.serve(100)
    small = lane("b", "2")
    turns.sizes[small] = SMALL
    turns.rotation.add(small)
    turns.serve(2)
    assert turns.served[-2:] == [big, small] or turns.served[-2:] == [small, small]
    turns.serve(300)
    assert big in turns.served[102:]


sites = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(1, 6)), st.sampled_from([100, SMALL, 20_000, 300_000]), min_size=1
)


@given(sizes=sites, rounds=st.integers(1, 40))
def test_everybody_is_served_within_a_bounded_number_of_turns(sizes: dict[tuple[str, int], int], rounds: int) -> None:
    """Whoever has work is served again before the others have had as many turns as its last payload cost."""
    lanes = {lane(site, f"{site}{number}"): size for (site, number), size in sizes.items()}
    turns = Turns(lanes)
    turns.serve(rounds * len(lanes))
    waits = {one: deque([-1]) for one in lanes}
    for at, one in enumerate(turns.served):
        waits[one].append(at)
    per_site = max(Counter(one.site for one in lanes).values())
    most = (300_000 // TURN_BYTES + 2) * len({one.site for one in lanes}) * per_site * 2
    for seen in waits.values():
        gaps = [later - earlier for earlier, later in zip(seen, [*list(seen)[1:], len(turns.served)], strict=True)]
        assert max(gaps) <= most
