"""The words for every outcome: one row per line of the table."""

import pytest

from deskbell.model.exchange import OutcomeClass
from deskbell.rules.diagnosis import TABLE, diagnose

ROWS = [
    ("dns_nxdomain", None, "", "The name does not exist.", "spelling"),
    ("dns_no_address", None, "", "The name has no address.", "spelling"),
    ("dns_error", None, "", "The name could not be looked up.", "ask the Operator"),
    ("dns_timeout", None, "", "The name could not be looked up.", "ask the Operator"),
    ("blocked", None, "private", "Deskbell may not connect to this address (rule private). Nothing was sent.", "ALLOW"),
    ("connect_timeout", None, "", "Nobody answers at this address and port.", "firewall"),
    ("connection_refused", None, "", "Nobody answers at this address and port.", "firewall"),
    ("connection_reset", None, "", "The receiver hung up before it answered.", "proxy limit"),
    ("connection_closed", None, "", "The receiver hung up before it answered.", "proxy limit"),
    ("tls_expired", None, "", "Its certificate has expired.", "Renew it"),
    ("tls_wrong_host", None, "", "Its certificate is not for this name.", "Correct the URL"),
    ("tls_untrusted", None, "", "Its certificate was issued by an authority", "DESKBELL_CA_FILE"),
    ("tls_error", None, "", "No encrypted connection was possible.", "TLS 1.2"),
    ("timeout", None, "", "The receiver took the request but did not answer in time.", "webhook-id"),
    ("protocol_error", None, "", "What came back is not valid HTTP.", "HTTP server"),
    ("redirect", 308, "https://b.example/…", "The receiver moved to https://b.example/…. Redirects are", "new address"),
    ("http_400", 400, "", "It did not understand the payload.", "Payload Sample"),
    ("http_422", 422, "", "It did not understand the payload.", "Payload Sample"),
    ("http_401", 401, "", "It refused our credentials.", "sig="),
    ("http_403", 403, "", "It refused our credentials.", "sig="),
    ("http_404", 404, "", "This address does not take webhooks.", "accept POST"),
    ("http_405", 405, "", "This address does not take webhooks.", "accept POST"),
    ("http_410", 410, "", "It says the address is gone for good.", "Replace URL"),
    ("http_413", 413, "", "The payload is too large for it.", "Exhausted at once"),
    ("http_415", 415, "", "It does not take this content type.", "another payload format"),
    ("http_429", 429, "14:40", "It asked for a pause until 14:40. Not counted as failure.", "Set a rate"),
    ("http_500", 500, "", "The receiver or a gateway before it failed.", "Its own log"),
    ("http_599", 599, "", "The receiver or a gateway before it failed.", "Its own log"),
    ("http_418", 418, "", "It answered 418.", "Only 2xx"),
    ("http_200", 200, "the body broke off", "Delivered; the response broke off after its headers.", "Nothing to do."),
    ("http_200", 200, "", "Delivered.", "Nothing to do."),
    ("quarantined", None, "", "Deskbell itself failed to build this payload 3 times.", "after the repair"),
    ("internal", None, "", "Deskbell itself failed to build this payload.", "Nothing to do"),
    ("too_large", None, "3 bytes", "The payload is larger than this webhook allows: 3 bytes.", "payload limit"),
    ("unbuildable", None, "", "The request could not be built.", "correct the webhook"),
    ("template", None, "x is none", "The template gave nothing to send: x is none.", "today's settings"),
    ("template_limit", None, "/a: x", "The template does too much for this event: /a: x. Nothing", "today's settings"),
    ("no_recipient", None, "", "The recipients gave nothing to send.", "today's settings"),
    ("suppressed", None, "", "The recipients gave nothing to send.", "today's settings"),
    ("dry_run", None, "", "Written to a file, not sent.", "relay"),
    ("unknown", None, "", "The mail server took it or not", "mailbox"),
]


@pytest.mark.parametrize(("name", "status", "text", "words", "advice"), ROWS, ids=[f"{r[0]}-{r[2]}" for r in ROWS])
def test_row(name, status, text, words, advice):
    """The outcome says what happened and what to do."""
    found = diagnose(name, status, text)
    assert found.words.startswith(words)
    assert advice in found.advice


def test_503_with_a_wish_is_no_failure():
    """A 503 that asks for a pause reads as such, one without does not."""
    asked = diagnose("http_503", 503, "14:40", kind=OutcomeClass.THROTTLED)
    assert asked.words == "It asked for a pause until 14:40. Not counted as failure."
    assert diagnose("http_503", 503).words.startswith("The receiver or a gateway")


def test_accepted_says_that_the_effect_is_unknown():
    """An accepted delivery is not called delivered."""
    assert diagnose("http_202", 202, kind=OutcomeClass.ACCEPTED).words.startswith("Accepted")


def test_unknown_outcome_still_has_words():
    """A name that the table does not know gets a plain sentence, not an error."""
    assert diagnose("something_new", None).words == "The attempt failed (something_new)."


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_text_is_whole(name):
    """With and without detail, words are one finished sentence without marks of the table."""
    for text in ("", "detail"):
        words = diagnose(name, None, text).words
        assert words.endswith(".")
        assert not set("{}") & set(words)
