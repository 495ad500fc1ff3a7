"""Receivers and diallers that end with the test."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import trustme
import uvloop

from deskbell.outbound import GuardedSender
from deskbell.outbound.tcp import connect_tcp
from deskbell.outbound.tls import client_context
from deskbell.rules.allow import parse_allow
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy
from outbound.loopback import HOST, FakeResolver, Handler, Receiver


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test here runs on both event loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that the dialler trusts."""
    return trustme.CA()


@pytest.fixture(scope="session")
def context(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    """Makes the dialler's TLS contexts with that authority."""

    def make() -> ssl.SSLContext:
        made = client_context()
        authority.configure_trust(made)
        return made

    return make


@pytest.fixture
async def receive() -> AsyncIterator[Callable[..., Awaitable[Receiver]]]:
    """Makes receivers that end with the test."""
    made: list[Receiver] = []

    async def make(handler: Handler, tls: ssl.SSLContext | None = None) -> Receiver:
        made.append(await Receiver(handler, tls).open())
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def make_sender(context: Callable[[], ssl.SSLContext]) -> AsyncIterator[Callable[..., GuardedSender]]:
    """Makes diallers that may reach loopback; they end with the test."""
    made: list[GuardedSender] = []

    def make(
        *, resolver: FakeResolver | None = None, allow: str = "127.0.0.0/8:*", connect: Any = connect_tcp,
        policy: dict[str, Any] | None = None, proxy: Any = None, judge: Any = None, vetting: Any = None, **limits: Any
    ) -> GuardedSender:  # fmt: skip
        settings = {"allow": parse_allow(allow), **(policy or {})}
        sender = GuardedSender(
            resolver=resolver or FakeResolver({HOST: ["127.0.0.1"]}), policy=UrlPolicy(**settings),
            limits=Limits(**limits), make_context=context, proxy=proxy, connect=connect, judge=judge, vetting=vetting,
        )  # fmt: skip
        made.append(sender)
        return sender

    yield make
    for one in made:
        await one.close()
