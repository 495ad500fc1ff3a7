"""`deskbell doctor`: checks the set-up and says how to mend it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict

import click

from deskbell import assembly
from deskbell.checkup import Finding, check_up, warn
from deskbell.cli.output import as_json, json_option, line
from deskbell.clock import SystemClock, SystemRandom
from deskbell.config import Config, ConfigError, read_config
from deskbell.keyring.load import load_keyring
from deskbell.model.account import Role
from deskbell.model.errors import DeskbellError, StoreBroken
from deskbell.outbound import AresResolver, proxy_fault
from deskbell.ports import Store
from deskbell.storage.sqlite.lock import FileLock
from deskbell.storage.sqlite.store import LOCK_NAME


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
    yield from check_up(config, SystemClock().now())
    yield from asyncio.run(proxy_findings(config))
    yield from running_findings(config)
    yield from asyncio.run(database_findings(config))


async def proxy_findings(config: Config) -> list[Finding]:
    """Whether the egress proxy takes connections."""
    proxy = config.egress_proxy
    if proxy is None:
        return []
    fault = await proxy_fault(proxy, AresResolver(hosts_file_names=[proxy.host]), config.limits)
    if fault is None:
        return []
    remedy = "Nothing can be sent until it does. Check the address, the proxy, and the firewall before it."
    return [warn(f"DESKBELL_EGRESS_PROXY {proxy.shown}: {fault}.", remedy)]


def running_findings(config: Config) -> Iterator[Finding]:
    """Whether a process has the file already."""
    if config.database_url is not None or not (config.data / LOCK_NAME).exists():
        return
    try:
        FileLock(config.data / LOCK_NAME).release()
    except StoreBroken as error:
        yield Finding(level="note", what=f"Deskbell runs here: {error}", remedy="A second process would not start.")


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
            owners = [one async for one in owners_without_second_factor(store)]
        finally:
            await store.close()
    except DeskbellError as error:
        return [Finding(level="stop", what=str(error), remedy="See the text; nothing was changed.")]
    return [
        *[Finding(level="stop", what=fault, remedy="Restore a backup; the database is damaged.") for fault in faults],
        *[Finding(level="warn", what=what, remedy=remedy) for what, remedy in advice],
        *unreadable,
        *owners,
    ]


async def owners_without_second_factor(store: Store) -> AsyncIterator[Finding]:
    """Owners whom a password alone lets in."""
    for site in await store.sites.all():
        for user in await store.accounts.users(site.site):
            if (
                user.role is Role.OWNER
                and user.password_hash
                and user.second_factor is None
                and user.removed_at is None
            ):
                yield Finding(
                    level="warn",
                    what=f"{user.email}, an owner of site {site.site}, has no second factor.",
                    remedy="Let them switch it on under their name in the portal, or require it of everybody.",
                )


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
