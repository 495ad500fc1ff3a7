"""Scenario: names that change what they lead to, and the check that the counter would see a packet."""

from pathlib import Path
from typing import Any

from guard.laboratory import METADATA, PUBLIC, Laboratory
from guard.served import Served, named, until


def run(laboratory: Laboratory, folder: Path) -> None:
    """Answers are forgotten at once, so that every attempt looks up again: public and forbidden take turns."""
    environment = {"DESKBELL_CA_FILE": str(laboratory.ca_file), "DESKBELL_LIMIT_DNS_CACHE_S": "0"}
    turns: dict[str, Any] = {
        "turns.example.com": lambda times: [PUBLIC] if times % 2 else [METADATA],
        "second.example.com": lambda times: [PUBLIC] if times == 1 else ["10.0.0.5"],
        "mixed.example.com": lambda times: [PUBLIC, "10.0.0.5"] if times % 2 else ["10.0.0.5", PUBLIC],
        "six.example.com": lambda _: [PUBLIC, "::ffff:169.254.169.254"],
    }
    laboratory.names.table.update(turns)
    with Served(folder / "data", **environment) as served:
        outcomes = {}
        for at, host in enumerate(turns):
            webhook = served.webhook(f"https://{host}:8443/hook", f"custom.r{at}")
            outcomes[host] = [named(one) for one in _five_attempts(served, webhook, f"custom.r{at}")]
        laboratory.expect("rebinding", "outcomes", outcomes, {
            "turns.example.com": ["delivered", "blocked"] * 2 + ["delivered"],
            "second.example.com": ["delivered"] + ["blocked"] * 4,
            "mixed.example.com": ["blocked"] * 5,
            "six.example.com": ["blocked"] * 5,
        })  # fmt: skip
    laboratory.expect("rebinding", "opened", set(laboratory.counter.take()), {(PUBLIC, 8443)})
    _positive_control(laboratory, folder)


def _five_attempts(served: Served, webhook: str, event_type: str) -> list[dict[str, Any]]:
    served.publish(event_type)
    first = served.attempts(webhook, test=False)[0]
    path = f"/deliveries/{first['deliveryId']}"
    for number in range(2, 6):
        served.good("POST", f"{path}/redeliver", {})
        until(lambda wanted=number: len(served.good("GET", path)["log"]) >= wanted)
    served.good("POST", f"/webhooks/{webhook}/disable", {})
    return list(served.good("GET", path)["log"])


def _positive_control(laboratory: Laboratory, folder: Path) -> None:
    """An entry of the Operator opens the metadata service: now the counter and the canary must see it."""
    laboratory.canaries.take()
    environment = {"DESKBELL_CA_FILE": str(laboratory.ca_file), "DESKBELL_ALLOW": f"{METADATA}:8443"}
    with Served(folder / "control", **environment) as served:
        webhook = served.webhook("https://open.example.com:8443/hook", "custom.control")
        served.publish("custom.control")
        laboratory.expect("control", "outcome", named(served.attempts(webhook, test=False)[0]), "delivered")
    opened = laboratory.counter.take()
    laboratory.expect("control", "opened", set(opened), {(METADATA, 8443)})
    laboratory.expect("control", "visits", [one.address for one in laboratory.canaries.take()], [METADATA])
    laboratory.figures["control_connections"] = len(opened)
