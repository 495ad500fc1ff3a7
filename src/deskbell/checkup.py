"""What is unsafe in a set-up, and how to mend it: said by `deskbell doctor` and in the log of every start."""

import ipaddress
import os
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from deskbell.config import WILDCARDS, Config, is_loopback_url
from deskbell.model.instant import Instant, parse_instant, to_seconds

DISK_BYTES_MIN = 1 << 30
DISK_SHARE_MIN = 0.1
BACKUP_DAYS_MAX = 7
OPENSSL_MIN = (3, 0)
LAST_BACKUP = "last-backup"
"""File of the data directory: when the last backup was made, as on the wire."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    level: str  # stop: nothing starts; warn: should be mended; note: to be known
    what: str
    remedy: str


def warn(what: str, remedy: str) -> Finding:
    """What should be mended, and how."""
    return Finding(level="warn", what=what, remedy=remedy)


def check_up(config: Config, now: Instant) -> Iterator[Finding]:
    """Everything that can be seen without the database."""
    yield from data_findings(config)
    yield from receiver_findings(config)
    yield from listener_findings(config)
    yield from machine_findings(config)
    yield from backup_findings(config, now)


def data_findings(config: Config) -> Iterator[Finding]:
    """The data directory and its disk."""
    path = config.data
    try:
        is_there = path.exists()
    except OSError as error:
        remedy = "Run as its owner, or choose another data directory."
        yield Finding(level="stop", what=f"{path} cannot be reached ({error.strerror}).", remedy=remedy)
        return
    if not is_there:
        yield warn(f"{path} does not exist yet.", "`deskbell serve` makes it.")
        return
    if not os.access(path, os.W_OK):
        yield Finding(level="stop", what=f"{path} cannot be written.", remedy=f"Run as its owner, or: chown {path}")
    if path.stat().st_mode & 0o077:
        yield warn(f"{path} can be read by others.", f"Run: chmod 700 {path}")
    usage = shutil.disk_usage(path)
    if usage.free < DISK_BYTES_MIN or usage.free < usage.total * DISK_SHARE_MIN:
        yield warn(
            f"Only {usage.free / DISK_BYTES_MIN:.1f} GiB are free at {path}.", "Make room, or shorten the retention."
        )


def receiver_findings(config: Config) -> Iterator[Finding]:
    """Settings that let more be sent to than they should."""
    for entry in config.allow:
        name = entry.host or str(entry.network)
        if entry.network is not None and ipaddress.ip_network(entry.network).prefixlen == 0:
            yield warn(f"DESKBELL_ALLOW opens every address ({name}).", "Name the networks you need.")
        if entry.port is None:
            yield warn(f"DESKBELL_ALLOW opens every port of {name}.", f"Name the port: {name}:443, for example.")
    if config.egress_proxy is not None:
        yield Finding(
            level="note",
            what=f"All requests to receivers go through the proxy {config.egress_proxy.shown} (DESKBELL_EGRESS_PROXY).",
            remedy="It must take CONNECT to the ports of your receivers; it is given addresses, not names.",
        )
    if config.allow_http:
        yield warn(
            "Plain http is allowed (DESKBELL_ALLOW_HTTP): anybody on the way can read what is sent.",
            "Unset it once every receiver has https.",
        )
    if config.allow_loopback:
        yield warn(
            "Receivers on this machine are allowed (DESKBELL_ALLOW_LOOPBACK).", "For development only: unset it."
        )


def listener_findings(config: Config) -> Iterator[Finding]:
    """Who can reach what is served here."""
    if config.host in WILDCARDS and not config.trusted_proxies:
        yield warn(
            "Listening on all addresses.",
            "Listen on 127.0.0.1 behind a TLS proxy; or name the proxy in DESKBELL_TRUSTED_PROXIES.",
        )
    if config.base_url.startswith("http://") and not is_loopback_url(config.base_url):
        yield warn(
            "The portal is reached by plain http: passwords travel readable.",
            "Put a TLS proxy in front, name its https address in DESKBELL_BASE_URL, unset DESKBELL_ALLOW_PLAIN_PORTAL.",
        )
    if config.metrics is not None and is_public_bind(config.metrics[0]):
        yield warn(
            f"Metrics are served on {config.metrics[0]}, without a password.",
            "Serve them on 127.0.0.1 or an address of your own network (DESKBELL_METRICS).",
        )


def is_public_bind(host: str) -> bool:
    """Whether others than this machine and a private network can reach what listens there."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host != "localhost"
    return address.is_unspecified or not (address.is_loopback or address.is_private)


def machine_findings(config: Config) -> Iterator[Finding]:
    """The process and its libraries."""
    if os.geteuid() == 0:
        yield warn("Running as root.", "Run as a user of its own: deploy/deskbell.service does.")
    if ssl.OPENSSL_VERSION_INFO < OPENSSL_MIN:
        yield warn(f"{ssl.OPENSSL_VERSION} is older than what was tested.", "Use a Python with OpenSSL 3.")


def backup_findings(config: Config, now: Instant) -> Iterator[Finding]:
    """Whether there is a backup of a SQLite file, and from when."""
    if config.database_url is not None or not os.path.exists(config.data / "deskbell.db"):
        return
    remedy = "Run daily: deskbell backup FILE"
    try:
        made = parse_instant((config.data / LAST_BACKUP).read_text().strip())
    except (OSError, ValueError):
        made = None
    if made is None:
        yield warn("There is no backup yet.", remedy)
        return
    days = (to_seconds(now) - to_seconds(made)) / 86_400
    if days > BACKUP_DAYS_MAX:
        yield warn(f"The last backup is {days:.0f} days old.", remedy)
