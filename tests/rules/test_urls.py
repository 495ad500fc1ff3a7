"""The receiver URL parser: every row of the corpus, and properties."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bad_inputs import row_id, rows, spelled
from deskbell.rules.allow import parse_allow
from deskbell.rules.limits import Limits
from deskbell.rules.urls import ReceiverUrl, UrlPolicy, UrlRefused, mask_url, parse_receiver_url

BASE = "https://hooks.our-own-portal.example"
LIMITS = Limits()


def policy(keys: dict[str, Any]) -> UrlPolicy:
    """The setting of a row; a base URL on loopback is also where the process listens."""
    base = keys.get("base_url", BASE)
    listen = tuple(
        (one.rsplit(":", 1)[0], int(one.rsplit(":", 1)[1])) for one in keys.get("listen", ["127.0.0.1:8080"])
    )
    return UrlPolicy(
        allow=parse_allow(",".join(keys.get("allow", []))),
        allow_http=keys.get("allow_http", False),
        allow_loopback=keys.get("allow_loopback", False),
        nat64=keys.get("nat64", False),
        base_url=base,
        listen=listen,
    )


def judge(text: str, keys: dict[str, Any]) -> ReceiverUrl | UrlRefused:
    """Judge one text under a row's setting."""
    allowed = tuple(keys.get("allowed_receivers", ()))
    return parse_receiver_url(text, policy(keys), site=keys.get("site", "dd"), allowed_receivers=allowed, limits=LIMITS)


@pytest.mark.parametrize("row", rows("receiver_url"), ids=row_id)
def test_corpus(row: dict[str, Any]) -> None:
    """Each text of the corpus gets what its row says."""
    given_ = row["input"]
    keys = given_ if isinstance(given_, dict) and "url" in given_ else {}
    text = spelled(keys.get("url", given_))
    found = judge(text, keys)
    if row["expect"] == "reject":
        assert isinstance(found, UrlRefused), row["why"]
        assert found.code.startswith("url_")
    else:
        expected = row["expect"].removeprefix("accept_as:") if row["expect"] != "accept" else text
        assert isinstance(found, ReceiverUrl), (row["why"], found)
        assert found.text == expected


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    """No text makes the parser raise."""
    assert isinstance(judge("https://" + text, {}), ReceiverUrl | UrlRefused)
    assert isinstance(judge(text, {}), ReceiverUrl | UrlRefused)


HOST = st.from_regex(r"[a-z0-9][a-z0-9-]{0,8}(\.[a-z0-9][a-z0-9-]{0,8}){0,3}\.?", fullmatch=True)
TARGET = st.from_regex(r"(/[A-Za-z0-9._~!$&'()*+,;=:@/-]{0,10}(%[0-9A-Fa-f]{2})?)?(\?[a-z=&/?]{0,8})?", fullmatch=True)


@given(HOST, TARGET, st.sampled_from(["", ":443", ":8443", ":8080", ":22"]))
def test_canonical_form_is_stable(host: str, target: str, port: str) -> None:
    """Parsing the canonical form yields it again; path and query stay byte for byte."""
    found = judge(f"https://{host}{port}{target}", {})
    if isinstance(found, ReceiverUrl):
        again = judge(found.text, {})
        assert again == found
        assert found.target == (target if target.startswith("/") else "/" + target)
        assert not found.is_literal
        assert not found.host.split(".")[-1].isdigit()


def test_masked() -> None:
    """Scheme, host and port stay; of a long path only the last four characters."""
    assert mask_url("https://hooks.slack.com/services/T0001/B0001/abcDEF123") == "https://hooks.slack.com/…F123"
    assert mask_url("https://example.com:8443/short") == "https://example.com:8443/…"


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (" https://example.com/x ", "https://example.com/x"),
        ("https://example.com/?q=[1]", "https://example.com/?q=%5B1%5D"),
        ("https://example.com/[x]?a=1&amp;b=2", "https://example.com/%5Bx%5D?a=1&b=2"),
        ("https://exa mple.com/x ", None),
    ],
)
def test_refusal_offers_a_repair(text: str, repaired: str | None) -> None:
    """Where a repair is plain it is offered; what would be no URL either is not."""
    found = judge(text, {})
    assert isinstance(found, UrlRefused)
    assert found.repaired == repaired


def test_private_literal_names_the_setting() -> None:
    """The refusal of a private address names the setting that would allow it."""
    found = judge("https://10.0.0.5/", {})
    assert isinstance(found, UrlRefused)
    assert found.code == "url_literal"
    assert "DESKBELL_ALLOW=10.0.0.5:443" in found.detail


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("http://127.0.0.1:8080/api", {"allow": ["127.0.0.0/8:*"], "listen": ["0.0.0.0:8080"]}),
        ("http://127.9.9.9:8080/api", {"allow": ["127.0.0.0/8:*"]}),
        ("http://0.0.0.0:8080/", {"allow": ["0.0.0.0/0:*"]}),
        ("http://[::1]:8080/api", {"allow": ["[::1]:*"]}),
        ("http://[::]:8080/api", {"allow": ["[::/0]:*"]}),
        ("http://10.1.2.3:8080/api", {"allow": ["10.0.0.0/8:*"], "listen": ["10.1.2.3:8080"]}),
        ("http://localhost:8080/api", {"allow": ["localhost:8080"]}),
        ("http://localhost:8080/bin/abc", {"allow_loopback": True, "base_url": "http://127.0.0.1:8080"}),
        ("http://x.localhost:8080/", {"allow_loopback": True, "base_url": "http://127.0.0.1:8080"}),
    ],
)
def test_other_spellings_of_ourselves(text: str, keys: dict[str, Any]) -> None:
    """No entry and no spelling leads to our own listener; a neighbouring port is another matter."""
    found = judge(text, keys)
    assert isinstance(found, UrlRefused)
    assert found.code == "url_ourselves"
    assert getattr(judge(text.replace(":8080", ":8081"), keys), "code", "") != "url_ourselves"


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.5", "10.0.0.5/24:443", "10.0.0.0/33:443", "fd12::/48:443", "[10.0.0.0/8]:443", "[fd12::/48]",
        "n8n:0", "n8n:65536", "n8n:08", "n8n:http", "n8n: 443", ":443", "*:443", "n8n", "Dd=n8n:1", "=n8n:1",
        "dd==n8n:1", "1.2.3.4.5:443", "bücher.example:443", "http://n8n:5678", "a b:443", "10:443",
    ],
)  # fmt: skip
def test_allow_entry_that_does_not_parse(entry: str) -> None:
    """Each malformed entry stops the start, and is named with the form it should have."""
    with pytest.raises(ValueError, match="DESKBELL_ALLOW") as refused:
        parse_allow(f"good.example:443,{entry}")
    assert repr(entry.strip()) in str(refused.value)
