"""The product's source as trees and names, read once for the house tests."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "deskbell"
BANNED = (
    "endpoint", "subscription", "destination", "topic", "notification", "tenant", "job", "redrive", "resend",
    "broker", "notifier", "registry",
)  # fmt: skip
BANNED_MODULES = {"utils", "common", "helpers", "base", "manager"}
BANNED_WORD = re.compile(rf"(?:^|_)({'|'.join(BANNED)})(?:s|es)?(?:_|$)")


@cache
def files() -> tuple[Path, ...]:
    """Every Python file of the package."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(), str(path))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every function."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def defined_names(path: Path) -> Iterator[str]:
    """Every name that the file defines: classes, functions, arguments, variables."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words_of(name: str) -> str:
    """CamelCase and camelCase as snake_case, lower-case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def imports(path: Path) -> set[str]:
    """Modules that a file imports, by full name."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found
