"""Accounts: sites, users, logins, API keys, personal links, and reading the audit."""

from deskbell.accounts.accounts import Accounts
from deskbell.accounts.audit import AuditReader

__all__ = ["Accounts", "AuditReader"]
