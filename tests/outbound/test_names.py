"""Look-ups are kept for a short time, shared, and few at once per site."""

import asyncio

import pytest

from deskbell.outbound import ResolveFault
from deskbell.outbound.names import Names
from deskbell.rules.limits import Limits
from outbound.loopback import FakeResolver


class Time:
    """A monotonic clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


async def test_all_who_wait_share_one_look_up_per_site() -> None:
    """Many exchanges of a site ask once; another site asks for itself."""
    resolver = FakeResolver({"a.example": ["1.1.1.1"]})
    resolver.gate = asyncio.Event()
    names = Names(resolver, Limits(), Time())
    waiting = [asyncio.ensure_future(names.find(site, "a.example")) for site in ("dd", "dd", "dd", "other")]
    await asyncio.sleep(0)
    waiting[1].cancel()
    resolver.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [one for one in found if isinstance(one, tuple)] == [("1.1.1.1",)] * 3
    assert len(resolver.asked) == 2


async def test_answer_is_kept_until_it_is_old() -> None:
    """After the limit the name is looked up again."""
    resolver, time = FakeResolver({"a.example": ["1.1.1.1"]}), Time()
    names = Names(resolver, Limits(), time)
    await names.find("dd", "a.example")
    time.now += 59.9
    assert names.known("dd", "a.example", time.now) == ("1.1.1.1",)
    assert names.known("other", "a.example", time.now) is None
    time.now += 0.2
    assert names.known("dd", "a.example", time.now) is None
    await names.find("dd", "a.example")
    assert len(resolver.asked) == 2


async def test_one_site_has_few_look_ups_at_once() -> None:
    """The ninth look-up of a site waits; another site's does not."""
    resolver = FakeResolver({f"{n}.example": ["1.1.1.1"] for n in range(20)})
    resolver.gate = asyncio.Event()
    names = Names(resolver, Limits(), Time())
    waiting = [asyncio.ensure_future(names.find("dd", f"{n}.example")) for n in range(20)]
    waiting.append(asyncio.ensure_future(names.find("other", "0.example")))
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(resolver.asked) == 9
    resolver.gate.set()
    assert len(await asyncio.gather(*waiting)) == 21
    await names.close()


async def test_faults_are_passed_on_and_not_kept() -> None:
    """A name that fails is asked anew each time; silence ends as dns_timeout."""
    resolver = FakeResolver({"gone.example": ResolveFault("dns_nxdomain"), "none.example": []})
    names = Names(resolver, Limits(resolve_timeout_s=0.1), Time())
    for _ in range(2):
        with pytest.raises(ResolveFault) as caught:
            await names.find("dd", "gone.example")
        assert caught.value.name == "dns_nxdomain"
    assert len(resolver.asked) == 2
    with pytest.raises(ResolveFault) as caught:
        await names.find("dd", "none.example")
    assert caught.value.name == "dns_no_address"
    resolver.gate = asyncio.Event()
    with pytest.raises(ResolveFault) as caught:
        await names.find("dd", "gone.example")
    assert caught.value.name == "dns_timeout"
    await names.close()
