"""Which passwords are refused when they are set."""

from functools import cache
from importlib import resources

from deskbell.model.errors import FaultAt
from deskbell.rules.limits import Limits


@cache
def common_passwords() -> frozenset[str]:
    """The shipped list, lower case."""
    text = (resources.files("deskbell.rules") / "data" / "common-passwords.txt").read_text("utf-8")
    return frozenset(text.split())


def check_password(password: str, *, email: str, site_name: str, limits: Limits) -> FaultAt | None:
    """A fault unless the password is long enough, not common, and not what everybody would try first."""
    low, high = limits.password_chars_min, limits.password_chars_max
    if not low <= len(password) <= high:
        detail = f"Use {low} to {high:,} characters; a sentence is fine."
        return FaultAt(pointer="/password", code="password_length", detail=detail)
    lowered = password.lower()
    known = {email.lower(), email.lower().partition("@")[0], site_name.lower()} - {""}
    if lowered in common_passwords() or len(set(lowered)) < 4 or lowered in known:
        return FaultAt(pointer="/password", code="password_common", detail="This password is among the first tried.")
    return None
