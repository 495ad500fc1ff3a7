"""Words that are looked for: the same meaning of "occurs, in any case" everywhere."""

from collections.abc import Iterable

_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def holds_word(texts: Iterable[str | None], word: str) -> bool:
    """Whether one of the texts has the word, in any case (for words of ASCII letters: of those alone, as LIKE does)."""
    if word.isascii():
        lower = word.translate(_ASCII_LOWER)
        return any(text is not None and lower in text.translate(_ASCII_LOWER) for text in texts)
    folded = word.casefold()
    return any(text is not None and folded in text.casefold() for text in texts)
