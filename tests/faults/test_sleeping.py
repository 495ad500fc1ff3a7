"""Row 9, a process that is stopped by a signal and wakes: alone it holds its file's lock; what it sent counts once."""

import asyncio
import signal
import time

import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.load import Publisher, load
from faults.process import Process, ports
from receiver import Receiver

ASLEEP_S = 3.0


@pytest.mark.xdist_group("faults")
async def test_it_sleeps_and_nobody_takes_its_place(
    make_process: MakeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second process is refused meanwhile; awake it goes on where it was, and what ran out of time is sent again."""
    process, began = make_process(DESKBELL_LIMIT_ATTEMPT_TIMEOUT_S="2"), time.monotonic()
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver)]
        async with load(Publisher(process, pause_s=0.005)) as publisher:
            await receiver.wait(20)
            process.signal(signal.SIGSTOP)
            second = Process(data=process.data, port=ports(), nursery=process.nursery)
            second.spawn()
            assert second.child is not None
            assert await asyncio.to_thread(second.child.wait, 20) == 1
            assert f"process {process.child.pid} already uses this database" in second.log.read_text()  # type: ignore[union-attr]  # it runs
            await asyncio.sleep(ASLEEP_S)
            process.signal(signal.SIGCONT)
            await receiver.wait(len(receiver.received) + 20)
        await check(
            process.client,
            publisher,
            hooks,
            row=9,
            name="SIGSTOP and SIGCONT (SQLite)",
            kills=1,
            seconds=time.monotonic() - began,
            capsys=capsys,
        )
        assert process.stop() == 0
    check_rows(process.data)
