"""The faults that are tried, one row each: how they are injected, and what must hold. The rows of tests/faults."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOLD = re.compile(r"(?:Fault r|R)ows? ([\d, and]+)")
"""How a test module begins its docstring when it belongs to rows …"""
REPORTED = re.compile(r"\breported\((\d+),")
"""… or its tests tell figures for one."""
APART = ("test_report.py", "test_page.py")  # they test the telling


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault."""

    number: int
    fault: str
    injected: str
    invariant: str


ROWS = tuple(
    Row(number=number, fault=fault, injected=injected, invariant=invariant)
    for number, fault, injected, invariant in (
        (1, "kill -9", "at random moments and at named points, under load",
         "nothing answered is lost; one end per delivery; duplicates at most what was in flight at each kill"),
        (2, "power loss", "a disk that keeps or loses unsynced sectors at random",
         "everything answered is there; the database is sound"),
        (3, "failed write or fsync", "the n-th operation of the disk fails",
         "the caller gets 503, the process ends, the next start is clean"),
        (4, "disk full", "the n-th write finds no room; room returns", "503, nothing damaged, goes on by itself"),
        (5, "damaged file", "bytes flipped, database or log cut short",
         "refused with a reason or set aside; altered bytes are never sent"),
        (6, "database restart", "PostgreSQL stopped at once under load; connections reset during COMMIT",
         "what became of each commit is found out: no loss, one event"),
        (7, "slow database, lock held", "late answers, a slow disk; somebody else holds the lock",
         "503 at the bounded queue, the sender lives, no burst of duplicates"),
        (8, "clock jumps", "the wall clock set by hours, days and decades, both ways",
         "no retry early, none hours late; signatures by the wall clock"),
        (9, "pause", "the process stopped by a signal for longer than its lease",
         "its late settles are refused; one end; a duplicate has the same id"),
        (10, "network", "a proxy that delays, cuts, resets, throttles, slices, half-opens",
         "other receivers are unaffected; outcomes are named right; sockets are bounded"),
        (11, "name service", "no name, failure, silence, changing answers, hundreds of them, a loop",
         "bounded time per attempt; the loop runs on; an outage disables no webhook"),
        (12, "hanging receiver", "one hangs with a long queue, fifty are healthy",
         "the healthy notice nothing; the hanging one holds its few slots"),
        (13, "noisy site", "one site publishes very much at once", "others are served; shares within a fifth of fair"),
        (14, "recovery herd", "many receivers down for two hours, all back at once",
         "1, 2, 4 … in flight; at most a twentieth of a backlog in any second"),
        (15, "backlog", "a million waiting rows", "what is due is found as fast as with few"),
        (16, "hostile responses", "every bad answer of the cases, many at once",
         "each has its outcome; memory and sockets come back"),
        (17, "TLS", "expired, wrong host, self-signed, old, plain text, silent", "a named outcome; never plain text"),
        (18, "poison row", "a renderer that raises, a row that cannot be read",
         "set aside after three tries; all others flow; the operator is told"),
        (19, "no descriptors, no memory", "64 descriptors; thousands of publishes at once",
         "503, the listener lives, recovers"),
        (20, "shutdown", "SIGTERM under load, twice, and while the database is away",
         "ends in 20 s; an orderly stop sends nothing twice; the next start sends at once"),
        (21, "upgrade", "kill -9 inside each migration; old and new programs together",
         "whole or resumed; nothing lost; an older program refuses"),
        (22, "backup and restore", "online backups under load; an old backup restored",
         "consistent; held until a person has answered; no secret without keyring"),
        (23, "set-up faults", "wrong keys, two processes on one file, a read-only directory …",
         "refuses to start, and says why"),
        (24, "forbidden targets", "a network of its own with canaries on forbidden addresses",
         "no packet to any of them"),
    )
)  # fmt: skip


@cache
def tests_of_rows() -> dict[int, tuple[str, ...]]:
    """The test modules of each row: their docstrings begin with it, or they tell figures for it."""
    found: dict[int, list[str]] = {row.number: [] for row in ROWS}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.name in APART:
            continue
        text = path.read_text()
        told = TOLD.match(ast.get_docstring(ast.parse(text)) or "")
        for number in {*(re.findall(r"\d+", told[1]) if told else ()), *REPORTED.findall(text)}:
            found[int(number)].append(str(path.relative_to(ROOT)))
    return {number: tuple(paths) for number, paths in found.items()}
