"""Accounts: sites, users, logins, API keys, personal links, and reading the audit."""

from deskbell.accounts.accounts import Accounts
from deskbell.accounts.audit import AuditReader
from deskbell.accounts.logins import SeveralSites

__all__ = ["Accounts", "AuditReader", "SeveralSites"]
