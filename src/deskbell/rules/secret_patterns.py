"""What a secret looks like: its name, its pattern, a card number's check digit."""

import re

MASK = "••••"
_ENDINGS = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "credential", "apikey",
    "accesskey", "privatekey", "secretkey", "signingkey", "cardnumber", "creditcard", "cvv", "cvc", "cvv2", "iban",
)  # fmt: skip
_WHOLE = frozenset({"card", "pass", "pin", "ssn", "cookie", "setcookie", "proxyauthenticate", "passcode"})
_SEPARATORS = str.maketrans("", "", "_-.: ")
_PREFIXED = re.compile(r"(?<![A-Za-z0-9])(?:whsec_|whsk_|dbk_)(?:[A-Za-z0-9+/=_-]|\\/|%2[BbFf]|%3[Dd]){4,}")
_SCHEME = re.compile(
    r"(?<![A-Za-z0-9])(bearer|basic|ddapi)((?:\s|%20|\+)+)"
    r"(?!(?:tokens?|auth[a-z]*|schemes?|realm|error|required|missing|invalid|header|format|access|credentials)\b)"
    r"[A-Za-z0-9._~+/=%-]{4,}",
    re.IGNORECASE,
)
_CARD = re.compile(r"[2-6](?<![0-9].)(?<![0-9]\..)(?:[ -]?[0-9]){12,18}(?![0-9])")
"""A first digit that no digit, and no decimal point after one, stands before: looked at last, as that is faster."""
_CARD_CHARS_MIN = 13
_CARD_CHARS = bytes(48 if byte in b"0123456789 -" else 46 for byte in range(256))
_CARD_DIGITS_SHORT = {13: "4", 14: "3", 15: "23"}
"""Cards with fewer than 16 digits begin so; everything else of that length is a time or an id."""


def is_secret_name(name: str) -> bool:
    """Whether a member, field, element or header of this name holds a secret, in any usual spelling."""
    plain = name.lower().translate(_SEPARATORS)
    plain = plain.removesuffix("s") if plain.endswith(("tokens", "keys", "words", "secrets", "tials")) else plain
    return plain in _WHOLE or plain.endswith(_ENDINGS)


def scrub(text: str) -> str:
    """Known secret patterns and card numbers masked, as in log lines."""
    if "whsec_" in text or "whsk_" in text or "dbk_" in text:
        text = _PREFIXED.sub(MASK, text)
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered or "ddapi" in lowered:
        text = _SCHEME.sub(rf"\1\2{MASK}", text)
    if len(text) >= _CARD_CHARS_MIN and _may_hold_card(text):
        text = _CARD.sub(lambda found: MASK if _is_card(found[0]) else found[0], text)
    return text


def passes_luhn(digits: str) -> bool:
    """Whether digits, spaces and hyphens aside, end with the check digit of a card number."""
    numbers = [int(digit) for digit in digits if digit.isdigit()]
    doubled = [number * 2 - 9 * (number > 4) for number in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(numbers)) > 1


def _may_hold_card(text: str) -> bool:
    """Whether digits, spaces and hyphens stand in a row that is long enough: a look at C speed."""
    return b"0" * _CARD_CHARS_MIN in text.encode("utf-8", "surrogatepass").translate(_CARD_CHARS)


def _is_card(text: str) -> bool:
    digits = sum(letter.isdigit() for letter in text)
    return text[0] in _CARD_DIGITS_SHORT.get(digits, "23456") and passes_luhn(text)
