"""Accounts as one room: set-up, users, logins, second factors, keys and links."""

from deskbell.accounts.joining import Joining
from deskbell.accounts.links import Links
from deskbell.accounts.passwords import Passwords
from deskbell.accounts.refusals import Refusals
from deskbell.accounts.standing import Standing
from deskbell.accounts.throttle import Throttle
from deskbell.ports import Clock, Random, Store
from deskbell.rules.limits import Limits
from deskbell.rules.sealing import Keyring


class Accounts(Joining, Standing, Links, Refusals):
    """Who may do what."""

    def __init__(self, *, store: Store, clock: Clock, random: Random, limits: Limits, keyring: Keyring) -> None:
        super().__init__(store=store, clock=clock, random=random, limits=limits)
        self._keyring = keyring
        self._passwords = Passwords()
        self._throttle = Throttle(clock, limits)
        self._known = {}
