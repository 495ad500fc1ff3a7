"""`POST /api/v1/events`, the short way: a plain request with a known key, one event or many, no ids of its own."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from deskbell.accounts import Accounts
from deskbell.model.account import Caller, Permission
from deskbell.model.changes import Refused
from deskbell.model.draft import Published
from deskbell.model.errors import Refusal
from deskbell.rules.strict_json import PublishItem, read_publish
from deskbell.server.direct import Answer, Headers
from deskbell.server.hot_path import PATH, HotPath, answer_of, check_types, refusal_of
from deskbell.server.problem import problem
from deskbell.server.shield import HEAD_BYTES_MAX, HEADERS_MAX, Shield

HEADS_MAX = 1_000
"""Heads that are remembered: a program sends the same one again and again."""
BODY_BYTES_MAX = 1_048_576
_WANTED = frozenset({b"host", b"authorization", b"content-type", b"content-length"})
_KNOWN = _WANTED | {b"user-agent", b"accept", b"connection", b"accept-encoding", b"traceparent", b"tracestate"}
"""Whatever else a head may hold, the app looks at."""
_MEDIA = frozenset({b"application/json", b"application/json; charset=utf-8"})
_HEAD = b"HTTP/1.1 %d %b\r\n%bcontent-type: %b\r\n%bx-request-id: %b\r\ncontent-length: %d\r\n\r\n%b"


class DirectPublish:
    """Implements `direct.Direct` on what the app itself uses."""

    path = PATH.encode()

    def __init__(self, *, hot_path: HotPath, shield: Shield, accounts: Accounts, new_id: Callable[[], str]) -> None:
        self._hot_path = hot_path
        self._shield = shield
        self._accounts = accounts
        self._new_id = new_id
        self._security = b"".join(b"%b: %b\r\n" % pair for pair in shield.headers)
        self._marks: dict[tuple[tuple[bytes, bytes], ...], str | None] = {}

    def mark(self, headers: Headers, server: tuple[str, int | None] | None) -> str | None:
        """The key's text when the head is plain; equal heads are judged once."""
        head = tuple(headers)
        try:
            return self._marks[head]
        except KeyError:
            if len(self._marks) >= HEADS_MAX:
                self._marks.clear()
            found = self._marks[head] = self._judge(headers, server)
            return found

    def take(self, mark: str, body: bytes, answer: Answer) -> bool:
        """Publish; False when this needs the app, which then begins anew: nothing was stored."""
        hot = self._hot_path
        caller = self._accounts.known_caller(mark)
        if caller is None or caller.rate_per_second or caller.sources or not caller.may(Permission.EVENTS_WRITE):
            return False
        try:
            items, is_array = read_publish(body, hot.limits)
            check_types(items, is_array)
            if any(item.external_id is not None for item in items):
                return False
            self._publish(caller, items, is_array, answer)
        except Refusal:
            return False
        return True

    def _publish(self, caller: Caller, items: Sequence[PublishItem], is_array: bool, answer: Answer) -> None:
        hot = self._hot_path
        ids = [hot.new_id() for _ in items]
        drafts = [hot.draft(caller, item, event_id, 0) for item, event_id in zip(items, ids, strict=True)]

        def done(result: Published | Refused) -> None:
            request_id = self._new_id()
            if isinstance(result, Published):
                answer(self._response(202, b"application/json", b"", request_id, answer_of(ids, is_array)))
                return
            refused = problem(refusal_of(result), request_id)
            later = b"retry-after: %b\r\n" % refused.headers["retry-after"].encode()
            body = bytes(refused.body)
            answer(self._response(refused.status_code, b"application/problem+json", later, request_id, body))

        hot.publisher.submit(caller.site, drafts, done)

    def _response(self, status: int, media: bytes, more: bytes, request_id: str, body: bytes) -> bytes:
        phrase = HTTPStatus(status).phrase.encode()
        return _HEAD % (status, phrase, self._security, media, more, request_id.encode(), len(body), body)

    def _judge(self, headers: Headers, server: tuple[str, int | None] | None) -> str | None:
        found = dict(headers)
        if len(found) != len(headers) or len(headers) > HEADERS_MAX or not _WANTED <= found.keys() <= _KNOWN:
            return None
        if sum(len(name) + len(value) + 4 for name, value in headers) > HEAD_BYTES_MAX:
            return None
        if self._shield.refuses(self.path, headers, server):
            return None
        length = found[b"content-length"]
        if not length.isdigit() or len(length) > 8 or int(length) > BODY_BYTES_MAX:
            return None
        scheme, _, key = found[b"authorization"].decode("latin-1").partition(" ")
        if found[b"content-type"].lower() not in _MEDIA or scheme.lower() != "bearer":
            return None
        return key
