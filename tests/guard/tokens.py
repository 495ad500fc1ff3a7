"""Scenario: token requests of OAuth 2.0 leave through the same door: vetted, never redirected."""

from pathlib import Path

from guard.laboratory import METADATA, PUBLIC, Laboratory
from guard.served import Served, named

TOKEN = {"clientId": "desk", "clientSecret": "hunter2"}


def run(laboratory: Laboratory, folder: Path) -> None:
    """Forbidden token servers, token servers that point elsewhere, and a good one before a forbidden receiver."""
    laboratory.names.table["h.example.com"] = [PUBLIC]
    laboratory.names.table["mixed.example.com"] = [PUBLIC, "::ffff:10.0.0.5"]
    public = {(PUBLIC, 8443)}
    at = "https://h.example.com:8443"
    wanted = (
        ("https://meta.example.com/token", f"{at}/hook", "blocked", set()),
        ("https://mixed.example.com:8443/token", f"{at}/hook", "blocked", set()),
        (f"{at}/status/307?to=http://{METADATA}/", f"{at}/hook", "failed:token_refused", public),
        (f"{at}/token", "https://meta.example.com/hook", "blocked", public),
        (f"{at}/token", f"{at}/hook", "delivered", public),
    )
    with Served(folder / "data", DESKBELL_CA_FILE=str(laboratory.ca_file)) as served:
        for number, (token_url, url, outcome, opened) in enumerate(wanted):
            auth = {"type": "oauth2", "tokenUrl": token_url, "scope": f"s{number}", **TOKEN}
            webhook = served.webhook(url, f"custom.r{number}", auth=auth)
            served.publish(f"custom.r{number}")
            served.good("POST", f"/webhooks/{webhook}/test", {})
            found = [named(served.attempts(webhook, test=test)[0]) for test in (False, True)]
            served.good("DELETE", f"/webhooks/{webhook}?reason=done")
            laboratory.expect(f"{number}: {url}", "outcomes", found, [outcome] * 2)
            laboratory.expect(f"{number}: {url}", "opened", set(laboratory.counter.take()), opened)
    sent = [one.head for one in laboratory.canaries.take() if "/hook " in one.head]
    laboratory.expect("receiver", "authorization", {"Bearer tok" in one for one in sent}, {True})
