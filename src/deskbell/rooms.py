"""What the doors work with: the rooms of the house, wired once by `app.py`."""

from dataclasses import dataclass

from deskbell.accounts import Accounts, AuditReader, SignOnRoom
from deskbell.desk import Chats, DwellRules, People, Presence, Tickets
from deskbell.engine import Engine
from deskbell.inspector import Inspector
from deskbell.ports import Clock, Doorbell, Random, Sender, Store
from deskbell.rules.limits import Limits
from deskbell.rules.sealing import Keyring
from deskbell.rules.urls import UrlPolicy
from deskbell.webhooks import Erasures, Registrations, Replays


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """The rooms that API and portal call."""

    store: Store
    engine: Engine
    registrations: Registrations
    replays: Replays
    erasures: Erasures
    chats: Chats
    tickets: Tickets
    dwell_rules: DwellRules
    presence: Presence
    people: People
    accounts: Accounts
    audit: AuditReader
    sign_on: SignOnRoom
    inspector: Inspector
    sender: Sender
    doorbell: Doorbell
    clock: Clock
    random: Random
    limits: Limits
    keyring: Keyring
    url_policy: UrlPolicy
    base_url: str  # without a slash at the end
