"""Scenario: every row of area `resolution`, by an event and by Test, in a world where every address would answer."""

from pathlib import Path
from typing import Any

from bad_inputs import rows
from guard.laboratory import Laboratory
from guard.names import flip
from guard.served import Served, named


def run(laboratory: Laboratory, folder: Path) -> None:
    """Two processes, with and without NAT64; each row has a site of its own, and its entries are that site's."""
    for nat64 in (False, True):
        wanted = [row for row in rows("resolution") if bool(row["input"].get("nat64")) is nat64]
        sites = {f"s{at}": row for at, row in enumerate(wanted)}
        allow = [f"{site}={entry}" for site, row in sites.items() for entry in row["input"].get("allow", [])]
        served = Served(
            folder / f"nat64-{nat64}", DESKBELL_ALLOW=",".join(allow), DESKBELL_CA_FILE=str(laboratory.ca_file),
            DESKBELL_NAT64="1" if nat64 else "0",
        )  # fmt: skip
        served.make_sites(sites)
        with served:
            for site, row in sites.items():
                _exercise(laboratory, served, site, row)


def _exercise(laboratory: Laboratory, served: Served, site: str, row: dict[str, Any]) -> None:
    given = row["input"]
    host = f"{row['id']}.example.com" if given["host"] == "h.example.com" else given["host"]
    answers = given["answers"]
    laboratory.names.table[host] = flip(answers, given["second_answers"]) if "second_answers" in given else answers
    port = given.get("port", 443)
    webhook = served.webhook(f"{given.get('scheme', 'https')}://{host}:{port}/hook", "custom.case", site=site)
    served.publish("custom.case", site=site)
    outcomes = [named(served.attempts(webhook, test=False, site=site)[0])]
    served.good("POST", f"/webhooks/{webhook}/test", {}, site=site)
    outcomes.append(named(served.attempts(webhook, test=True, site=site)[0]))
    served.good("POST", f"/webhooks/{webhook}/disable", {}, site=site)
    opened, visits = set(laboratory.counter.take()), laboratory.canaries.take()
    dialled = row["expect"].startswith("dial:")
    target = (row["expect"].removeprefix("dial:"), port)
    laboratory.expect(row["id"], "opened", opened, {target} if dialled else set())
    laboratory.expect(row["id"], "outcomes", outcomes, ["delivered" if dialled else row["expect"]] * 2)
    line = host if port == 443 else f"{host}:{port}"
    seen = {(one.address, one.port, one.sni, one.host) for one in visits}
    sni = host if given.get("scheme", "https") == "https" else None
    laboratory.expect(row["id"], "visits", seen, {(*target, sni, line)} if dialled else set())
    laboratory.figures["rows"] = laboratory.figures.get("rows", 0) + 1
