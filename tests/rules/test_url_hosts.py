"""International host names: one script a label, digits and marks included; A-labels pass the same tests."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.rules.limits import Limits
from deskbell.rules.url_host import HostRefused, canonical_name, script_of, unicode_name
from deskbell.rules.urls import ReceiverUrl, UrlPolicy, UrlRefused, parse_receiver_url


def judge(host: str) -> ReceiverUrl | UrlRefused:
    """The parser's verdict over a host, nothing allowed."""
    return parse_receiver_url(f"https://{host}/x", UrlPolicy(), site="dd", limits=Limits())


@pytest.mark.parametrize(
    "label",
    [
        "exampl\u0435", "\u0430bc", "\u03b1bc", "ab\u0561", "\u0431\u03b1", "\u3042\ud55c", "\u3042\u3105", "\u30a2bc",
        "paypal\u30fc", "example\u0be6", "\u0967abc", "ab\u06f5", "a\u093e", "a\u05b4", "\u0430\u093e", "a\u0301\u0431",
        "a\ua66f", "\u10d0bc", "\u13a0\u0430", "o\u02bcneil",
    ],
)  # fmt: skip
def test_mixed_scripts_are_refused(label: str) -> None:
    """Letters, digits, vowel signs and long marks of two scripts never share a label, in either form."""
    found = judge(f"{label}.com")
    assert isinstance(found, UrlRefused)
    assert found.code == "url_idn"
    a_label = b"xn--" + label.encode("punycode")
    again = judge(f"{a_label.decode()}.com")
    assert isinstance(again, UrlRefused)
    assert again.code == "url_idn"


@pytest.mark.parametrize(
    "label",
    [
        "fa\u00df", "r\u00e9sum\u00e9", "\u0431\u0430\u043d\u043a1", "\u0440\u0444-24", "\u03b1\u03b2\u03b3",
        "\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8",
        "\u30b5\u30fc\u30d0\u30fc", "\u3072\u3089\u30ab\u30bf\u6f22", "\ud55c\uad6d\u6f22", "\u6f22\u3105",
        "\u0939\u093f\u0928\u094d\u0926\u0940\u0967",
        "\u0e44\u0e17\u0e22\u0e51", "\u05e2\u05d1\u05e8\u05d9\u05ea", "\u0639\u0631\u0628\u064a",
        "l\u00b7l", "\u6771\u4eac\u3005",
    ],
)  # fmt: skip
def test_one_script_is_taken(label: str) -> None:
    """Honest names in one script are stored as A-labels and shown in Unicode; the A-label alone is taken too."""
    found = judge(f"{label}.com")
    assert isinstance(found, ReceiverUrl), found
    assert found.host == idna.encode(label).decode() + ".com"
    assert unicode_name(found.host) == f"{label}.com"
    assert judge(found.host) == found


@pytest.mark.parametrize(
    "label",
    ["xn--", "xn--a", "xn--abc-", "xn--99999999", "xn--ls8h", "xn--A", "xn--fa-hi", "\u200d", "a\u200cb",
     "ab--\u00fc", "\u0301a",
     "\u2764", "a\u2215b", "\u212a", "\ufb00", "a\u034f", "\u00bd", "\u2488com"],
)  # fmt: skip
def test_invalid_labels_are_refused(label: str) -> None:
    """What IDNA 2008 forbids, and A-labels that mean nothing or have another spelling, are refused."""
    found = judge(f"{label}.com")
    assert isinstance(found, UrlRefused)
    assert found.code == "url_idn"


@pytest.mark.parametrize("host", ["a.0x", "a.0x7f", "a.0xyz", "a.0X1", "a.1", "a.00", "0x7f.1", "a.b.0x."])
def test_names_that_end_in_a_number(host: str) -> None:
    """A last label that some parser takes for a number is refused."""
    found = judge(host)
    assert isinstance(found, UrlRefused)
    assert found.code == "url_name"


@given(st.text(min_size=1, max_size=12))
def test_any_label_is_judged(label: str) -> None:
    """No host makes the reader raise anything but its refusal, and what it makes is ASCII and stable."""
    try:
        name = canonical_name(label)
    except HostRefused:
        return
    assert canonical_name(name) == name.removesuffix(".")
    assert name.isascii()


def test_scripts_of_digits_and_marks() -> None:
    """ASCII digits and general accents go with any script; other digits and signs have one."""
    assert [script_of(letter) for letter in "7-\u0301"] == [None, None, None]
    assert [script_of(letter) for letter in "\u0967\u093e\u0661\u30fc\u4e00"] == [
        "DEVANAGARI",
        "DEVANAGARI",
        "ARABIC",
        "KANA",
        "HAN",
    ]
