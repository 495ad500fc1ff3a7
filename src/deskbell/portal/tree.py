"""A JSON text as a tree of `<details>`, made on the server. Keys and values are data: escaped, never interpreted."""

import re
from typing import Any

import msgspec
from markupsafe import Markup

DEPTH_MAX = 64
NODES_MAX = 5_000
TEXT_CHARS_MAX = 10_000
_OPEN_CHARS = 300
_COMMA = Markup('<span class="p">,</span>')


class _Writer:
    """Writes one tree; stops when it becomes too long for a page."""

    def __init__(self, *, open_depth: int) -> None:
        self.parts: list[Markup] = []
        self.nodes = 0
        self.open_depth = open_depth

    def value(self, value: msgspec.Raw, label: Markup, comma: Markup, depth: int) -> None:
        """One value with the key before it."""
        self.nodes += 1
        text = bytes(value).strip()
        if text[:1] == b"{" and depth < DEPTH_MAX:
            members = list(msgspec.json.decode(text, type=dict[str, msgspec.Raw]).items())
            items = [
                (Markup('<span class="k">{}</span><span class="p">: </span>').format(quoted(key)), one)
                for key, one in members
            ]
            self.group("{", "}", "member", items, label, comma, depth, text)
        elif text[:1] == b"[" and depth < DEPTH_MAX:
            items = [(Markup(""), one) for one in msgspec.json.decode(text, type=list[msgspec.Raw])]
            self.group("[", "]", "item", items, label, comma, depth, text)
        else:
            self.parts.append(Markup("<div>{}{}{}</div>").format(label, leaf(text), comma))

    def group(
        self, start: str, end: str, noun: str, items: list[tuple[Markup, Any]], label: Markup, comma: Markup,
        depth: int, text: bytes,
    ) -> None:  # fmt: skip
        """An object or a list."""
        if not items:
            self.parts.append(Markup('<div>{}<span class="p">{}{}</span>{}</div>').format(label, start, end, comma))
            return
        count = f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
        is_open = " open" if depth < self.open_depth or (depth == self.open_depth and len(text) < _OPEN_CHARS) else ""
        self.parts.append(
            Markup('<details{}><summary>{}<span class="p">{}</span><span class="more"> {} {}</span></summary>').format(
                is_open, label, start, count, end
            )
        )
        for place, (key, one) in enumerate(items):
            if self.nodes >= NODES_MAX:
                self.parts.append(Markup('<div class="muted">… more in the raw text</div>'))
                break
            self.value(one, key, _COMMA if place < len(items) - 1 else Markup(""), depth + 1)
        self.parts.append(Markup('<span class="p">{}</span>{}</details>').format(end, comma))


def quoted(text: str) -> str:
    """A text as JSON writes it, readable letters kept."""
    return msgspec.json.encode(text).decode()


def leaf(text: bytes) -> Markup:
    """A string, number or literal, coloured; numbers keep their spelling."""
    shown = text.decode("utf-8", "replace")
    if len(shown) > TEXT_CHARS_MAX:
        shown = shown[:TEXT_CHARS_MAX] + "…"
    kind = "s" if shown.startswith('"') else "l" if shown in ("true", "false", "null") else "m"
    if kind == "s":
        shown = re.sub(r"\\/", "/", shown)
    return Markup('<span class="{}">{}</span>').format(kind, shown)


def json_tree(body: bytes, *, open_depth: int = 2) -> Markup | None:
    """The tree, or None when the bytes are no JSON that can be shown as one."""
    writer = _Writer(open_depth=open_depth)
    try:
        msgspec.json.decode(body)
        writer.value(msgspec.Raw(body), Markup(""), Markup(""), 0)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return None
    return Markup("").join(writer.parts)


def readable(body: bytes) -> str | None:
    """The bytes as text, or None when they are binary."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if any(ord(one) < 32 and one not in "\t\r\n" for one in text) else text


def pretty(body: bytes) -> str | None:
    """JSON with two spaces of indentation; None when it is none."""
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
