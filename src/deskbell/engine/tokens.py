"""Sending with a token: fetched once for all attempts that need it, kept while it is good, renewed once on 401."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from structlog.typing import FilteringBoundLogger

from deskbell.engine.request import USER_AGENT
from deskbell.engine.run import Run
from deskbell.model.credential import Grant, Token
from deskbell.model.exchange import Reply, Sendable, SendPolicy
from deskbell.model.ids import SiteId
from deskbell.ports import Clock, Sender
from deskbell.rules.limits import Limits
from deskbell.rules.tokens import read_token, token_request

Done = Callable[[Reply], None]
_UNAUTHORIZED = 401
_KEPT_MAX = 4_096
_LEAST_S = 0.05


@dataclass(frozen=True, kw_only=True)
class _Kept:
    token: Token = field(repr=False)
    until: float  # on the monotonic clock


@dataclass(slots=True, kw_only=True)
class _Sending:
    """One attempt on its way through here."""

    run: Run
    grant: Grant
    done: Done
    began: float
    may_renew: bool = True


class Tokens:
    """Stands before the Sender; attempts without a grant pass straight on."""

    def __init__(self, sender: Sender, clock: Clock, limits: Limits, log: FilteringBoundLogger) -> None:
        self._sender = sender
        self._clock = clock
        self._limits = limits
        self._log = log
        self._kept: dict[tuple[SiteId, Grant], _Kept] = {}
        self._waiting: dict[tuple[SiteId, Grant], list[_Sending]] = {}

    def send(self, run: Run, sendable: Sendable, done: Done) -> None:
        """As `Sender.submit`; the token's fetching counts towards the attempt's time limit."""
        grant = run.opened.grant
        if grant is None or not run.is_signed:
            self._sender.submit(sendable, run.opened.policy, done)
            return
        self._authorize(_Sending(run=run, grant=grant, done=done, began=self._clock.monotonic()))

    def _authorize(self, sending: _Sending) -> None:
        key = (sending.run.parcel.delivery.site, sending.grant)
        kept = self._kept.get(key)
        if kept is not None and kept.until > self._clock.monotonic():
            self._send(sending, kept.token)
            return
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(sending)
            return
        self._waiting[key] = [sending]
        headers, body = token_request(sending.grant, USER_AGENT)
        request = Sendable(site=key[0], url=sending.grant.token_url, headers=headers, body=body)
        try:
            self._sender.submit(request, self._policy(sending), lambda reply: self._answered(key, reply))
        except Exception:
            del self._waiting[key]  # nobody may wait for an answer that cannot come
            raise

    def _answered(self, key: tuple[SiteId, Grant], reply: Reply) -> None:
        """The token server's answer, for everybody who waits for it."""
        token = read_token(reply, self._limits)
        waiting = self._waiting.pop(key, [])
        if isinstance(token, str):
            self._log.warning(
                "token.refused", site=key[0], webhook=waiting[0].run.parcel.delivery.webhook_id, why=token
            )
        else:
            if len(self._kept) >= _KEPT_MAX:
                self._kept.clear()
            self._kept[key] = _Kept(token=token, until=self._clock.monotonic() + token.good_for_s)
        for sending in waiting:
            if isinstance(token, str):
                self._end(sending, _refusal(reply, token))
            else:
                sending.may_renew = False  # it is as fresh as can be
                self._send(sending, token)

    def _send(self, sending: _Sending, token: Token) -> None:
        run = sending.run
        if run.sendable is None:  # told apart before
            return
        run.opened = replace(run.opened, secrets=(*run.opened.secrets, token.text))
        headers = (*run.sendable.headers, ("authorization", f"Bearer {token.text}"))
        authorized = replace(run.sendable, headers=headers)
        self._sender.submit(authorized, self._policy(sending), lambda reply: self._replied(sending, token, reply))

    def _replied(self, sending: _Sending, token: Token, reply: Reply) -> None:
        key = (sending.run.parcel.delivery.site, sending.grant)
        if reply.status == _UNAUTHORIZED:
            kept = self._kept.get(key)
            if kept is not None and kept.token is token:
                del self._kept[key]
            if sending.may_renew:
                sending.may_renew = False
                self._authorize(sending)
                return
        self._end(sending, reply)

    def _end(self, sending: _Sending, reply: Reply) -> None:
        total_ms = (self._clock.monotonic() - sending.began) * 1000
        sending.done(replace(reply, timing=replace(reply.timing, total_ms=total_ms)))

    def _policy(self, sending: _Sending) -> SendPolicy:
        """What is left of the attempt's time."""
        policy = sending.run.opened.policy
        left = policy.total_s - (self._clock.monotonic() - sending.began)
        return replace(policy, total_s=max(_LEAST_S, left))


def _refusal(reply: Reply, text: str) -> Reply:
    """The token server's answer as the attempt's: nothing was sent to the receiver. A block stays one."""
    fault = "blocked" if reply.fault == "blocked" else "token_refused" if reply.status else "token_unreachable"
    return Reply(
        stage=reply.stage, fault=fault, rule=reply.rule, text=text, addresses=reply.addresses, timing=reply.timing
    )
