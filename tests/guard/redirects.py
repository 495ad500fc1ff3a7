"""Scenario: redirects, and other answers that name a further place, to canaries. None is followed."""

from pathlib import Path

from guard.laboratory import METADATA, PUBLIC, Laboratory
from guard.served import Served, named

PLACES = (
    f"http://{METADATA}/latest/meta-data/",
    "https://10.0.0.5:8443/",
    "//[fd00:ec2::254]/",
    "http://127.0.0.1:22/",
)


def run(laboratory: Laboratory, folder: Path) -> None:
    """Each status with each place; 200 and 201 carry the same headers."""
    laboratory.names.table["h.example.com"] = [PUBLIC]
    with Served(folder / "data", DESKBELL_CA_FILE=str(laboratory.ca_file)) as served:
        for status in (200, 201, 300, 301, 302, 303, 305, 307, 308):
            for at, place in enumerate(PLACES):
                _exercise(laboratory, served, status, f"custom.r{status}_{at}", place)


def _exercise(laboratory: Laboratory, served: Served, status: int, event_type: str, place: str) -> None:
    url = f"https://h.example.com:8443/status/{status}?to={place.replace('[', '%5B').replace(']', '%5D')}"
    webhook = served.webhook(url, event_type)
    served.publish(event_type)
    served.good("POST", f"/webhooks/{webhook}/test", {})
    attempts = [served.attempts(webhook, test=test)[0] for test in (False, True)]
    served.good("DELETE", f"/webhooks/{webhook}?reason=done")
    wanted = "redirect" if status in (301, 302, 303, 307, 308) else f"http_{status}"
    wanted = "delivered" if status < 300 else f"failed:{wanted}"
    laboratory.expect(f"{status} to {place}", "outcomes", [named(one) for one in attempts], [wanted] * 2)
    laboratory.expect(f"{status} to {place}", "opened", set(laboratory.counter.take()), {(PUBLIC, 8443)})
    cookies = [one for one in laboratory.canaries.take() if "\r\ncookie:" in one.head.lower()]
    laboratory.expect(f"{status} to {place}", "cookies sent back", cookies, [])
    laboratory.figures["rows"] = laboratory.figures.get("rows", 0) + 1
