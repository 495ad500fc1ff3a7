"""`deskbell bench` works, loses nothing and leaves nothing behind; how fast is for people to read."""

import asyncio
import os
from pathlib import Path

from operation.test_backup import run


async def test_bench_tells_figures(tmp_path: Path) -> None:
    """A short run in a folder of its own."""
    told = await asyncio.wait_for(run("bench", "--seconds", "0.5", "--dir", str(tmp_path), "--json"), 60)
    assert told["lost"] == 0
    assert told["accepted"] > 50
    assert told["deliveriesPerSecond"] > 0
    assert 0 < told["acceptMs"]["p50"] <= told["acceptMs"]["p99"]
    assert os.listdir(tmp_path) == []
