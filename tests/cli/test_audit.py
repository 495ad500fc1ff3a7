"""`deskbell audit`: read and taken away by API, checked by the Operator, in the file itself and in its copies."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import apsw
import pytest

from cli.test_commands import init, run
from running import running

FREE = "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_only_next;"


def verify(data: Path, *more: str) -> tuple[int, Any]:
    """Exit code and findings."""
    answer = run("audit", "verify", "--data", str(data), "--json", *more)
    return answer.exit_code, json.loads(answer.stdout)


def test_whole_and_broken(tmp_path: Path) -> None:
    """Exit 0 with the head of each chain; exit 1 with the first row that was altered; the backup is refused too."""
    init(tmp_path)
    code, found = verify(tmp_path)
    (installation, desk) = found["chains"]
    assert (code, found["whole"], installation["rows"], desk["site"]) == (0, True, 0, "desk")
    head = f"desk:{desk['head']['seq']}:{desk['head']['hash']}"
    assert verify(tmp_path, "--head", head, "--site", "desk")[0] == 0
    assert (
        run("audit", "verify", "--data", str(tmp_path))
        .output.splitlines()[1]
        .startswith("Site desk: The chain is whole")
    )
    assert verify(tmp_path, "--head", f"desk:2:{'0' * 64}")[1]["chains"][1]["firstBroken"] == 2
    connection = apsw.Connection(str(tmp_path / "deskbell.db"))
    connection.execute(FREE + "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    assert verify(tmp_path)[0] == 0  # a chain that lost its end looks whole
    assert verify(tmp_path, "--head", head)[1]["chains"][1]["firstBroken"] == desk["head"]["seq"]
    connection.execute("UPDATE audit SET entry = CAST(replace(entry, 'key.create', 'key.revoke') AS BLOB)")
    connection.close()
    answer = run("audit", "verify", "--data", str(tmp_path))
    assert answer.exit_code == 1
    assert re.search(r"Site desk: Row \d+ is the first that was altered or is missing", answer.output)
    refused = run("backup", str(tmp_path / "copy"), "--data", str(tmp_path))
    assert "the audit of desk is broken at row" in refused.output


@pytest.mark.parametrize("words", [("--head", "desk:x:y"), ("--head", "desk:1:abc")])
def test_wrong_use(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A head that is none is wrong usage; a site that is not there is said."""
    init(tmp_path)
    assert run("audit", "verify", "--data", str(tmp_path), *words).exit_code == 2
    assert "There is no site nowhere" in run("audit", "verify", "--data", str(tmp_path), "--site", "nowhere").output


def test_backup_keeps_the_heads(tmp_path: Path) -> None:
    """The copy says where its chains end; one that lost its end is not restored, and nothing was changed."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    init(data)
    told = json.loads(run("backup", str(copy), "--data", str(data), "--json").stdout)["audit"]
    assert told["desk"] == verify(data)[1]["chains"][1]["head"]
    connection = apsw.Connection(str(copy))
    connection.execute(FREE + "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
    connection.close()
    before = {one.name for one in data.iterdir()}
    refused = run("restore", str(copy), "--data", str(data), "--force")
    assert refused.exit_code == 1
    assert f"the audit of desk is broken at row {told['desk']['seq']}" in refused.output
    assert {one.name for one in data.iterdir()} - {"deskbell.lock"} == before


async def test_list_and_export(tmp_path: Path) -> None:
    """By API, with filters."""
    async with running(tmp_path) as desk:
        where = {"DESKBELL_API_KEY": desk.key, "DESKBELL_URL": f"http://127.0.0.1:{desk.port}"}

        async def said(*words: str) -> str:
            answer = await asyncio.to_thread(run, "audit", *words, **where)
            assert answer.exit_code == 0, answer.output
            return answer.stdout

        assert "site.create" in await said("list", "--operation", "site.*")
        assert json.loads(await said("list", "--json", "--limit", "1", "--operation", "key.create"))["items"]
        assert "Nothing is recorded" in await said("list", "--actor", "nobody")
        await said("export", "--format", "csv", "--output", str(tmp_path / "audit.csv"))
        assert (tmp_path / "audit.csv").read_text().startswith("seq,at,actorKind")
        assert json.loads((await said("export", "--operation", "audit.export")).splitlines()[0])["objectId"] == "csv"
