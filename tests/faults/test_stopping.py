"""Row 20, SIGTERM ends the process in order, whoever is still connected."""

import asyncio
from pathlib import Path

import pytest

from faults.process import Process, ports
from receiver import Receiver, read_request
from running import until

SOON_S = 10.0


@pytest.mark.xdist_group("faults")
async def test_an_open_stream_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    """A page that listens is let go at once; the exit code is 0 and nothing is sent twice."""
    process = Process(data=tmp_path / "data", port=ports())
    process.init()
    async with Receiver() as receiver:
        await process.start()
        await process.client.webhook(receiver.url, "custom.*")
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        try:
            writer.write(
                f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{process.port}\r\n"
                f"Authorization: Bearer {process.key}\r\n\r\n".encode()
            )
            await asyncio.wait_for(reader.readuntil(b": connected"), SOON_S)
            await process.client.good("POST", "/events", {"type": "custom.x", "data": 1})
            await receiver.wait(1)
            await asyncio.wait_for(reader.readuntil(b"event: delivery"), SOON_S)
            assert await asyncio.to_thread(process.stop, SOON_S) == 0
            await asyncio.wait_for(reader.read(), SOON_S)  # up to the end of the stream
        finally:
            writer.close()
            await writer.wait_closed()
        await process.start()
        await until(lambda: delivered(process))
        assert process.stop() == 0
        assert len(receiver.received) == 1


@pytest.mark.xdist_group("faults")
async def test_an_attempt_that_the_stop_cuts_off_is_no_failure(tmp_path: Path) -> None:
    """The receiver is silent when the time for the drain is over: the next start sends it again, as attempt 1."""
    process = Process(data=tmp_path / "data", port=ports(), environment={"DESKBELL_LIMIT_DRAIN_S": "0.1"})
    process.init()
    asked, answers = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(await reader.readline(), reader)
        asked.set()
        await answers.wait()
        writer.write(b"HTTP/1.1 204 X\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    await process.start()
    await process.client.webhook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", "custom.*")
    await process.client.good("POST", "/events", {"type": "custom.x", "data": 1})
    await asyncio.wait_for(asked.wait(), SOON_S)
    assert await asyncio.to_thread(process.stop, SOON_S) == 0
    answers.set()
    await process.start()
    await until(lambda: delivered(process))
    (item,) = (await process.client.good("GET", "/deliveries"))["items"]
    log = (await process.client.good("GET", f"/deliveries/{item['id']}"))["log"]
    assert [(one["number"], one["outcome"]["name"]) for one in log] == [(1, "http_204")]
    assert process.stop() == 0
    server.close()
    await server.wait_closed()


async def delivered(process: Process) -> bool:
    """The one delivery has arrived."""
    items = (await process.client.good("GET", "/deliveries"))["items"]
    return [one["state"] for one in items] == ["delivered"]


async def test_a_second_process_names_the_first(tmp_path: Path) -> None:
    """Two processes on one data directory: the second stops and says who holds it."""
    first, second = (Process(data=tmp_path / "data", port=ports()) for _ in range(2))
    first.init()
    await first.start()
    with pytest.raises(AssertionError, match="ended by itself"):
        await second.start()
    first.stop()
