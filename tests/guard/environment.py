"""Scenario: an environment full of side doors: proxies, netrc, aliases, a hosts file, a file for TLS keys."""

from pathlib import Path

from guard.laboratory import METADATA, PUBLIC, Laboratory
from guard.served import Served, named

HOSTS = f"{METADATA} h.example.com\n10.0.0.7 n8n\n"
_PROXY = "http://user:pass@10.9.9.9:3128"


def run(laboratory: Laboratory, folder: Path) -> None:
    """What is dialled is what our own name server says; the hosts file counts for a `host:port` entry alone."""
    laboratory.names.table["h.example.com"] = [PUBLIC]
    proxies = {
        spelling: _PROXY
        for name in ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "socks_proxy", "proxy")
        for spelling in (name, name.upper())
    }
    home = folder / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine h.example.com login root password hunter2\n")
    (home / "aliases").write_text("n8n evil.example.com\n")
    (home / "hosts").write_text(f"{METADATA} h.example.com n8n\n")
    served = Served(
        folder / "data", **proxies, no_proxy="", HOME=str(home), NETRC=str(home / ".netrc"),
        HOSTALIASES=str(home / "aliases"), CARES_HOSTS=str(home / "hosts"), LOCALDOMAIN="evil.example",
        RES_OPTIONS="ndots:15", SSLKEYLOGFILE=str(home / "keys"), PYTHONHTTPSVERIFY="0",
        DESKBELL_ALLOW="n8n:5678", DESKBELL_CA_FILE=str(laboratory.ca_file),
    )  # fmt: skip
    with served:
        for at, (url, target) in enumerate(
            {"https://h.example.com/hook": (PUBLIC, 443), "http://n8n:5678/hook": ("10.0.0.7", 5678)}.items()
        ):
            webhook = served.webhook(url, f"custom.r{at}")
            served.publish(f"custom.r{at}")
            laboratory.expect(url, "outcome", named(served.attempts(webhook, test=False)[0]), "delivered")
            laboratory.expect(url, "opened", set(laboratory.counter.take()), {target})
            for visit in laboratory.canaries.take():
                laboratory.expect(url, "credentials", "authorization" in visit.head.lower(), False)
                laboratory.expect(url, "request line", visit.head.split("\r\n")[0], "POST /hook HTTP/1.1")
    laboratory.expect("SSLKEYLOGFILE", "written", (home / "keys").exists(), False)
    asked = {name for name, _ in laboratory.names.asked}
    laboratory.expect("look-ups", "names", asked - {"h.example.com", "n8n"}, set())
