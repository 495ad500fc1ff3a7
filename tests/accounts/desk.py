"""Accounts on a store in memory, with a site, and an owner when asked for."""

from dataclasses import replace
from typing import Any

from deskbell.accounts import Accounts
from deskbell.accounts.accounts import Accounts as Room
from deskbell.model.account import Account, Caller, Permission, Role
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import Insert, Refused, Replace, Unit
from deskbell.model.ids import SiteId
from deskbell.ports import Store
from deskbell.rules.limits import Limits
from deskbell.rules.sealing import new_keyring
from deskbell.storage.memory import MemoryStore
from doubles import Chance, Clock

KEYRING = new_keyring(b"k" * 32)

SITE = SiteId("dd")
ORIGIN = Origin(address="192.0.2.7", request_id="req_1")
EMAIL, PASSWORD = "ana@desk.example", "correct horse battery"


class Desk:
    """One installation."""

    def __init__(self, store: Store | None = None) -> None:
        self.store, self.clock = store or MemoryStore(), Clock()
        self.rooms = self.process()

    def process(self) -> Room:
        """Another process on the same database."""
        return Accounts(store=self.store, clock=self.clock, random=Chance(), limits=Limits(), keyring=KEYRING)

    async def site(self, msp: str = "dd") -> None:
        """The site, made."""
        await self.rooms.create_site(msp, "Service desk")

    async def owner(self, email: str = EMAIL, site: SiteId = SITE) -> Account:
        """An owner who used a set-up link."""
        token = await self.rooms.setup_link(site)
        return await self.rooms.create_owner(token, "Ana Ruiz", email, PASSWORD, ORIGIN)

    async def caller(self, email: str = EMAIL) -> tuple[Caller, str]:
        """A person who signed in, and their cookie."""
        _, token = await self.rooms.sign_in(email, PASSWORD, "192.0.2.7", "Firefox")
        found = await self.rooms.caller_of_cookie(token)
        assert found is not None
        return found, token

    async def change(self, account: Account, **members: Any) -> None:
        """What managing users will do: another role, or removal."""
        users = await self.store.accounts.users(account.site)
        present = next(one for one in users if one.id == account.id)
        row = replace(present, version=present.version + 1, **members)
        assert not isinstance(await self.store.commit(Unit(changes=(Replace(row=row),))), Refused)

    async def audit(self) -> list[AuditEntry]:
        """Oldest first."""
        return [row.entry for row in await self.store.audit.range(SITE, 0, 10_000)]

    async def put(self, row: Any) -> None:
        """A row, as it is."""
        assert not isinstance(await self.store.commit(Unit(changes=(Insert(row=row),))), Refused)


EVERYTHING = frozenset(Permission)
ROLES = tuple(Role)
