"""OAuth 2.0 client credentials (RFC 6749 4.4): the request for a token, and what its answer means."""

import base64
import re
from urllib.parse import quote_plus, urlencode

import msgspec

from deskbell.model.credential import Grant, Token
from deskbell.model.exchange import Reply
from deskbell.rules.limits import Limits

_VISIBLE = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_ERROR = re.compile(r"[a-z][a-z0-9_]{0,49}", re.ASCII)
_OK = 200
_GOOD_FOR_S_MAX = 86_400.0


class TokenAnswer(msgspec.Struct):
    """What is read of a token server's JSON; everything else is passed over."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - a word of the protocol
    expires_in: float | str | None = None


class _ErrorAnswer(msgspec.Struct):
    error: str = ""


def basic(name: str, secret: str) -> str:
    """The Authorization value of RFC 7617."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def token_request(grant: Grant, user_agent: str) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Headers and form of the request."""
    form = {"grant_type": "client_credentials", "scope": grant.scope, "audience": grant.audience}
    headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
    if grant.client_auth == "body":
        form |= {"client_id": grant.client_id, "client_secret": grant.client_secret}
    else:  # both are form-encoded first (RFC 6749 2.3.1)
        headers.append(("authorization", basic(quote_plus(grant.client_id), quote_plus(grant.client_secret))))
    body = urlencode({name: value for name, value in form.items() if value}).encode()
    headers += [("content-length", str(len(body))), ("accept-encoding", "identity"), ("user-agent", user_agent)]
    return tuple(headers), body


def read_token(reply: Reply, limits: Limits) -> Token | str:
    """The token, or one sentence on why there is none. Nothing that the server wrote is told but an error's code."""
    if reply.status is None:
        return f"The token server could not be asked ({reply.fault}). {reply.text}".strip()
    if reply.status != _OK:
        code = _error_of(reply.body)
        return f"The token server answered {reply.status}{f': {code}' if code else ''}."
    try:
        answer = msgspec.json.decode(reply.body, type=TokenAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "The token server's answer is no JSON with an access_token."
    if answer.token_type.lower() != "bearer":
        return "The token server gave a token of another type than bearer."
    if not _VISIBLE.fullmatch(answer.access_token):
        return "The token server gave a token with characters that no header can hold."
    return Token(text=answer.access_token, good_for_s=_good_for_s(answer.expires_in, limits))


def _good_for_s(told: float | str | None, limits: Limits) -> float:
    """How long it is used: until shortly before it expires; some servers write the number as a text."""
    try:
        lasts = limits.token_s_default if told is None else float(told)
    except ValueError:
        lasts = limits.token_s_default
    if not lasts > 0:  # NaN, too
        return 0.0
    return max(0.0, min(lasts, _GOOD_FOR_S_MAX) - min(limits.token_margin_s, lasts / 2))


def _error_of(body: bytes) -> str:
    try:
        error = msgspec.json.decode(body, type=_ErrorAnswer).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return error if _ERROR.fullmatch(error) else ""
