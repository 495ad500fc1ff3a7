"""The last words of an engine that stops: figures and shards; a database that is away is not waited for."""

import asyncio

from structlog.typing import FilteringBoundLogger

from deskbell.engine.nodes import Nodes
from deskbell.engine.statistics import Statistics

FAREWELL_S = 1.0


async def say_farewell(statistics: Statistics, nodes: Nodes, log: FilteringBoundLogger) -> None:
    """What is not told in time is found out: the next process counts what was not counted, and leases end."""
    try:
        async with asyncio.timeout(FAREWELL_S):
            await statistics.flush()
            await nodes.leave()
    except TimeoutError:
        log.warning("engine.no_farewell")
