"""Scenario: every row of area `receiver_url`, created and patched; what is taken is sent to, by an event and by Test.

Every name leads to the metadata service, so nothing but an allowed literal, allowed loopback or our own inspector may
open a connection.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bad_inputs import rows, spelled
from guard.laboratory import Laboratory
from guard.served import BASE_URL, Served

SWITCHES = ("allow_http", "allow_loopback", "base_url")
_LOCAL = "http://127.0.0.1:8080"


def run(laboratory: Laboratory, folder: Path) -> None:
    """One process per combination of switches; a row with entries or a list of its own has a site of its own."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows("receiver_url"):
        given = row["input"] if isinstance(row["input"], dict) and "url" in row["input"] else {"url": row["input"]}
        groups[tuple(given.get(name) for name in SWITCHES)].append({**row, "input": given})
    for at, (switches, members) in enumerate(groups.items()):
        _run_group(laboratory, folder / f"group-{at}", dict(zip(SWITCHES, switches, strict=True)), members)


def _run_group(laboratory: Laboratory, data: Path, switches: dict[str, Any], members: list[dict[str, Any]]) -> None:
    sites, entries = {}, []
    for at, row in enumerate(members):
        given = row["input"]
        alone = "allow" in given or "allowed_receivers" in given
        site = sites[row["id"]] = f"s{at}" if alone else "desk"
        for entry in given.get("allow", ()):
            named, equals, rest = entry.rpartition("=")
            entries.append(f"{site if not equals or named == given['site'] else 'elsewhere'}={rest}")
    served = Served(
        data, DESKBELL_ALLOW=",".join(entries), DESKBELL_BASE_URL=switches["base_url"] or BASE_URL,
        DESKBELL_ALLOW_HTTP="1" if switches["allow_http"] else "0",
        DESKBELL_ALLOW_LOOPBACK="1" if switches["allow_loopback"] else "0",
    )  # fmt: skip
    served.make_sites(dict.fromkeys(sites.values()))
    with served:
        for number, row in enumerate(members):
            _exercise(laboratory, served, sites[row["id"]], f"custom.r{number}", row)


def _exercise(laboratory: Laboratory, served: Served, site: str, event_type: str, row: dict[str, Any]) -> None:
    url, refused = spelled(row["input"]["url"]), row["expect"] == "reject"
    if "allowed_receivers" in row["input"]:
        served.call("PATCH", "/site", {"allowedReceivers": row["input"]["allowed_receivers"]}, site=site)
    asked = len(laboratory.names.asked)
    body = {"description": "canary", "receiverUrl": url, "eventTypes": [event_type]}
    made = served.call("POST", "/webhooks", body, site=site)
    other = served.call("POST", "/webhooks", {**body, "receiverUrl": _narrow(row)}, site=site)
    changed = served.call("PATCH", f"/webhooks/{other.json['id']}", {"receiverUrl": url}, site=site)
    laboratory.expect(row["id"], "refused", [made.status >= 400, changed.status >= 400], [refused] * 2)
    laboratory.expect(row["id"], "fault of ours", [made.status >= 500, changed.status >= 500], [False] * 2)
    if not refused and made.status == 201:
        served.publish(event_type, site=site)
        served.good("POST", f"/webhooks/{made.json['id']}/test", {}, site=site)
        served.good("POST", f"/webhooks/{other.json['id']}/test", {}, site=site)
        for test in (False, True):
            served.attempts(made.json["id"], test=test, site=site)
            served.attempts(other.json["id"], test=test, site=site)
    for one in (made, other):
        if one.status == 201:
            served.good("DELETE", f"/webhooks/{one.json['id']}?reason=done", site=site)
    if refused:
        laboratory.expect(row["id"], "look-ups", laboratory.names.asked[asked:], [])
    opened = set(laboratory.counter.take())
    laboratory.expect(row["id"], "opened", opened, set() if refused else _may_open(url, row["input"]))
    laboratory.figures["rows"] = laboratory.figures.get("rows", 0) + 1


def _narrow(row: dict[str, Any]) -> str:
    """A receiver that this row's site may have."""
    return "https://hooks.zapier.com/" if "allowed_receivers" in row["input"] else "https://example.com/"


def _may_open(url: str, given: dict[str, Any]) -> set[tuple[str, int]]:
    """Where an accepted URL may lead although every name leads to the metadata service."""
    parts = urlsplit(url.lower())
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if f"{parts.scheme}://{parts.netloc}" in (BASE_URL, _LOCAL):
        return {("127.0.0.1", 8080)}
    if host.endswith(".localhost"):
        return {("127.0.0.1", port)}
    literal = ":" in host or host.replace(".", "").isdigit()
    return {(host.replace("fd12:0:0::5", "fd12::5"), port)} if literal else set()
