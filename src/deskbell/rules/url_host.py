"""The host of a receiver URL: literal or name, international names included."""

import ipaddress
import re
import unicodedata

import idna

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
LOOSE_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
QUAD = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}", re.ASCII)
_SIX = re.compile(r"[0-9A-Fa-f:]{2,39}", re.ASCII)
PRIVATE_NAMES = (
    "localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private", "onion", "i2p",
    "home.arpa",
)  # fmt: skip
_OTHER_STOPS = "\u3002\uff0e\uff61"
_TOGETHER = (
    frozenset({"HAN", "HIRAGANA", "KATAKANA", "KANA"}), frozenset({"HAN", "HANGUL"}), frozenset({"HAN", "BOPOMOFO"}),
)  # fmt: skip
_BY_FIRST_WORD = {
    "CJK": "HAN", "IDEOGRAPHIC": "HAN", "VERTICAL": "HAN", "HENTAIGANA": "HIRAGANA", "KATAKANA-HIRAGANA": "KANA",
    "ARABIC-INDIC": "ARABIC", "EXTENDED": "ARABIC",
}  # fmt: skip
_BY_TWO_WORDS = frozenset({"OLD", "TAI", "LINEAR", "INSCRIPTIONAL", "MEROITIC"})
_COMBINING = {
    "CYRILLIC": "CYRILLIC", "GLAGOLITIC": "GLAGOLITIC", "DEVANAGARI": "DEVANAGARI", "GRANTHA": "GRANTHA",
    "OLD": "OLD PERMIC", "KATAKANA-HIRAGANA": "KANA",
}  # fmt: skip
_WITH_ANY = "-0123456789\u00b7\u200c\u200d"


class HostRefused(Exception):
    """The host breaks a rule."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def literal_of(host: str) -> str | None:
    """The canonical address when the host is a literal; None for a name. Raises HostRefused."""
    if host.startswith("["):
        inner = host[1:-1]
        if not host.endswith("]") or not _SIX.fullmatch(inner):
            raise HostRefused("url_form", "An IPv6 address stands in brackets, as groups of hexadecimal digits.")
        try:
            address = ipaddress.IPv6Address(inner)
        except ValueError:
            raise HostRefused("url_form", f"{inner} is not an IPv6 address.") from None
        if address.ipv4_mapped is not None:
            raise HostRefused("url_literal", "Write the IPv4 address itself.")
        return f"[{address.compressed}]"
    return host if QUAD.fullmatch(host) else None


def canonical_name(host: str) -> str:
    """A name in lower case with A-labels, one dot at the end removed. Raises HostRefused."""
    if not host.isascii():
        if any(stop in host for stop in _OTHER_STOPS):
            raise HostRefused("url_idn", "Use the ordinary full stop in host names.")
        if unicodedata.normalize("NFKC", host) != host:
            raise HostRefused("url_idn", "The host name holds letters that look like others; type it plainly.")
    name = host.lower().removesuffix(".")
    return ".".join(_a_label(label) if needs_idna(label) else label for label in name.split("."))


def needs_idna(label: str) -> bool:
    """Whether a label is international, in either form."""
    return not label.isascii() or label.startswith("xn--")


def unicode_name(name: str) -> str:
    """The Unicode form of a canonical name, for people."""
    return ".".join(idna.decode(label) if label.startswith("xn--") else label for label in name.split("."))


def _a_label(label: str) -> str:
    try:
        text = idna.decode(label) if label.startswith("xn--") else label
        encoded = idna.encode(text, uts46=False, transitional=False).decode()
        back = idna.decode(encoded)
    except (idna.IDNAError, UnicodeError, ValueError):
        raise HostRefused("url_idn", f"{label!r} is not a valid international host name.") from None
    if back != text or (label.startswith("xn--") and encoded != label) or unicodedata.normalize("NFKC", text) != text:
        raise HostRefused("url_idn", f"{label!r} is not a valid international host name.")
    if not is_one_script(text):
        raise HostRefused("url_idn", f"{text!r} mixes scripts; such names are used to deceive.")
    return encoded


def is_one_script(label: str) -> bool:
    """One script, where Han may stand with the scripts it is written with."""
    scripts = {script_of(letter) for letter in label} - {None}
    return len(scripts) <= 1 or any(scripts <= allowed for allowed in _TOGETHER)


def script_of(letter: str) -> str | None:
    """The script by the character's name, digits and vowel signs included; None for what goes with any script."""
    if letter in _WITH_ANY:
        return None
    first, *rest = unicodedata.name(letter, "UNKNOWN").split(" ")
    second = rest[0] if rest else ""
    if first == "COMBINING":
        return _COMBINING.get(second)
    if first in _BY_TWO_WORDS:
        return f"{first} {second}"
    return _BY_FIRST_WORD.get(first, first)


def check_name(name: str, *, listed: bool) -> None:
    """Labels, length, suffixes; `listed`: a host:port entry names exactly this host. Raises HostRefused."""
    labels = name.split(".")
    form = LOOSE_LABEL if listed else LABEL
    if len(name) > 253 or not all(form.fullmatch(label) for label in labels):
        raise HostRefused("url_name", f"{name!r} is not a host name.")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        raise HostRefused(
            "url_name", "A host name does not end in a number; addresses need an entry in DESKBELL_ALLOW."
        )
    if listed:
        return
    if len(labels) < 2 or any(name == private or name.endswith("." + private) for private in PRIVATE_NAMES):
        raise HostRefused(
            "url_name", f"{name!r} is inside a private network. The Operator can allow it: DESKBELL_ALLOW."
        )
