"""The head of a response: where it ends, and whether every byte of it is as HTTP/1.x wants it."""

import re
from dataclasses import dataclass

from deskbell.rules.limits import Limits

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [^\r\n\0]*)?\r?\n")
_STATUS_START = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9][ \r\n]")
_START = b"HTTP/1."
_START_BYTES = 13
_FIELD = re.compile(r"^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*)\r?\n", re.MULTILINE)
_FOLD = re.compile(rb"\r?\n[ \t]+(?=[^\r\n])")
_LENGTH_DIGITS_MAX = 18
_KNOWN_MAX = 256
_KNOWN_BYTES_MAX = 1024
FINAL = 200
"""Statuses below are interim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """A response head that passed every check."""

    minor: int  # 0 or 1, of HTTP/1.x
    status: int
    headers: tuple[tuple[str, str], ...]  # names in lower case, in order
    length: int | None  # content-length
    chunked: bool
    coded: bool  # some transfer-encoding is named
    keep: bool  # the connection may serve again


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadFault:
    """Why this is no HTTP/1.x response."""

    text: str


class HeadReader:
    """Reads heads; equal heads, as a busy receiver sends them within a second, are judged once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.known: dict[bytes, Head] = {}  # final heads by all of their bytes

    def read(self, block: bytes) -> Head | HeadFault:
        """One whole head, blank line included."""
        head = read_head(block, self.limits.response_headers_max)
        if isinstance(head, Head) and head.status >= FINAL and len(block) <= _KNOWN_BYTES_MAX:
            if len(self.known) >= _KNOWN_MAX:
                self.known.clear()
            self.known[block] = head
        return head


def end_of_head(data: bytes | bytearray, start: int = 0) -> int:
    """The index after the blank line, or -1; `start` skips what was searched before (minus 3 bytes)."""
    crlf, lf = data.find(b"\n\r\n", start), data.find(b"\n\n", start)
    if lf < 0:
        return crlf + 3 if crlf >= 0 else -1
    return lf + 2 if crlf < 0 or lf < crlf else crlf + 3


def start_fault(data: bytes | bytearray) -> HeadFault | None:
    """Whether what came so far cannot become a status line: other protocols are known by their first bytes."""
    if len(data) < _START_BYTES and b"\n" not in data:
        return None if data[:7] == _START[: len(data)] else HeadFault(text="the receiver does not answer in HTTP/1.x")
    if data[:7] != _START:
        return HeadFault(text="the receiver does not answer in HTTP/1.x")
    if not _STATUS_START.match(data):
        return HeadFault(text="the status line is not HTTP/1.0 or 1.1 with three digits from 100 to 599")
    return None


def read_head(block: bytes, lines_max: int) -> Head | HeadFault:
    """Read one whole head, blank line included."""
    line = _STATUS_LINE.match(block)
    if line is None:
        return HeadFault(text="the status line is not HTTP/1.0 or 1.1 with three digits from 100 to 599")
    fields = _read_fields(block, line.end(), lines_max)
    if isinstance(fields, HeadFault):
        return fields
    return _framing(1 if line[1] == b"1" else 0, int(line[2]), fields)


def _read_fields(block: bytes, at: int, lines_max: int) -> list[tuple[str, str]] | HeadFault:
    """Every line must be one field; a line that begins with a blank continues the one before."""
    lines = block.count(b"\n", at) - 1
    if lines > lines_max:
        return HeadFault(text=f"the response has more than {lines_max} header lines")
    rest = block[at:]
    if b"\n " in rest or b"\n\t" in rest:
        rest = _FOLD.sub(b" ", rest)
        lines = rest.count(b"\n") - 1
    found = _FIELD.findall(rest.decode("latin-1"))
    if len(found) != lines:
        return HeadFault(text="a header line of the response is not `name: value`, or holds a NUL")
    return [(name.lower(), value.rstrip(" \t")) for name, value in found]


def _framing(minor: int, status: int, fields: list[tuple[str, str]]) -> Head | HeadFault:
    """Where the body ends, from three headers alone."""
    lengths, coding, connection = "", "", ""
    for name, value in fields:
        if name == "content-length":
            lengths = f"{lengths},{value}" if lengths else value or ","
        elif name == "transfer-encoding":
            coding = f"{coding},{value}"
        elif name == "connection":
            connection = f"{connection},{value}"
    length = _read_length(lengths) if lengths else None
    if isinstance(length, HeadFault):
        return length
    wishes = _words(connection) if connection else ()
    return Head(
        minor=minor,
        status=status,
        headers=tuple(fields),
        length=length,
        chunked=bool(coding) and minor == 1 and _words(coding) == ["chunked"],
        coded=bool(coding),
        keep="close" not in wishes if minor else "keep-alive" in wishes,
    )


def _read_length(text: str) -> int | HeadFault:
    """One length; the same one several times counts as one."""
    if not text.isdigit():
        lengths = {part.strip(" \t") for part in text.split(",")}
        if len(lengths) > 1:
            return HeadFault(text="the response names two different lengths")
        text = lengths.pop()
    if not (text.isascii() and text.isdigit() and len(text) <= _LENGTH_DIGITS_MAX):
        return HeadFault(text="the content-length of the response is not a number")
    return int(text)


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip(" \t").lower())]
