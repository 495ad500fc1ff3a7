"""What an outcome means for a person, and what they can do about it: one table, one row per outcome."""

from dataclasses import dataclass
from types import MappingProxyType

from deskbell.model.exchange import OutcomeClass


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Two short texts: what happened, and what to do."""

    words: str
    advice: str


_PASSING = "Mostly a passing fault of name servers. If all webhooks show it, ask the Operator."
_SPELLING = "Check the spelling of the URL; the receiver may have moved."
_FIREWALL = "Is the receiver running, and does its firewall let us in?"
_CRASH = "Look for a crash or a proxy limit there; it may have taken the request."
_CREDENTIALS = "Was the URL copied whole (`sig=`)? Is a header value out of date?"
_PATH = "Check the path; it must accept POST. n8n: is the workflow active?"
_COMPARE = "Compare with Payload Sample; check format and required fields."
_PAUSE = "Set a rate for the webhook if this is frequent."
_EDIT = "Edit the webhook, then send again with today's settings."
_NOT_POSSIBLE = "Look at the detail below, correct the webhook, then send it again."
_GONE = "The webhook is disabled. Make a new URL, use Replace URL, enable it."
_TLS12 = "TLS 1.2 or newer is needed. Does it want a client certificate, or speak no TLS on this port?"
_LATER = "Answer 2xx at once and do the work afterwards. It may have done it: skip duplicates by `webhook-id`."
_CHAIN = "Send the full chain, or the Operator adds the authority with DESKBELL_CA_FILE."
_SIGN_IN = "Check token URL, client id, client secret and scope under *Sign-in at the receiver*."
_SMALLER = "Exhausted at once. Use a template with fewer fields or smaller batches."
_SETTING = "Use a public address, or ask the Operator to set DESKBELL_ALLOW; retried in case the name changes."

TABLE: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "dns_nxdomain": ("The name does not exist{: }.", _SPELLING),
        "dns_no_address": ("The name has no address{: }.", _SPELLING),
        "dns_error": ("The name could not be looked up{: }.", _PASSING),
        "dns_timeout": ("The name could not be looked up{: }.", _PASSING),
        "blocked": ("Deskbell may not connect to this address{ (rule )}. Nothing was sent.", _SETTING),
        "connect_timeout": ("Nobody answers at this address and port.", _FIREWALL),
        "connection_refused": ("Nobody answers at this address and port.", _FIREWALL),
        "connection_reset": ("The receiver hung up before it answered.", _CRASH),
        "connection_closed": ("The receiver hung up before it answered.", _CRASH),
        "tls_expired": ("Its certificate has expired{: }.", "Renew it at the receiver."),
        "tls_wrong_host": ("Its certificate is not for this name{: }.", "Correct the URL or the certificate."),
        "tls_untrusted": ("Its certificate was issued by an authority that Deskbell does not know.", _CHAIN),
        "tls_error": ("No encrypted connection was possible.", _TLS12),
        "token_refused": ("The token server gave no token{: }. Nothing was sent to the receiver.", _SIGN_IN),
        "token_unreachable": ("The token server could not be asked{: }. Nothing was sent to the receiver.", _SIGN_IN),
        "timeout": ("The receiver took the request but did not answer in time{: }.", _LATER),
        "protocol_error": ("What came back is not valid HTTP{: }.", "Is this port an HTTP server?"),
        "redirect": (
            "The receiver moved{ to }. Redirects are not followed.",
            "Put the new address into the webhook.",
        ),
        "http_400": ("It did not understand the payload.", _COMPARE),
        "http_422": ("It did not understand the payload.", _COMPARE),
        "http_401": ("It refused our credentials.", _CREDENTIALS),
        "http_403": ("It refused our credentials.", _CREDENTIALS),
        "http_404": ("This address does not take webhooks.", _PATH),
        "http_405": ("This address does not take webhooks.", _PATH),
        "http_410": ("It says the address is gone for good.", _GONE),
        "http_413": ("The payload is too large for it.", _SMALLER),
        "http_415": ("It does not take this content type.", "Choose another payload format."),
        "http_429": ("It asked for a pause{ until }. Not counted as failure.", _PAUSE),
        "quarantined": (
            "Deskbell itself failed to build this payload 3 times.",
            "The Operator was told; send it again after the repair.",
        ),
        "internal": (
            "Deskbell itself failed to build this payload{: }.",
            "Nothing to do: it is tried 3 times, then set aside, and the Operator is told.",
        ),
        "too_large": (
            "The payload is larger than this webhook allows{: }. Nothing was sent.",
            "Raise the webhook's payload limit, then send it again.",
        ),
        "unbuildable": ("The request could not be built{: }. Nothing was sent.", _NOT_POSSIBLE),
        "template": ("The template gave nothing to send{: }.", _EDIT),
        "template_limit": ("The template does too much for this event{: }. Nothing was sent.", _EDIT),
        "no_recipient": ("The recipients gave nothing to send{: }.", _EDIT),
        "suppressed": ("The recipients gave nothing to send{: }.", _EDIT),
        "dry_run": ("Written to a file, not sent.", "Set up a relay."),
        "unknown": (
            "The mail server took it or not: the connection broke after the last byte.",
            "Look in the mailbox before sending again.",
        ),
    }
)
"""Words and advice by outcome name. `{ … }` stands for its text and the detail, and is left out without detail."""

_SERVER_FAULT = ("The receiver or a gateway before it failed.", "Its own log knows why; Deskbell goes on by itself.")


def diagnose(name: str, status: int | None, text: str = "", *, kind: OutcomeClass | None = None) -> Diagnosis:
    """The words and the advice for an outcome. `text` is its detail: a rule, a target, a time, or a note."""
    words, advice = _row(name, status, kind, text)
    return Diagnosis(words=_fill(words, text), advice=advice)


def _row(name: str, status: int | None, kind: OutcomeClass | None, text: str) -> tuple[str, str]:
    if status is not None and 200 <= status < 300:
        return _success(kind, text)
    if name == "http_503" and kind is OutcomeClass.THROTTLED:
        return TABLE["http_429"]
    found = TABLE.get(name)
    if found is not None:
        return found
    if status is not None and 500 <= status < 600:
        return _SERVER_FAULT
    if status is not None:
        return f"It answered {status}.", "Only 2xx counts as success."
    return f"The attempt failed ({name}).", "Deskbell goes on by itself; if it lasts, ask the Operator."


def _success(kind: OutcomeClass | None, text: str) -> tuple[str, str]:
    if text:
        return "Delivered; the response broke off after its headers.", "Nothing to do."
    if kind is OutcomeClass.ACCEPTED:
        return "Accepted; whether it had an effect cannot be known.", "Look at the receiver's own history."
    return "Delivered.", "Nothing to do."


def _fill(words: str, text: str) -> str:
    start, end = words.find("{"), words.find("}")
    if start < 0:
        return words
    before, middle, after = words[:start], words[start + 1 : end], words[end + 1 :]
    if not text:
        return before + after
    closing = ")" if middle.endswith(")") else ""
    return before + middle.removesuffix(")") + text.rstrip(".") + closing + after
