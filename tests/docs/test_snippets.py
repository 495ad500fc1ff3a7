"""The documents' code that says it is tested, is."""

import asyncio
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from deskbell.rules.signing import new_secret, sign_dd, sign_v1
from running import Running, running

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"
NPM = ROOT / "tests" / "sdk" / "npm"
NODE = shutil.which("node")
SECRET, BODY = new_secret(b"k" * 32), b'[{"a":1}]'
REPORT = re.compile(r"<!-- reported: (\S+) fires ([a-z_. ]+) -->\n```json\n(.*?)```", re.S)


def snippets(page: str, language: str) -> list[str]:
    """The marked blocks of a page."""
    return re.findall(rf"<!-- tested -->\n```{language}\n(.*?)```", (HOW_TO / page).read_text(), re.S)


def names_of(snippet: str) -> dict[str, Any]:
    """What a Python snippet defines."""
    names: dict[str, Any] = {}
    exec(snippet, names)
    return names


def signed() -> dict[str, str]:
    """Headers of a genuine request with BODY."""
    now = int(time.time())
    return {
        "webhook-id": "dlv_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign_v1(SECRET, "dlv_1", now, BODY),
        "x-dd-signature": sign_dd(SECRET, BODY, "hex") or "",
    }


VERIFIERS = snippets("verify-signatures.md", "python")
NODE_VERIFIERS = snippets("verify-signatures.md", "js")


def test_there_are_snippets() -> None:
    """The page has them, so that the tests below cannot pass by finding nothing."""
    assert (len(VERIFIERS), len(NODE_VERIFIERS)) == (3, 2)
    marks = sum(page.read_text().count("<!-- tested -->") for page in HOW_TO.glob("*.md"))
    assert marks == 7, "a page has a mark that no test here reads"


@pytest.mark.parametrize("snippet", VERIFIERS, ids=range(len(VERIFIERS)))
def test_python_verifier(snippet: str) -> None:
    """Each takes a signed request and refuses a changed one."""
    receive = names_of(snippet)["receive"]
    receive(BODY, signed(), SECRET)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each library has its own
        receive(BODY + b" ", signed(), SECRET)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("snippet", NODE_VERIFIERS, ids=range(len(NODE_VERIFIERS)))
def test_node_verifier(snippet: str) -> None:
    """Each takes a signed request and throws for a changed one."""
    if "standardwebhooks" in snippet and not (NPM / "node_modules" / "standardwebhooks").is_dir():
        pytest.skip("npm package standardwebhooks is not installed: run `npm ci` in tests/sdk/npm")
    arguments = f"{json.dumps(signed())}, {json.dumps(SECRET)}"
    script = f"""{snippet}
receive({json.dumps(BODY.decode())}, {arguments});
try {{ receive({json.dumps(BODY.decode() + " ")}, {arguments}); console.log("taken"); }}
catch (fault) {{ console.log("refused"); }}"""
    shown = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, check=True, timeout=60, cwd=NPM)
    assert shown.stdout.strip() == "refused"


async def types_of(desk: Running, event_ids: list[str]) -> list[str]:
    """The types of these events."""
    return [(await desk.good("GET", f"/events/{event_id}"))["type"] for event_id in event_ids]


async def test_settings_are_taken(tmp_path: Path) -> None:
    """Each marked block of settings is taken as it stands, and answered so."""
    blocks = [
        block
        for page in sorted(HOW_TO.glob("*.md"))
        for block in re.findall(r"<!-- settings -->\n```json\n(.*?)```", page.read_text(), re.S)
    ]
    assert len(blocks) == 4
    async with running(tmp_path) as desk:
        for block in blocks:
            wanted = json.loads(block)
            webhook = await desk.webhook("http://127.0.0.1:9/hook", **wanted)
            assert {name: webhook[name] for name in wanted} == wanted


async def test_publish_snippet(tmp_path: Path) -> None:
    """It publishes; with an own id, publishing again answers the same and stores nothing."""
    [snippet] = snippets("publish-events.md", "python")
    publish = names_of(snippet)["publish"]
    event = {"type": "custom.invoice_paid", "data": {"amount": 12.5}, "id": "invoice-7-paid"}
    async with running(tmp_path) as desk:
        url = f"http://127.0.0.1:{desk.port}"
        first = await asyncio.to_thread(publish, url, desk.key, event)
        assert await asyncio.to_thread(publish, url, desk.key, event) == first
        assert await types_of(desk, [first]) == ["custom.invoice_paid"]
        assert len((await desk.good("GET", "/events"))["items"]) == 1


async def test_report_snippet_and_bodies(tmp_path: Path) -> None:
    """Each body of the page fires the events that the page names, and nothing when it is told again."""
    [snippet] = snippets("report-from-your-desk.md", "python")
    report = names_of(snippet)["report"]
    bodies = REPORT.findall((HOW_TO / "report-from-your-desk.md").read_text())
    assert len(bodies) == 4
    async with running(tmp_path) as desk:
        url = f"http://127.0.0.1:{desk.port}"
        for path, types, body in bodies:
            event_ids = await asyncio.to_thread(report, url, desk.key, path, json.loads(body))
            assert sorted(await types_of(desk, event_ids)) == sorted(types.split())
            assert await asyncio.to_thread(report, url, desk.key, path, json.loads(body)) == []
