"""What is masked before it is stored or logged: secrets in responses, header values, log lines."""

import re
from collections.abc import Collection, Sequence

MASK = "••••"
_NAMES = (
    "password|passwd|pwd|secret|client_secret|token|access_token|refresh_token|id_token|authorization|api[_-]?key|"
    "apikey|private[_-]?key|card|card[_-]?number|cvv|cvc|iban|ssn"
)
_MEMBER = re.compile(rf'("(?:{_NAMES})"\s*:\s*)("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)', re.IGNORECASE)
_PAIR = re.compile(rf"\b({_NAMES})(=)([^&\s\"'<>]+)", re.IGNORECASE)
_PATTERNS = re.compile(
    r"\b(?:whsec_|whsk_)[A-Za-z0-9+/=_-]{8,}|\bdbk_[A-Za-z0-9]{8}_[A-Za-z0-9]{8,}"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}|(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}"
)
_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token"}
)


def redact(body: bytes, secrets: Sequence[str] = ()) -> bytes:
    """A response as it may be stored: known secrets, secret members, secret patterns and card numbers masked."""
    text = body.decode("utf-8", "surrogateescape")
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, MASK)
    text = _MEMBER.sub(rf'\g<1>"{MASK}"', text)
    text = _PAIR.sub(rf"\g<1>\g<2>{MASK}", text)
    return scrub(text).encode("utf-8", "surrogateescape")


def scrub(text: str) -> str:
    """Known secret patterns and card numbers masked, as in log lines."""
    text = _PATTERNS.sub(MASK, text)
    return _DIGITS.sub(lambda found: MASK if passes_luhn(found[0]) else found[0], text)


def passes_luhn(digits: str) -> bool:
    """Whether digits, spaces and hyphens aside, are a card number by its check digit."""
    numbers = [int(digit) for digit in digits if digit.isdigit()]
    doubled = [number * 2 - 9 * (number > 4) for number in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(numbers)) > 1


def mask_headers(headers: Sequence[tuple[str, str]], secret_names: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """Headers as they may be stored: credentials and the webhook's own values masked."""
    hidden = _CREDENTIAL_HEADERS | {name.lower() for name in secret_names}
    return tuple((name, MASK if name.lower() in hidden else scrub(value)) for name, value in headers)
