"""A running process and its keyring: it tells which keys it has, notices a changed file, and seals rows anew."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from structlog.typing import FilteringBoundLogger

from deskbell.config import Config
from deskbell.keyring.file import FILE, mark_of, read_present
from deskbell.keyring.load import register_writing
from deskbell.keyring.notes import change_known, read_known
from deskbell.keyring.resealing import Resealing
from deskbell.model.errors import DeskbellError, KeyringFault
from deskbell.ports import Clock, Random, Store
from deskbell.rules.keyring_state import KeyringState, noted, reseals, unnoted
from deskbell.rules.sealing import Keyring, parse_keyring

LOOK_S = 2.0
CLOSE_S = 0.5
TELL_S = 60.0


class KeyringWatch:
    """Looks every few seconds, until it is closed."""

    def __init__(
        self,
        *,
        config: Config,
        store: Store,
        keyring: Keyring,
        clock: Clock,
        random: Random,
        node: str,
        log: FilteringBoundLogger,
    ) -> None:
        self._path = config.data / FILE
        self._from_file = config.keys is None
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._random = random
        self._node = node
        self._log = log
        self._mark = mark_of(self._path)
        self._told_at = float("-inf")
        self._is_warned = ""
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Tell which keys this process has, then look again and again. Raises KeyringFault for a dropped key."""
        await self._tell()
        (await read_known(self._store)).must_fit(self._keyring)
        self._task = asyncio.create_task(self._run(), name="deskbell.keyring")

    async def close(self) -> None:
        """Look no more; the process is not counted any longer."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        with suppress(DeskbellError, TimeoutError):  # a database that is away is not waited for: the note grows old
            async with asyncio.timeout(CLOSE_S):
                await change_known(self._store, lambda known: replace(known, state=unnoted(known.state, self._node)))

    async def look(self) -> None:
        """One step: take a changed file, tell of it, seal anew where that is this process's part."""
        if self._from_file:
            await self._take_changed()
        if self._clock.monotonic() - self._told_at >= TELL_S:
            await self._tell()
        state = (await read_known(self._store)).state
        self._warn(state)
        if reseals(state, self._node, self._clock.now()):
            left = await Resealing(self._store, self._keyring, self._random, self._clock).run()
            self._log.info(
                "keyring.resealed", key=state.writes, left=left.others(state.writes), unreadable=left.unreadable
            )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception as error:
                self._log.error("keyring.look_failed", error=repr(error))

    async def _take_changed(self) -> None:
        mark = mark_of(self._path)
        if mark == self._mark:
            return
        try:
            fresh = parse_keyring(read_present(self._path))
            (await read_known(self._store)).must_fit(fresh)
            if fresh.ids[0] != self._keyring.ids[0]:
                await register_writing(self._store, fresh)
        except KeyringFault as fault:
            self._mark = mark
            self._log.error("keyring.refused", reason=str(fault), effect="the keys of before stay in use")
            return
        self._mark = mark
        self._keyring.become(fresh)
        self._log.info("keyring.changed", keys=list(fresh.ids))
        await self._tell()

    async def _tell(self) -> None:
        now = self._clock.now()
        await change_known(
            self._store,
            lambda known: replace(
                known, state=noted(known.state, self._node, self._keyring, now, from_file=self._from_file)
            ),
        )
        self._told_at = self._clock.monotonic()

    def _warn(self, state: KeyringState) -> None:
        """Once for each promoted key that this process does not write with."""
        if state.writes in ("", self._keyring.ids[0], self._is_warned):
            return
        self._is_warned = state.writes
        remedy = "copy the keyring file here" if self._from_file else "put it first in DESKBELL_KEYS and restart"
        self._log.warning("keyring.behind", writes=self._keyring.ids[0], promoted=state.writes, remedy=remedy)
