"""Proves at full length what the suite proves in small: python tests/proof/main.py, or scripts/prove."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "src")]

from proof import page  # noqa: E402  the paths come first
from proof.parts import Part, parts  # noqa: E402
from proof.rows import ROOT  # noqa: E402
from proof.running_parts import run_part  # noqa: E402

REPORT = ROOT / ".proof" / "report.json"
HELP = """Runs everything that is tried against Deskbell at full size, one part after the other, and writes
docs/proof.md from what came of it. It goes on when a part fails, says how to see it fail again, and ends with 1."""


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """What a person wants."""
    reader = argparse.ArgumentParser(prog="scripts/prove", description=HELP)
    reader.add_argument("--quick", action="store_true", help="small sizes: some minutes instead of hours")
    reader.add_argument("--only", action="append", metavar="NAME", help="only this part (again for more); see --list")
    reader.add_argument(
        "--soak", type=float, metavar="MINUTES", help="how long the soak is (30; with --quick 2; 0: none)"
    )
    reader.add_argument(
        "--seeds", type=int, metavar="N", help="how many worlds are simulated (10,000; with --quick 200)"
    )
    reader.add_argument("--json", type=Path, default=REPORT, metavar="FILE", help="the report (.proof/report.json)")
    reader.add_argument(
        "--also", type=Path, action="append", metavar="FILE", help="take in a report made beside this one"
    )
    reader.add_argument("--resume", action="store_true", help="skip what has passed at this commit according to FILE")
    reader.add_argument("--page", type=Path, default=page.PAGE, metavar="FILE", help="the page (docs/proof.md)")
    reader.add_argument("--no-page", action="store_true", help="write the report only")
    reader.add_argument("--list", action="store_true", help="name the parts and their commands, and end")
    return reader.parse_args(arguments)


def chosen(options: argparse.Namespace) -> list[Part]:
    """The parts to run. Raises SystemExit naming what is unknown."""
    all_parts = [
        part
        for part in parts(quick=options.quick, minutes=options.soak, seeds=options.seeds)
        if options.soak != 0 or part.name != "soak"
    ]
    names = {part.name for part in all_parts}
    unknown = [one for one in options.only or () if one not in names]
    if unknown:
        raise SystemExit(f"there is no part {', '.join(unknown)}; the parts are {', '.join(sorted(names))}")
    return [part for part in all_parts if not options.only or part.name in options.only]


def git(*arguments: str) -> str:
    """What git says of this checkout; empty when it says nothing."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def fresh() -> dict[str, Any]:
    """A report without parts: where and of what."""
    memory = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0]) / 1024**2
    files = subprocess.run(["stat", "-f", "-c", "%T", "/tmp"], capture_output=True, text=True).stdout.strip()
    return {
        "commit": git("rev-parse", "--short=12", "HEAD"),
        "changed": bool(git("status", "--porcelain", "--", "src", "tests")),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": {
            "cores": os.cpu_count(),
            "memory_gb": round(memory),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "python": platform.python_version(),
            "files": files,
        },
        "parts": [],
    }


def known(file: Path) -> list[dict[str, Any]]:
    """Parts that an earlier run has in the file, each with the commit that it was run at."""
    if not file.exists():
        return []
    before = json.loads(file.read_text())
    return [{"commit": before["commit"], **one} for one in before["parts"]]


def say(line: str) -> None:
    """To the terminal, at once."""
    print(line, flush=True)  # noqa: T201  a program that prints


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def prove(options: argparse.Namespace) -> int:
    """Run, keep, tell. 1: something failed."""
    wanted = chosen(options)
    if options.list:
        for part in wanted:
            say(f"{part.name:12} {part.title:34} {part.missing or part.command}")
        return 0
    report = fresh()
    files = (options.json, *(options.also or ()))
    results = {one["name"]: one for file in files for one in known(file)}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    done = {
        name
        for name, one in results.items()
        if options.resume and (one["state"], one["commit"]) == ("passed", report["commit"])
    }
    todo = [part for part in wanted if part.name not in done]
    for n, part in enumerate(todo):
        left = sum(one.about_s for one in todo[n:] if not one.missing)
        say(f"[{n + 1}/{len(todo)}] {part.name}: {part.title} (about {clock(left)} left in all)")
        result = {**run_part(part, lambda line: say(f"      {line}")), "commit": report["commit"]}
        results[part.name] = result
        tell(result)
        keep(report, results, options.json)
    keep(report, results, options.json)
    say("\n" + summary(report))
    if not options.no_page:
        page.write(report, options.page, options.page.parent / "images" / page.PICTURE.name)
        say(f"written: {options.page}")
    return int(any(results[part.name]["state"] == "failed" for part in wanted))


def keep(report: dict[str, Any], results: dict[str, dict[str, Any]], file: Path) -> None:
    """Write the report; its parts stand in their usual order."""
    order = [one.name for one in parts(quick=False, minutes=None, seeds=None)]
    report["parts"] = sorted(results.values(), key=lambda one: order.index(one["name"]))
    file.write_text(json.dumps(report, indent=1))


def tell(result: dict[str, Any]) -> None:
    """One part: state, figures, and how to see it fail again."""
    figures = ", ".join(f"{page.number(value)} {name}" for name, value in list(result["figures"].items())[:8])
    say(f"      {result['state']} in {clock(result['seconds'])}  {figures}")
    for note in result["notes"][:5]:
        say(f"      {note}")
    if result["state"] != "failed":
        return
    for line in result.get("output", [])[-15:]:
        say(f"      | {line}")
    say(f"      again: {result['command']}")
    for one in result.get("failed", [])[:10]:
        again = "-m pytest" if "::" in one else ""
        say(f"      again: .venv/bin/python {again} {one}".replace("  ", " "))


def summary(report: dict[str, Any]) -> str:
    """The table at the end."""
    lines = [f"{'part':12} {'result':8} {'time':>7} {'acknowledged':>13} {'lost':>5} {'duplicates':>11} {'kills':>6}"]
    for one in report["parts"]:
        figures = [page.number(one["figures"].get(name, "")) for name in page.SUMS]
        lines.append(
            f"{one['name']:12} {one['state']:8} {clock(one['seconds']):>7} {figures[0]:>13} {figures[1]:>5} "
            f"{figures[2]:>11} {figures[3]:>6}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(prove(read_options(sys.argv[1:])))
