"""Logins, keys and roles in any order: what ended never works again, and each change has one audit row."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from argon2 import PasswordHasher
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from accounts.desk import ORIGIN, PASSWORD, Desk
from deskbell.model.account import Account, Caller, Role
from deskbell.rules.permissions import key_permissions

ROLES = st.sampled_from([Role.VIEWER, Role.OPERATOR, Role.ADMIN])
PICK = st.integers(0, 1_000)
SCOPES = st.lists(st.sampled_from(["events:read", "webhooks:read", "webhooks:write", "site:admin"]), min_size=1)


class History(RuleBasedStateMachine):
    """One owner, and users who come, change and go; two processes on one database."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.desk = Desk()
        self.desk.rooms._passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.users: dict[str, Role] = {}
        self.logins: dict[str, tuple[str, str]] = {}  # cookie to login and user
        self.keys: dict[str, tuple[str, str, tuple[Any, ...]]] = {}  # text to key, user, scopes
        self.over: set[str] = set()  # cookies and key texts that must never work again
        self.changes = 0

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Carried out; one change."""
        self.changes += 1
        return self.runner.run(step)

    @initialize()
    def begin(self) -> None:
        """An owner who signed in."""
        self.runner.run(self.desk.site())
        self.runner.run(self.desk.owner())
        self.owner: Caller = self.runner.run(self.desk.caller())[0]
        self.rows = len(self.runner.run(self.desk.audit()))

    def one(self, pick: int) -> str | None:
        """A user who is there."""
        found = sorted(self.users)
        return found[pick % len(found)] if found else None

    @rule(role=ROLES, pick=PICK)
    def invite(self, role: Role, pick: int) -> None:
        """Somebody comes, and signs in."""
        if len(self.users) < 3:
            email = f"u{self.changes}@desk.example"
            made = self.do(self.desk.rooms.invite(self.owner, email, "", role.value, ORIGIN))
            user: Account = self.do(self.desk.rooms.join(made.token, "", PASSWORD, ORIGIN))
            login, cookie = self.do(self.desk.rooms.sign_in(email, PASSWORD, "192.0.2.7", ""))
            self.users[user.id] = role
            self.logins[cookie] = (login.id, user.id)

    @rule(pick=PICK, scopes=SCOPES)
    def make_key(self, pick: int, scopes: list[str]) -> None:
        """A user with the right to it makes a key."""
        for cookie, (_, user) in self.logins.items():
            if self.users[user] is Role.ADMIN:
                caller = self.runner.run(self.desk.rooms.caller_of_cookie(cookie))
                key, text = self.do(self.desk.rooms.make_key(caller, "k", scopes, None, ORIGIN))
                self.keys[text] = (key.id, user, key.scopes)
                return

    @rule(pick=PICK)
    def revoke(self, pick: int) -> None:
        """A key ends."""
        if self.keys:
            text = sorted(self.keys)[pick % len(self.keys)]
            self.do(self.desk.rooms.revoke_key(self.owner, self.keys.pop(text)[0], ORIGIN))
            self.over.add(text)

    @rule(pick=PICK, role=ROLES)
    def change_role(self, pick: int, role: Role) -> None:
        """Another role ends the logins; keys do less or more."""
        user = self.one(pick)
        if user is not None and self.users[user] is not role:
            self.do(self.desk.rooms.change_role(self.owner, user, role.value, ORIGIN))
            self.users[user] = role
            self.end_logins_of(user)

    @rule(pick=PICK, hands_over=st.booleans())
    def remove(self, pick: int, hands_over: bool) -> None:
        """Somebody goes; their keys end or become the owner's."""
        user = self.one(pick)
        if user is not None:
            self.do(self.desk.rooms.remove_user(self.owner, user, self.owner.id if hands_over else None, ORIGIN))
            del self.users[user]
            self.end_logins_of(user)
            for text, (key, maker, scopes) in list(self.keys.items()):
                if maker == user and hands_over:
                    self.keys[text] = (key, self.owner.id, scopes)
                elif maker == user:
                    del self.keys[text]
                    self.over.add(text)

    @rule(pick=PICK)
    def sign_out(self, pick: int) -> None:
        """An admin ends one login."""
        if self.logins:
            cookie = sorted(self.logins)[pick % len(self.logins)]
            login, user = self.logins.pop(cookie)
            self.do(self.desk.rooms.end_logins(self.owner, user, ORIGIN, only=login))
            self.over.add(cookie)

    def end_logins_of(self, user: str) -> None:
        """What must not work from now on."""
        for cookie, (_, whose) in list(self.logins.items()):
            if whose == user:
                del self.logins[cookie]
                self.over.add(cookie)

    @invariant()
    def is_as_told(self) -> None:
        """Asked at this process at once, and at another that knows nothing from before."""
        if not hasattr(self, "rows"):
            return
        for rooms in (self.desk.rooms, self.desk.process()):
            for text in self.over:
                assert self.runner.run(rooms.caller_of_cookie(text)) is None
                assert self.runner.run(rooms.caller_of_key(text)) is None
            for cookie, (_, user) in self.logins.items():
                assert self.runner.run(rooms.caller_of_cookie(cookie)).role is self.users[user]
            for text, (_, maker, scopes) in self.keys.items():
                role = self.users.get(maker, Role.OWNER)
                assert self.runner.run(rooms.caller_of_key(text)).permissions == key_permissions(scopes, role)
        assert len(self.runner.run(self.desk.audit())) == self.rows + self.changes

    def teardown(self) -> None:
        """Close the loop."""
        self.runner.close()


History.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestHistory = History.TestCase
