"""Row 20: SIGTERM while PostgreSQL is away ends in time; what was answered is sent once the database is back."""

import asyncio
import tempfile
import time
from pathlib import Path

import pytest

from faults.history import check, hook
from faults.load import Publisher, load
from faults.process import Process, ports
from postgres_proxy import PostgresProxy
from postgres_server import PostgresServer, fresh_database
from receiver import Receiver

STOP_S = 20.0  # as the design promises; the drain is shorter here, so that the test is
DRAIN = {"DESKBELL_LIMIT_DRAIN_S": "4", "DESKBELL_LIMIT_SHARD_LEASE_S": "5"}


def take_away(proxy: PostgresProxy, how: str) -> None:
    """The database is gone: it refuses connections, or the network swallows everything."""
    if how == "refusing":
        proxy.refusing = True
        proxy.cut()
    else:
        proxy.frozen = True


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("how", ["refusing", "frozen"])
async def test_sigterm_during_an_outage(
    tmp_path: Path, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """Under load; the next start sends what was left, and what could not be recorded again with the same id."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proxy-", dir="/tmp") as folder:
        async with (
            fresh_database(postgres_server) as url,
            PostgresProxy(Path(folder), postgres_server.folder) as proxy,
            Receiver() as receiver,
        ):
            through = url.replace(str(postgres_server.folder), folder)
            environment = {"DESKBELL_DATABASE_URL": through, **DRAIN}
            process = Process(data=tmp_path / "data", port=ports(), environment=environment)
            await asyncio.to_thread(process.init)  # the proxy goes on meanwhile
            await process.start()
            hooks = [await hook(process.client, receiver)]
            async with load(Publisher(process, pause_s=0.01)) as publisher:
                await receiver.wait(30)
                take_away(proxy, how)
                stopping = time.monotonic()
                assert await asyncio.to_thread(process.stop, STOP_S) == 0
                stop_s = time.monotonic() - stopping
            proxy.refusing = proxy.frozen = False
            await process.start()
            await check(
                process.client,
                publisher,
                hooks,
                row=20,
                name=f"SIGTERM while PostgreSQL is away, {how}",
                kills=1,  # what is sent and cannot be recorded is sent again, as after one
                seconds=time.monotonic() - began,
                capsys=capsys,
                stop_s=round(stop_s, 2),
            )
            assert await asyncio.to_thread(process.stop, STOP_S) == 0
