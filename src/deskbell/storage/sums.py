"""Adding counts: two rows of hourly statistics become one."""

from dataclasses import replace
from itertools import zip_longest

from deskbell.model.webhook import StatHour


def added(old: StatHour | None, more: StatHour) -> StatHour:
    """The sum of every count."""
    if old is None:
        return more
    return replace(
        more,
        delivered=old.delivered + more.delivered,
        accepted=old.accepted + more.accepted,
        failed=old.failed + more.failed,
        first_time=old.first_time + more.first_time,
        ms_sum=old.ms_sum + more.ms_sum,
        ms_buckets=tuple(a + b for a, b in zip_longest(old.ms_buckets, more.ms_buckets, fillvalue=0)),
    )
