"""Settings: a flag wins over the environment, an empty variable counts as unset."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from deskbell.own_addresses import local_addresses
from deskbell.rules.allow import AllowEntry, parse_allow
from deskbell.rules.egress import EgressProxy, parse_egress_proxy
from deskbell.rules.limits import Limits, read_limits
from deskbell.rules.proxies import Network, parse_networks
from deskbell.rules.urls import UrlPolicy

DEFAULT_DATA = "./deskbell-data"
DEFAULT_METRICS = "127.0.0.1:9464"
WILDCARDS = frozenset({"0.0.0.0", "::", "[::]", ""})


class ConfigError(Exception):
    """A setting is wrong; the text names it and says what it takes."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that an Operator sets."""

    data: Path  # directory of database, lock and keyring
    host: str
    port: int
    base_url: str  # without a slash at the end
    limits: Limits
    allow: tuple[AllowEntry, ...] = ()
    allow_http: bool = False
    allow_loopback: bool = False
    nat64: bool = False
    trusted_proxies: tuple[Network, ...] = ()  # whose X-Forwarded-For is believed
    hosts: tuple[str, ...] = ()  # further names under which the portal is reached
    keys: str | None = field(default=None, repr=False)  # keyring text instead of the file
    database_url: str | None = field(default=None, repr=False)  # PostgreSQL instead of a file; may hold a password
    ca_file: str | None = None
    egress_proxy: EgressProxy | None = None  # through which every request to a receiver goes
    metrics: tuple[str, int] | None = None  # where metrics are served
    delivers: bool = True  # whether this process sends; others do on a shared database
    listens: bool = True  # whether portal and API are served here: a worker has neither

    def url_policy(self) -> UrlPolicy:
        """What receiver URLs are judged by."""
        return UrlPolicy(
            allow=self.allow,
            allow_http=self.allow_http,
            allow_loopback=self.allow_loopback,
            nat64=self.nat64,
            base_url=self.base_url,
            listen=tuple((address, self.port) for address in self.listening_addresses()),
        )

    def listening_addresses(self) -> tuple[str, ...]:
        """Where this process is heard; the first is the one at which it reaches itself."""
        if not self.listens:
            return ()
        first = dialled_host(self.host)
        every = local_addresses() if self.host in WILDCARDS else ()
        return tuple(dict.fromkeys((first, *every)))


def dialled_host(host: str) -> str:
    """The address at which this process reaches its own listener."""
    return "127.0.0.1" if host in WILDCARDS or host == "localhost" else host


def read_config(
    environment: Mapping[str, str], *, data: str | None = None, host: str = "127.0.0.1", port: int = 8080
) -> Config:
    """Flags and environment as one value. Raises ConfigError."""
    found = {name: value for name, value in environment.items() if name.startswith("DESKBELL_") and value}
    base_url = found.get("DESKBELL_BASE_URL", f"http://{dialled_host(host)}:{port}").rstrip("/")
    check_base_url(base_url, found)
    try:
        limits = read_limits(found)
        allow = parse_allow(found.get("DESKBELL_ALLOW", ""))
        proxy = found.get("DESKBELL_EGRESS_PROXY")
        egress_proxy = None if proxy is None else parse_egress_proxy(proxy)
        trusted_proxies = parse_networks(found.get("DESKBELL_TRUSTED_PROXIES", ""))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return Config(
        data=Path(data or found.get("DESKBELL_DATA", DEFAULT_DATA)),
        host=host,
        port=port,
        base_url=base_url,
        limits=limits,
        allow=allow,
        allow_http=switch(found, "DESKBELL_ALLOW_HTTP"),
        allow_loopback=switch(found, "DESKBELL_ALLOW_LOOPBACK"),
        nat64=switch(found, "DESKBELL_NAT64"),
        trusted_proxies=trusted_proxies,
        hosts=tuple(name.strip() for name in found.get("DESKBELL_HOSTS", "").split(",") if name.strip()),
        keys=found.get("DESKBELL_KEYS"),
        database_url=database_url(found.get("DESKBELL_DATABASE_URL")),
        ca_file=found.get("DESKBELL_CA_FILE"),
        egress_proxy=egress_proxy,
        delivers=delivers(found),
        metrics=metrics_address(found.get("DESKBELL_METRICS", DEFAULT_METRICS)),
    )


def delivers(found: Mapping[str, str]) -> bool:
    """Whether this process sends: not when DESKBELL_DELIVER is off, which needs others that do."""
    value = found.get("DESKBELL_DELIVER", "on")
    if value not in ("on", "off"):
        raise ConfigError(f"DESKBELL_DELIVER: {value!r} is neither on nor off.")
    if value == "off" and "DESKBELL_DATABASE_URL" not in found:
        raise ConfigError("DESKBELL_DELIVER: off needs a shared database, from which others deliver.")
    return value == "on"


def as_worker(config: Config) -> Config:
    """The settings of a process that only delivers. It reaches the inspector's bins at the base URL, like any receiver.

    Raises ConfigError without a shared database.
    """
    if config.database_url is None:
        raise ConfigError(
            "A worker needs a shared database: set DESKBELL_DATABASE_URL=postgresql://… . With SQLite one process does "
            "everything: `deskbell serve`."
        )
    own = urlsplit(config.base_url)
    port = own.port or (443 if own.scheme == "https" else 80)
    host = f"[{own.hostname}]" if ":" in (own.hostname or "") else own.hostname
    return replace(config, listens=False, delivers=True, allow=(*config.allow, *parse_allow(f"{host}:{port}")))


def metrics_address(text: str) -> tuple[str, int] | None:
    """`host:port`, or None for `off`."""
    if text == "off":
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(f"DESKBELL_METRICS: {text!r} is neither host:port nor off.")
    return host, int(port)


def switch(found: Mapping[str, str], name: str) -> bool:
    """A setting that is 1 or 0."""
    value = found.get(name, "0")
    if value not in ("0", "1"):
        raise ConfigError(f"{name}: {value!r} is neither 1 nor 0.")
    return value == "1"


def database_url(text: str | None) -> str | None:
    """Where PostgreSQL is. The text is never told again: it may hold a password."""
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("postgresql", "postgres") and bool(parts.path.strip("/")) and not parts.fragment
    except ValueError:
        is_good = False
    if not is_good:
        raise ConfigError(
            "DESKBELL_DATABASE_URL is not like postgresql://user:password@host:5432/database. "
            "Write other characters than letters and digits of a password as %XX."
        )
    return text


def is_loopback_url(base_url: str) -> bool:
    """Whether a base URL can only be reached from this machine."""
    host = base_url.partition("://")[2].split("/", 1)[0]
    name = host if host.startswith("[") and host.endswith("]") else host.rsplit(":", 1)[0]
    return name in ("localhost", "[::1]") or name.startswith("127.")


def check_base_url(base_url: str, found: Mapping[str, str]) -> None:
    """Stop the start when the portal would send logins in clear text, or loopback were open to the world."""
    scheme, separator, rest = base_url.partition("://")
    if not separator or scheme not in ("http", "https") or not rest or "/" in rest:
        raise ConfigError(f"DESKBELL_BASE_URL: {base_url!r} is not like https://deskbell.example.com")
    loopback = is_loopback_url(base_url)
    if scheme == "http" and not loopback and not switch(found, "DESKBELL_ALLOW_PLAIN_PORTAL"):
        raise ConfigError(
            "DESKBELL_BASE_URL: plain http would send passwords readable over the network. Put a TLS proxy in front "
            "and name its https address, or set DESKBELL_ALLOW_PLAIN_PORTAL=1."
        )
    if switch(found, "DESKBELL_ALLOW_LOOPBACK") and not loopback:
        raise ConfigError("DESKBELL_ALLOW_LOOPBACK is for development: the base URL must be on this machine too.")
