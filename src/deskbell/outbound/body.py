"""The body of a response: framed by length, by chunks or by the end of the connection, read up to a cap."""

import httptools

from deskbell.outbound.head import Head

_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
_NO_BODY = frozenset({204, 304})


class Body:
    """Takes raw bytes until it is `over`; nothing is ever decompressed."""

    __slots__ = ("_left", "_parser", "_parts", "_raw_bytes", "bytes_max", "complete", "ends_with_connection",
                 "note", "over", "surplus", "truncated")  # fmt: skip

    def __init__(self, head: Head, *, method: str, bytes_max: int) -> None:
        self._parts: list[bytes] = []
        self._raw_bytes = 0
        self._left: int | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self.bytes_max = bytes_max
        self.complete = False  # came to its end as framed
        self.over = False  # nothing more is to be read
        self.surplus = False  # bytes came after the end
        self.truncated = False  # longer than the cap, or broken off
        self.ends_with_connection = False
        self.note = ""
        if head.status in _NO_BODY or method == "HEAD" or (head.length == 0 and not head.coded):
            self.complete = self.over = True
        elif head.chunked:
            self._parser = httptools.HttpResponseParser(self)
            self._parser.feed_data(_CHUNKED_HEAD)
        elif head.length is not None and not head.coded:
            self._left = head.length
        else:
            self.ends_with_connection = True

    def content(self) -> bytes:
        """What was read, at most the cap."""
        return b"".join(self._parts)[: self.bytes_max]

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the connection."""
        if self.over:
            self.surplus = self.surplus or bool(data)
            return
        self._raw_bytes += len(data)
        if self._parser is not None:
            self._feed_chunks(data)
        elif self._left is not None:
            self._feed_length(data)
        else:
            self._parts.append(data)
        if not self.complete and self._raw_bytes > self.bytes_max:
            self._cut(f"the response is longer than {self.bytes_max} bytes; the rest was not read")

    def end(self) -> None:
        """The connection ended in order: the end of the body, or a truncation."""
        if self.over:
            return
        if self.ends_with_connection:
            self.complete = self.over = True
        else:
            self._cut("the response broke off: the receiver closed the connection before the body was complete")

    def _cut(self, note: str) -> None:
        self.truncated = self.over = True
        self.note = self.note or note

    def _feed_length(self, data: bytes) -> None:
        left = self._left or 0
        if len(data) >= left:
            self.complete = self.over = True
            self.surplus = len(data) > left
            self._parts.append(data[:left] if self.surplus else data)
            return
        self._parts.append(data)
        self._left = left - len(data)
        if self._raw_bytes == self.bytes_max:
            self._cut(f"the response is longer than {self.bytes_max} bytes; the rest was not read")

    def _feed_chunks(self, data: bytes) -> None:
        assert self._parser is not None  # noqa: S101 - told apart by the caller
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self.complete:
                self.surplus = True
            else:
                self._cut("the chunks of the response are malformed; the rest was not read")

    def on_message_begin(self) -> None:
        """Called by the parser, again if another response follows this one."""
        self.surplus = self.complete

    def on_body(self, data: bytes) -> None:
        """Called by the parser with the content of chunks."""
        if not self.over:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """Called by the parser after the last chunk."""
        self.complete = self.over = True
