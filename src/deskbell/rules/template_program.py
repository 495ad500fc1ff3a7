"""The part of a template that needs the interpreter, as one program: one run, one count of fuel.

What it puts out is read back in the same order by `templates`, which builds the tree.
"""

from deskbell.rules.expression_source import source_of, text_literal
from deskbell.rules.template_nodes import Each, Items, Members, Text, Tree, Value, is_plain, plain_path
from deskbell.rules.template_text import For, If, Piece, Put, Words

Place = tuple[str, str]
"""Where in the tree, and which expression."""


class Writer:
    """Writes the source, and notes the place of each expression."""

    def __init__(self) -> None:
        self.places: list[Place] = [("", "")]
        self._pointer = ""

    def tree(self, tree: Tree) -> str:
        """The source of a node; empty when it is plain."""
        if is_plain(tree):
            return ""
        match tree:
            case Text():
                return self._text(tree)
            case Value():
                own = "" if plain_path(tree.put.node) else self._value(tree.put, tree.pointer)
                return own + (self.tree(tree.otherwise) if tree.otherwise else "")
            case Each():
                mark, over = self._at(tree.over, tree.pointer), source_of(tree.over.node)
                return f"{mark}{{% for {tree.name} in ({over}|_rows) %}}{self.tree(tree.do)}{{% endfor %}}"
            case Members():
                return "".join(self.tree(one) for _, one in tree.members)
            case Items():
                return "".join(map(self.tree, tree.items))
        return ""

    def _text(self, tree: Text) -> str:
        self._pointer = tree.pointer
        if has_statements(tree.pieces):
            return self._pieces(tree.pieces) + "{{ _end }}"
        needed = [one for one in tree.pieces if isinstance(one, Put) and not plain_path(one.node)]
        return "".join(self._value(one, tree.pointer) for one in needed)

    def _value(self, put: Put, pointer: str) -> str:
        return f"{self._at(put, pointer)}{{{{ {source_of(put.node)} }}}}"

    def _at(self, put: Put, pointer: str) -> str:
        return f"{{% if {self._mark(put, pointer)} %}}{{% endif %}}"

    def _mark(self, put: Put, pointer: str) -> str:
        self.places.append((pointer, put.source))
        return f"{len(self.places) - 1}|_at"

    def _pieces(self, pieces: tuple[Piece, ...]) -> str:
        return "".join(map(self._piece, pieces))

    def _piece(self, piece: Piece) -> str:
        match piece:
            case Words():
                return f"{{{{ {text_literal(piece.text)} }}}}"
            case Put():
                return self._value(piece, self._pointer)
            case If():
                return self._if(piece)
            case For():
                names, over = ", ".join(piece.names), source_of(piece.over.node)
                over += f" if {source_of(piece.cond)}" if piece.cond else ""
                otherwise = f"{{% else %}}{self._pieces(piece.otherwise)}" if piece.otherwise else ""
                start = f"{self._at(piece.over, self._pointer)}{{% for {names} in {over} %}}"
                return f"{start}{self._pieces(piece.body)}{otherwise}{{% endfor %}}"

    def _if(self, piece: If) -> str:
        parts = []
        for place, (cond, body) in enumerate(piece.branches):
            if cond is None:
                parts.append("{% else %}")
            else:
                mark = self._mark(cond, self._pointer)
                parts.append(f"{{% {'elif' if place else 'if'} {mark} or {source_of(cond.node)} %}}")
            parts.append(self._pieces(body))
        return "".join(parts) + "{% endif %}"


def has_statements(pieces: tuple[Piece, ...]) -> bool:
    """Whether a text has an `if` or a `for`."""
    return any(isinstance(one, If | For) for one in pieces)
