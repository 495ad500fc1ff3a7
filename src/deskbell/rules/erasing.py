"""What is left when content is erased, and how what must go is found."""

from dataclasses import replace

from deskbell.model.inspector import Capture

_KEPT_HEADERS = frozenset({"content-type", "content-length", "user-agent", "webhook-id", "webhook-timestamp"})
_KEPT_PREFIX = "deskbell-"


def blanked(capture: Capture) -> Capture:
    """A capture without what it caught: what it was, when, and what was answered stay."""
    kept = tuple(
        (name, value)
        for name, value in capture.headers
        if name.lower() in _KEPT_HEADERS or name.lower().startswith(_KEPT_PREFIX)
    )
    return replace(capture, headers=kept, body=b"", body_cut=False, query="", signature_text="", schema_faults=None)


def erased_mark(site: str, subject: tuple[str, str]) -> str:
    """Under which name the installation remembers when a subject was erased."""
    return f"erased {site} {subject[0]} {subject[1]}"


def names_user(snapshot: bytes, user_id: str) -> bool:
    """Whether a snapshot names this person: snapshots are made by us, without spaces."""
    return b'"userId":"' + user_id.encode() + b'"' in snapshot
