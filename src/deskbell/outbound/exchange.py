"""One exchange: what is sent, what has come back so far, where the time went, and the one call of `done`."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from deskbell.model.exchange import Reply, Sendable, SendPolicy, Stage, Timing
from deskbell.outbound.body import Body
from deskbell.outbound.head import FINAL, Head, HeadFault, HeadReader, end_of_head, start_fault
from deskbell.outbound.route import Key, Route

_SWITCHING = 101
_log = structlog.get_logger()


class Line(Protocol):
    """The connection that carries an exchange."""

    def abort(self) -> None: ...


class Exchange:
    """State of one request and its answer. Not tied to a connection: a dead kept one is replaced by a fresh one."""

    __slots__ = ("_done", "_first_byte_ms", "_heads", "_held", "_interim", "address", "addresses", "body",
                 "connect_ms", "connection", "due", "finished", "head", "policy", "request", "resolve_ms", "reused",
                 "route", "sendable", "sent_at", "stage", "started", "task", "tls_ms", "tls_version",
                 "vetted")  # fmt: skip

    def __init__(
        self, sendable: Sendable, policy: SendPolicy, done: Callable[[Reply], None], *, now: float, heads: HeadReader
    ) -> None:
        self.sendable = sendable
        self.policy = policy
        self._done = done
        self._heads = heads
        self.started = now
        self.due = now + policy.total_s
        self.finished = False
        self.stage = Stage.RESOLVE
        self.request = b""  # its head
        self.route: Route | None = None
        self.vetted: tuple[Key, ...] = ()
        self.addresses: tuple[str, ...] = ()
        self.address: str | None = None
        self.tls_version: str | None = None
        self.connection: Line | None = None
        self.task: asyncio.Task[None] | None = None
        self.reused = False
        self.resolve_ms: float | None = None
        self.connect_ms: float | None = None
        self.tls_ms: float | None = None
        self.sent_at: float | None = None
        self._first_byte_ms: float | None = None
        self.head: Head | None = None  # the final one: from then on the status stands
        self.body: Body | None = None
        self._held = b""
        self._interim = 0

    @property
    def answered(self) -> bool:
        """Whether any byte of an answer came."""
        return self._first_byte_ms is not None

    def feed(self, data: bytes, now: float) -> HeadFault | bool:
        """Take bytes from the connection; True when the answer is over, a fault when it is none."""
        if self._first_byte_ms is None:
            self._first_byte_ms = 0.0 if self.sent_at is None else (now - self.sent_at) * 1000
            self.stage = Stage.READ
            end = data.find(b"\r\n\r\n") + 4
            head = self._heads.known.get(data[:end])
            if head is not None:
                return self._begin_body(head, data[end:])
        if self.body is not None:
            self.body.feed(data)
            return self.body.over
        return self._feed_head(data)

    def _feed_head(self, data: bytes) -> HeadFault | bool:
        """Search for the end of the head, also over interim ones."""
        buffer = bytes(self._held + data) if self._held else data
        bytes_max = self._heads.limits.response_head_bytes_max
        start, searched = 0, len(self._held)
        while True:
            end = end_of_head(buffer, max(start, searched - 3))
            if (len(buffer) if end < 0 else end) - start > bytes_max:
                too_long = HeadFault(text=f"the response headers are over {bytes_max} bytes")
                return start_fault(buffer[start : start + 16]) or too_long
            if end < 0:
                self._held = buffer[start:]
                return start_fault(self._held) or False
            verdict = self._take_head(buffer[start:end])
            if isinstance(verdict, HeadFault):
                return verdict
            if verdict is not None:
                return self._begin_body(verdict, buffer[end:])
            start = searched = end

    def _take_head(self, block: bytes) -> Head | HeadFault | None:
        """Judge one complete head; None: it was an interim one, go on."""
        head = self._heads.read(block)
        if isinstance(head, HeadFault) or head.status >= FINAL:
            return head
        if head.status == _SWITCHING:
            return HeadFault(text="the receiver wants to switch protocols, which was not asked for")
        self._interim += 1
        if self._interim > self._heads.limits.interim_responses_max:
            return HeadFault(text=f"more than {self._heads.limits.interim_responses_max} interim responses came")
        return None

    def _begin_body(self, head: Head, rest: bytes) -> bool:
        """From here on the status stands."""
        self.head, self._held = head, b""
        self.body = body = Body(head, method=self.sendable.method, bytes_max=self.policy.response_bytes_max)
        if rest:
            body.feed(rest)
        return body.over

    def finish(self, now: float, fault: str | None = None, text: str = "", rule: str | None = None) -> None:
        """Answer `done`, once. With a known status a fault becomes a note: the status stands."""
        if self.finished:
            return
        self.finished = True
        reply = self._reply(now, fault, text, rule)
        try:
            self._done(reply)
        except Exception:
            _log.exception("exchange.done_failed", site=self.sendable.site)

    def _reply(self, now: float, fault: str | None, text: str, rule: str | None) -> Reply:
        timing = Timing(
            resolve_ms=self.resolve_ms,
            connect_ms=self.connect_ms,
            tls_ms=self.tls_ms,
            first_byte_ms=self._first_byte_ms,
            total_ms=(now - self.started) * 1000,
        )
        head, body = self.head, self.body
        if head is None or body is None:
            return Reply(
                stage=self.stage, fault=fault or "connection_closed", rule=rule, text=text, address=self.address,
                addresses=self.addresses, tls_version=self.tls_version, timing=timing,
            )  # fmt: skip
        notes: tuple[str, ...] = (body.note,) if body.note else ()
        if fault is not None:
            notes += (f"{fault}: {text}",)
        return Reply(
            stage=self.stage, status=head.status, headers=head.headers, body=body.content(),
            truncated=body.truncated or fault is not None, notes=notes, address=self.address,
            addresses=self.addresses, tls_version=self.tls_version, timing=timing,
        )  # fmt: skip
