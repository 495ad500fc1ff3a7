"""What people read of the audit."""

from typing import Any

import pytest

from contract.made import entry
from deskbell.rules.audit_export import differences


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (None, None, []),
        ('{"a":1,"b":null}', '{"a":1,"b":["x","y"]}', [("b", "nothing", "x, y")]),
        (None, '{"on":true,"n":0}', [("on", None, "yes"), ("n", None, "0")]),
        ('{"x":{"y":1}}', None, [("x", '{"y": 1}', None)]),
        ("plain", '{"a":1}', [("", "plain", '{"a": 1}')]),
        ("not json", None, [("", "not json", None)]),
    ],
)
def test_differences(before: str | None, after: str | None, found: list[Any]) -> None:
    """Only what differs, in words; what is no object is shown as it is."""
    assert list(differences(entry(before=before, after=after))) == found
