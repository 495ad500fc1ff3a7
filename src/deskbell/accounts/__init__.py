"""Accounts: sites, users, logins, API keys, personal links, and reading the audit."""

from deskbell.accounts.accounts import Accounts
from deskbell.accounts.audit import AuditReader
from deskbell.accounts.logins import SeveralSites
from deskbell.accounts.sign_on import SignOnRoom
from deskbell.accounts.sign_on_settings import Typed

__all__ = ["Accounts", "AuditReader", "SeveralSites", "SignOnRoom", "Typed"]
