"""How long to wait for a database that is away: longer and longer between tries, and not beyond a limit."""

import asyncio

AGAIN_S = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0)
TRY_S_MIN, TRY_S_MAX = 1.0, 3.0
"""One try must not use up all patience: a network may swallow it."""


class Patience:
    """Begins with the first failure; once it is used up, each further try is a single one."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._end: float | None = None
        self._tries = 0
        self._is_over = False

    def renew(self) -> None:
        """It worked."""
        self._end = None
        self._tries = 0

    def end(self) -> None:
        """There shall be no further try, whatever fails."""
        self._is_over = True

    def limit(self) -> asyncio.Timeout:
        """How long one try may take."""
        return asyncio.timeout(max(TRY_S_MIN, min(TRY_S_MAX, self._left())))

    async def wait(self) -> bool:
        """Wait before the next try; False when there shall be none."""
        if self._end is None:
            self._end = asyncio.get_running_loop().time() + self._wait_s
        if self._is_over or self._left() <= 0:
            return False
        await asyncio.sleep(min(AGAIN_S[min(self._tries, len(AGAIN_S) - 1)], max(0.0, self._left())))
        self._tries += 1
        return True

    def _left(self) -> float:
        return self._wait_s if self._end is None else self._end - asyncio.get_running_loop().time()
