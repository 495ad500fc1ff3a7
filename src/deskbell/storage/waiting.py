"""Waiting for a verdict."""

import asyncio
from collections.abc import Callable

from deskbell.model.changes import Unit, Verdict


async def verdict_of(submit: Callable[[Unit, Callable[[Verdict], None]], None], unit: Unit) -> Verdict:
    """Submit a unit and wait until it is durable or refused. A caller who is cancelled leaves the unit running."""
    waiting: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

    def arrive(verdict: Verdict) -> None:
        if not waiting.done():
            waiting.set_result(verdict)

    submit(unit, arrive)
    return await waiting
