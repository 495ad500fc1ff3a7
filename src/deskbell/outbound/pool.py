"""Kept connections: by site, scheme, host, port and vetted address; young, idle for a short time, and not many."""

from deskbell.outbound.connection import Connection
from deskbell.outbound.route import Key
from deskbell.rules.limits import Limits


class Pool:
    """Idle connections only; who takes one owns it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_key: dict[Key, list[Connection]] = {}
        self._by_age: dict[Connection, None] = {}  # least recently used first

    def __len__(self) -> int:
        return len(self._by_age)

    def take(self, key: Key, now: float) -> Connection | None:
        """The connection that was used last, if any is still good."""
        waiting = self._by_key.get(key)
        if waiting is None:
            return None
        while waiting:
            connection = waiting.pop()
            del self._by_age[connection]
            if connection.usable and not self._stale(connection, now):
                return connection
            connection.abort()
        del self._by_key[key]
        return None

    def keep(self, connection: Connection, now: float) -> None:
        """Put one by, closing the least recently used one over the cap."""
        if self._stale(connection, now) or not self._limits.connections_idle_max:
            connection.abort()
            return
        same = self._by_key.get(connection.key)
        if same is None:
            same = self._by_key[connection.key] = []
        same.append(connection)
        self._by_age[connection] = None
        if len(self._by_age) > self._limits.connections_idle_max:
            oldest = next(iter(self._by_age))
            self.forget(oldest)
            oldest.abort()

    def forget(self, connection: Connection) -> None:
        """Take one out, wherever it stands."""
        if connection not in self._by_age:
            return
        del self._by_age[connection]
        same = self._by_key[connection.key]
        same.remove(connection)
        if not same:
            del self._by_key[connection.key]

    def sweep(self, now: float) -> None:
        """Close what is too old or was idle for too long."""
        for connection in [one for one in self._by_age if self._stale(one, now)]:
            self.forget(connection)
            connection.abort()
        for key in [key for key, same in self._by_key.items() if not same]:
            del self._by_key[key]

    def close(self) -> None:
        """Close all."""
        for connection in list(self._by_age):
            self.forget(connection)
            connection.abort()

    def _stale(self, connection: Connection, now: float) -> bool:
        idle_s, age_s = now - connection.idle_since, now - connection.born
        return idle_s > self._limits.keep_alive_s or age_s > self._limits.connection_age_s
