"""The page docs/proof.md, made from a report and from nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proof.picture import memory_svg
from proof.rows import ROOT, ROWS

PAGE = ROOT / "docs" / "proof.md"
PICTURE = ROOT / "docs" / "images" / "soak.svg"
SUMS = ("acknowledged", "lost", "duplicates", "kills")
PLAIN = frozenset({*SUMS, "row", "name", "seconds"})
HEAD = """# Proof

What was tried against Deskbell, and what came of it. This page is written by `scripts/prove`; nobody edits it.
`scripts/prove --help` says how to run all of it, or a part.
"""


def write(report: Mapping[str, Any], page: Path = PAGE, picture: Path = PICTURE) -> None:
    """The page, and the picture when there was a soak."""
    soak = _named(report, "soak")
    if soak is not None and soak.get("samples"):
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_text(memory_svg(soak["samples"]))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text(report, picture.name))


def text(report: Mapping[str, Any], picture: str = PICTURE.name) -> str:
    """The whole page."""
    pieces = [
        HEAD,
        _where(report),
        _sums(report),
        _faults(report),
        _rest(report),
        _soak(report, picture),
        _again(report),
    ]
    return "\n".join(piece for piece in pieces if piece)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def number(value: Any) -> str:
    """For people."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if isinstance(value, float) else str(value)


def _parts(report: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = report["parts"]
    return found


def _named(report: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next((one for one in _parts(report) if one["name"] == name), None)


def _where(report: Mapping[str, Any]) -> str:
    machine = report["machine"]
    rows = [
        ("commit", f"`{report['commit']}`" + (" with changes" if report["changed"] else "")),
        ("date", report["date"]),
        ("machine", f"{machine['cores']} cores, {machine['memory_gb']} GB"),
        ("system", machine["system"]),
        ("Python", machine["python"]),
        ("file system", machine["files"]),
        ("size", _size(report)),
    ]
    return table(("", ""), rows)


def _size(report: Mapping[str, Any]) -> str:
    """Whether this was the long form."""
    small = [one["name"] for one in _parts(report) if one.get("quick")]
    return f"smaller than full: {', '.join(f'`{one}`' for one in small)}" if small else "full"


def _sums(report: Mapping[str, Any]) -> str:
    states = [one["state"] for one in _parts(report)]
    sums = {name: sum(one["figures"].get(name, 0) for one in _parts(report)) for name in SUMS}
    simulated, mutants = _named(report, "simulation"), _named(report, "mutants")
    rows: list[tuple[str, str]] = [
        (
            "parts",
            f"{states.count('passed')} passed, {states.count('failed')} failed, {states.count('not run')} not run",
        ),
        *((f"{name}", number(value)) for name, value in sums.items()),
    ]
    if simulated is not None and simulated["figures"].get("seeds"):
        figures = simulated["figures"]
        rows.append(("simulated worlds", f"{number(figures['seeds'])}, {number(figures['seeds_per_s'])} a second"))
    if mutants is not None and mutants.get("tests"):
        told = mutants["tests"]
        rows.append(("mutants found", f"{told['passed']} of {told['passed'] + told['failed']} tests"))
    return "## In short\n\n" + table(("", ""), rows)


def _faults(report: Mapping[str, Any]) -> str:
    rows = []
    for row in ROWS:
        part = _named(report, f"row-{row.number}")
        rows.append(
            (
                row.number,
                f"**{row.fault}**: {row.injected}",
                row.invariant,
                *(_found(part) if part else ("not run", "")),
            )
        )
    head = ("#", "fault and how it is injected", "what must hold", "result", "figures")
    return "## Faults\n\n" + table(head, rows)


def _found(part: Mapping[str, Any]) -> tuple[str, str]:
    """State and figures of a part, with the size of its run."""
    tests = part.get("tests")
    state = f"**{part['state']}**" if part["state"] == "failed" else part["state"]
    counted = f"{state}, {tests['passed']} tests" if tests and tests["passed"] else state
    if tests and tests["skipped"] and part["state"] != "not run":
        counted += f", {tests['skipped']} not run"
    words = [f"{number(value)} {name.replace('_', ' ')}" for name, value in part["figures"].items()]
    for one in part["told"]:
        more = [f"{name.replace('_', ' ')} {number(value)}" for name, value in one.items() if name not in PLAIN]
        if more:
            words.append(f"{one['name']}: {', '.join(more)}")
    notes = part["notes"] if part["state"] != "passed" else []
    return counted, "; ".join([*words, *notes, f"{part['seconds']:,.0f} s"] if part["seconds"] else [*words, *notes])


def _rest(report: Mapping[str, Any]) -> str:
    others = [one for one in _parts(report) if not one["name"].startswith("row-") and one["name"] != "soak"]
    rows = [(one["title"], one["invariant"], *_found(one)) for one in others]
    return "## Models\n\n" + table(("what", "what must hold", "result", "figures"), rows) if rows else ""


def _soak(report: Mapping[str, Any], picture: str) -> str:
    part = _named(report, "soak")
    if part is None:
        return ""
    head = f"## Soak\n\n{part['title']}: {part['invariant']}. Result: {part['state']}.\n"
    if not part.get("samples"):
        return head
    rows = [(name.replace("_", " "), number(value)) for name, value in part["figures"].items()]
    return "\n".join([head, f"![Memory of the process over the soak](images/{picture})\n", table(("", ""), rows)])


def _again(report: Mapping[str, Any]) -> str:
    rows = [
        (f"`{one['name']}`", f"`{one.get('commit', report['commit'])}`", f"`{one['command']}`")
        for one in _parts(report)
        if one["state"] != "not run"
    ]
    told = (
        "Each part runs alone with `scripts/prove --only NAME`, or, after `scripts/environment dev`, by its command.\n"
    )
    return "\n".join(["## Run it again\n", told, table(("part", "at commit", "command"), rows)])
