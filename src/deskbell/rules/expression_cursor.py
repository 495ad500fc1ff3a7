"""A place in a list of tokens: looking at the next one, and going past it."""

from deskbell.rules.expression_nodes import ExpressionFault
from deskbell.rules.expression_tokens import Token


class Cursor:
    """Goes from left to right; the last token is an `end` that is never passed."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.depth = 0  # of brackets and the like

    @property
    def token(self) -> Token:
        """The token in view."""
        return self._tokens[self._at]

    def sees(self, kind: str, *texts: str) -> bool:
        """Whether the token in view is of this kind, and one of these texts if there are some."""
        return self.token.kind == kind and (not texts or self.token.text in texts)

    def took(self, kind: str, *texts: str) -> Token | None:
        """The token in view, gone past; None when it is another."""
        found = self.token if self.sees(kind, *texts) else None
        if found is not None:
            self._at += 1
        return found

    def take(self, kind: str, text: str) -> Token:
        """The same, but it must be there."""
        found = self.took(kind, text)
        if found is None:
            raise self.unexpected(f"{text} is missing here")
        return found

    def must_end(self) -> None:
        """Raises ExpressionFault unless everything was read."""
        if not self.sees("end"):
            raise self.unexpected("this does not belong here")

    def unexpected(self, what: str) -> ExpressionFault:
        """The fault at the token in view."""
        if self.sees("op", "="):
            text = "A single = compares nothing; write ==."
            return ExpressionFault(text, code="expression_form", place=self.token.start)
        shown = f" before {self.token.text[:40]}" if self.token.text else " at the end"
        return ExpressionFault(f"{what[0].upper()}{what[1:]}{shown}.", code="expression_form", place=self.token.start)

    def name(self) -> str:
        """A name, of any spelling."""
        found = self.took("name")
        if found is None:
            raise self.unexpected("a name is missing")
        return found.text

    def next(self) -> Token:
        """The token in view, gone past."""
        found = self.token
        if found.kind != "end":
            self._at += 1
        return found

    def before(self) -> Token:
        """The token that was gone past last."""
        return self._tokens[self._at - 1]

    def following(self) -> Token:
        """The token after the one in view."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]
