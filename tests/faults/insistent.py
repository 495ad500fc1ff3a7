"""A publisher that is sure in the end: whatever was not answered 202 is said again, with the same id."""

import asyncio
import json
from contextlib import suppress

from faults.load import Line, Publisher, Told

AGAIN_S = 0.02


class Insistent(Publisher):
    """What was refused or unknown ends acknowledged."""

    repeated = 0

    async def publish(self, line: Line, subject: str | None = None) -> Told:
        """One event, until it is answered 202."""
        told = await super().publish(line, subject)
        while told.verdict != "ok":
            self.repeated += 1
            await asyncio.sleep(AGAIN_S)
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await line.open()
                body = {"type": told.type, "data": {"own": told.own}, "id": told.own}
                told.status, answer = await line.post("/events", body)
                self.statuses[told.status] += 1
                if told.status == 202:
                    told.verdict, told.event_id = "ok", json.loads(answer)["id"]
                continue
            line.close()
        return told
