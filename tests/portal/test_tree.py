"""The JSON tree is made on the server, from data, never from trust."""

import pytest

from deskbell.portal.tree import json_tree, pretty, readable


def test_markup_in_keys_and_values_is_escaped() -> None:
    """A payload that holds HTML shows as text."""
    tree = json_tree(b'{"<b>":"<script>alert(1)</script>","a\\"b":"&amp;"}')
    assert tree is not None
    assert "<script" not in tree
    assert "<b>" not in tree
    assert "&lt;script&gt;" in tree


def test_keys_of_objects_are_plain_data() -> None:
    """Names that mean something to a script mean nothing here."""
    tree = json_tree(b'{"__proto__":{"x":1},"constructor":null}')
    assert tree is not None
    assert "__proto__" in tree
    assert "constructor" in tree


@pytest.mark.parametrize("number", ["12345678901234567890", "1.50", "-0.0", "1e400"])
def test_numbers_keep_their_spelling(number: str) -> None:
    """The tree shows the bytes that are sent, not a float of them."""
    tree = json_tree(f'{{"n":{number}}}'.encode())
    assert tree is None or f">{number}<" in tree


@pytest.mark.parametrize("body", [b"", b"no json", b"{", b'{"a":}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_has_no_tree(body: bytes) -> None:
    """The page then shows text or bytes."""
    assert json_tree(body) is None


def test_a_huge_list_ends_with_a_hint() -> None:
    """A page stays a page."""
    tree = json_tree(b"[" + b",".join([b"1"] * 20_000) + b"]")
    assert tree is not None
    assert "more in the raw text" in tree
    assert len(tree) < 400_000


def test_empty_objects_and_lists_are_one_line() -> None:
    """Nothing to unfold."""
    tree = json_tree(b'{"a":{},"b":[]}')
    assert tree is not None
    assert tree.count("<details") == 1


def test_counts_are_named() -> None:
    """A closed node says how much is in it."""
    tree = json_tree(b'{"a":[1,2,3],"b":{"c":1}}', open_depth=0)
    assert tree is not None
    assert "3 items" in tree
    assert "1 member " in tree


@pytest.mark.parametrize(
    ("body", "shown"), [(b"a\tb\n", "a\tb\n"), ("ü".encode(), "ü"), (b"\x00", None), (b"\xff", None)]
)
def test_binary_is_not_text(body: bytes, shown: str | None) -> None:
    """Control characters and broken UTF-8 are shown as hex instead."""
    assert readable(body) == shown


def test_pretty_is_none_for_no_json() -> None:
    """Indented JSON, or nothing."""
    assert pretty(b'{"a":1}') == '{\n  "a": 1\n}'
    assert pretty(b"<x>") is None
