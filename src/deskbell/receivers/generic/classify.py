"""What an answer of a generic receiver means: the common HTTP table, without exceptions."""

from deskbell.model.exchange import Outcome, Reply
from deskbell.model.instant import Instant
from deskbell.rules.classify import classify_http
from deskbell.rules.limits import Limits


def classify(reply: Reply, now: Instant, limits: Limits) -> Outcome:
    """The outcome; see replies.json for one row per line of the table."""
    return classify_http(reply, now, limits)
