"""Open files and sockets: as many as the system lets us have, and the listener takes no more than its share."""

import resource

WANTED = 65_536
OWN = 40
"""Database, log, readers, listeners, look-ups of names."""


def raise_limit() -> int:
    """Use what the system allows; the answer is how many may be open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # some systems allow less than they say
            return soft
        return wanted
    return WANTED if soft == resource.RLIM_INFINITY else soft


def connections_max(wanted: int, descriptors: int) -> int:
    """How many callers are served at once; as many again may be told to come back, and half is left for sending."""
    return max(1, min(wanted, (descriptors - OWN) // 4))
