"""Much work in small rounds: how long to rest after one, so that all of them take only a share of the time."""


def rest_s(took_s: float, share: float) -> float:
    """The pause after a round that took so long; the share is more than 0 and at most 1."""
    return max(0.0, took_s) * (1 - share) / share
