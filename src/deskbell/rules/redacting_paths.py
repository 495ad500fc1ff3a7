"""A site's own redaction: members of JSON that are masked wherever they stand, such as `customer.phone`."""

import json
import re
from collections.abc import Sequence
from typing import Any

from deskbell.rules.secret_patterns import MASK

Paths = tuple[str, ...]
"""Member names with dots between them; `*` stands for any one member. Lists are passed through."""
_PATH = re.compile(r"[^\s.]{1,64}(\.[^\s.]{1,64}){0,9}")


def is_path(text: str) -> bool:
    """Whether a text is 1 to 10 member names with dots between them, and not only stars."""
    return _PATH.fullmatch(text) is not None and not text.endswith("*")


def mask_paths(body: bytes, paths: Paths) -> bytes:
    """The JSON with each member masked that a path ends at, at any depth; what is no JSON comes back as it is."""
    if not paths:
        return body
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    found = _Found([path.split(".") for path in paths])
    masked = found.walked(value, [])
    return json.dumps(masked, ensure_ascii=False).encode("utf-8", "surrogatepass") if found.any else body


class _Found:
    """One walk through a document."""

    def __init__(self, paths: Sequence[Sequence[str]]) -> None:
        self.paths = paths
        self.any = False

    def walked(self, value: Any, trail: list[str]) -> Any:
        if isinstance(value, list):
            return [self.walked(one, trail) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: self._member(one, [*trail, name]) for name, one in value.items()}

    def _member(self, value: Any, trail: list[str]) -> Any:
        if any(_ends(trail, path) for path in self.paths):
            self.any = True
            return MASK
        return self.walked(value, trail)


def _ends(trail: Sequence[str], path: Sequence[str]) -> bool:
    tail = trail[-len(path) :]
    return len(tail) == len(path) and all(want in ("*", name) for want, name in zip(path, tail, strict=True))
