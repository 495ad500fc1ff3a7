"""`deskbell doctor`: checks the set-up and says how to mend it."""

import asyncio
import ipaddress
import os
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass

import click

from deskbell import assembly
from deskbell.cli.output import as_json, json_option, line
from deskbell.clock import SystemRandom
from deskbell.config import WILDCARDS, Config, ConfigError, read_config
from deskbell.keyring.load import load_keyring
from deskbell.model.errors import DeskbellError, StoreBroken
from deskbell.ports import Store

DISK_BYTES_MIN = 1 << 30
DISK_SHARE_MIN = 0.1


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    level: str  # stop, warn
    what: str
    remedy: str


@click.command()
@click.option("--data", metavar="DIR", help="Data directory (or DESKBELL_DATA; ./deskbell-data).")
@click.option("--host", default="127.0.0.1", help="The address that serve listens on.")
@json_option
def doctor(data: str | None, host: str, wants_json: bool) -> None:
    """Check settings, data directory, keyring and database; exit 1 when something stops a start."""
    found = tuple(findings(data, host))
    if wants_json:
        as_json({"ok": not any(one.level == "stop" for one in found), "findings": [asdict(one) for one in found]})
    for one in () if wants_json else found:
        line(f"{one.level}: {one.what}")
        line(f"      {one.remedy}")
    if not found and not wants_json:
        line("All well.")
    sys.exit(1 if any(one.level == "stop" for one in found) else 0)


def findings(data: str | None, host: str) -> Iterator[Finding]:
    """Everything that stops a start or should be mended."""
    try:
        config = read_config(os.environ, data=data, host=host)
    except ConfigError as error:
        yield Finding(level="stop", what=str(error), remedy="Correct the setting.")
        return
    yield from data_findings(config)
    yield from setting_findings(config)
    yield from asyncio.run(database_findings(config))


def data_findings(config: Config) -> Iterator[Finding]:
    """The data directory and its disk."""
    path = config.data
    if not path.exists():
        yield Finding(level="warn", what=f"{path} does not exist yet.", remedy="`deskbell serve` makes it.")
        return
    if not os.access(path, os.W_OK):
        yield Finding(level="stop", what=f"{path} cannot be written.", remedy=f"Run as its owner, or: chown {path}")
    if path.stat().st_mode & 0o077:
        yield Finding(level="warn", what=f"{path} can be read by others.", remedy=f"Run: chmod 700 {path}")
    usage = shutil.disk_usage(path)
    if usage.free < DISK_BYTES_MIN or usage.free < usage.total * DISK_SHARE_MIN:
        free = f"{usage.free / (1 << 30):.1f} GiB"
        yield Finding(level="warn", what=f"Only {free} are free.", remedy="Make room, or shorten the retention.")


def setting_findings(config: Config) -> Iterator[Finding]:
    """Settings that open more than they should."""
    for entry in config.allow:
        if entry.network is not None and ipaddress.ip_network(entry.network).prefixlen == 0:
            yield Finding(
                level="warn", what="DESKBELL_ALLOW opens every address.", remedy="Name the networks you need."
            )
    if config.allow_http:
        yield Finding(level="warn", what="Plain http is allowed.", remedy="Unset DESKBELL_ALLOW_HTTP when you can.")
    if config.allow_loopback:
        yield Finding(level="warn", what="Receivers on loopback are allowed.", remedy="For development only.")
    if config.host in WILDCARDS:
        yield Finding(
            level="warn", what="Listening on all addresses.", remedy="Listen on 127.0.0.1 behind a TLS proxy."
        )
    if os.geteuid() == 0:
        yield Finding(level="warn", what="Running as root.", remedy="Run as a user of its own.")
    if ssl.OPENSSL_VERSION_INFO < (3, 0):
        yield Finding(level="warn", what=f"{ssl.OPENSSL_VERSION} is old.", remedy="Use a Python with OpenSSL 3.")


async def database_findings(config: Config) -> list[Finding]:
    """Database and keyring: whether they open and fit."""
    if config.database_url is None and not (config.data / "deskbell.db").exists():
        return []
    try:
        store = await assembly.open_store(config, lambda: None, lock=False)
        try:
            await load_keyring(config, store, SystemRandom(), registers=False)
            faults = await store.schema.check()
            advice = await assembly.database_advice(config)
            unreadable = [one async for one in unreadable_rows(store)]
        finally:
            await store.close()
    except DeskbellError as error:
        return [Finding(level="stop", what=str(error), remedy="See the text; nothing was changed.")]
    return [
        *[Finding(level="stop", what=fault, remedy="Restore a backup; the database is damaged.") for fault in faults],
        *[Finding(level="warn", what=what, remedy=remedy) for what, remedy in advice],
        *unreadable,
    ]


async def unreadable_rows(store: Store) -> AsyncIterator[Finding]:
    """Sites and webhooks whose rows cannot be read: Deskbell runs without them."""
    for site, webhook_id, _ in await store.webhooks.versions():
        try:
            if webhook_id:
                await store.webhooks.get(site, webhook_id)
                await store.webhooks.secrets(site, webhook_id)
            else:
                await store.sites.get(site)
        except StoreBroken:
            raise
        except Exception as error:  # whatever a damaged row raises
            what = f"Webhook {webhook_id} of site {site}" if webhook_id else f"Site {site}"
            remedy = "Restore its row from a backup; until then nothing is sent to it and everything else works."
            yield Finding(level="warn", what=f"{what} cannot be read ({type(error).__name__}).", remedy=remedy)
