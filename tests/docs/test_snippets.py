"""The documents' Python that says it is tested, is."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from deskbell.rules.signing import new_secret, sign_dd, sign_v1

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "verify-signatures.md"
SNIPPETS = re.findall(r"<!-- tested -->\n```python\n(.*?)```", PAGE.read_text(), re.S)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippet(snippet: str) -> None:
    """Each snippet takes a signed request and refuses a changed one."""
    names: dict[str, Any] = {}
    exec(snippet, names)
    secret, body, now = new_secret(b"k" * 32), b'[{"a":1}]', int(time.time())
    headers = {
        "webhook-id": "dlv_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign_v1(secret, "dlv_1", now, body),
        "x-dd-signature": sign_dd(secret, body, "hex") or "",
    }
    names["receive"](body, headers, secret)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each library has its own
        names["receive"](body + b" ", headers, secret)


def test_there_are_snippets() -> None:
    """The page has them."""
    assert len(SNIPPETS) == 3
