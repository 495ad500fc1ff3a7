"""What the owner of shards must send and count."""

from deskbell.model.delivery import Attempt
from deskbell.storage.postgres.dialect import POSTGRES
from deskbell.storage.postgres.session import LOCK_CLASS
from deskbell.storage.postgres.sessions import Sessions
from deskbell.storage.read_deliveries import SqlDue
from deskbell.storage.reading import Reads
from deskbell.storage.rows_attempt import attempt_of


class PostgresDue(SqlDue):
    """`ports.Due`."""

    def __init__(self, reads: Reads, sessions: Sessions) -> None:
        super().__init__(reads, POSTGRES)
        self._sessions = sessions

    async def uncounted(self, limit: int) -> tuple[Attempt, ...]:
        """In the order of their commits; what other living processes wrote they count themselves."""
        bindings = {"limit": limit, "own": list(self._sessions.writers), "lock_class": LOCK_CLASS}
        return await self._reads.rows("due_uncounted", bindings, attempt_of)
