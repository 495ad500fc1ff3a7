"""The Retry-After header: digits or an IMF-fixdate; anything else is ignored."""

import re
from datetime import UTC, datetime

from deskbell.model.instant import Instant, to_seconds
from deskbell.rules.limits import Limits

_DIGITS = re.compile(r"[0-9]{1,32}", re.ASCII)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(rf"({'|'.join(_DAYS)}), (\d\d) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)


def read_retry_after(text: str | None, now: Instant, limits: Limits) -> int | None:
    """Seconds to wait, 0 to retry_after_s_max; None when the header is absent or means nothing."""
    if text is None or len(text) > 64:
        return None
    text = text.strip(" \t")
    if _DIGITS.fullmatch(text):
        return min(int(text), limits.retry_after_s_max)
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime(
            int(found[4]), _MONTHS.index(found[3]) + 1, int(found[2]), int(found[5]), int(found[6]), int(found[7]),
            tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    return min(max(0, round(at.timestamp() - to_seconds(now))), limits.retry_after_s_max)
