"""What is left of what is erased."""

from deskbell.model.inspector import Capture
from deskbell.model.instant import from_seconds
from deskbell.rules.erasing import blanked, erased_mark, names_user


def test_a_capture_keeps_what_it_was() -> None:
    """Ids, time, answer and our own headers stay; body, query and foreign headers go."""
    full = Capture(
        site="dd",
        bin_id="bin_1",
        seq=3,
        id="cap_1",
        at=from_seconds(1),
        method="POST",
        path="/",
        query="q=secret",
        headers=(("Webhook-Id", "dlv_1"), ("deskbell-event", "chat.missed"), ("x-ticket", "secret"), ("host", "h")),
        body=b"secret",
        body_cut=True,
        peer="192.0.2.1",
        answered_status=200,
        delivery_id="dlv_1",
        signature_text="secret",
        schema_faults=("secret",),
    )
    left = blanked(full)
    assert b"secret" not in repr(left).encode()
    assert left.headers == (("Webhook-Id", "dlv_1"), ("deskbell-event", "chat.missed"))
    assert (left.id, left.at, left.answered_status, left.delivery_id) == ("cap_1", full.at, 200, "dlv_1")
    assert blanked(left) == left


def test_who_is_named() -> None:
    """The whole userId, not the beginning of another one."""
    assert names_user(b'{"creator":{"userId":"dd~c~5"}}', "dd~c~5")
    assert not names_user(b'{"creator":{"userId":"dd~c~55"}}', "dd~c~5")


def test_marks_tell_sites_and_kinds_apart() -> None:
    """Under one name one subject is remembered."""
    marks = {erased_mark(site, (kind, "1")) for site in ("dd", "ee") for kind in ("chat", "ticket")}
    assert len(marks) == 4
