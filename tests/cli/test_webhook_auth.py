"""`deskbell webhooks auth`, against a running Deskbell."""

import asyncio
import json
from pathlib import Path

import trustme
from click.testing import CliRunner, Result

from deskbell.cli.main import main
from running import Running, running


async def call(desk: Running, *arguments: str, text: str = "") -> Result:
    """One command in this process."""
    environment = {"DESKBELL_URL": f"http://127.0.0.1:{desk.port}", "DESKBELL_API_KEY": desk.key}
    return await asyncio.to_thread(CliRunner().invoke, main, ["webhooks", "auth", *arguments], text, environment)


async def test_credentials_are_set_shown_and_removed(tmp_path: Path) -> None:
    """A token from standard input, a certificate from two files; secrets are never printed."""
    own = trustme.CA().issue_cert("desk.example.com")
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "desk.pem"))
    own.private_key_pem.write_to_path(str(tmp_path / "desk.key"))
    files = ("--client-certificate", str(tmp_path / "desk.pem"), "--client-key", str(tmp_path / "desk.key"))
    async with running(tmp_path / "data") as desk:
        hook = str((await desk.webhook("https://example.com/", "chat.*"))["id"])
        auth = json.dumps({"type": "basic", "username": "desk", "password": "hunter2"})
        made = await call(desk, hook, "--auth-file", "-", "--json", text=auth)
        assert json.loads(made.stdout)["auth"] == {"type": "basic", "username": "desk", "set": True}
        shown = await call(desk, hook, *files)
        assert shown.exit_code == 0
        assert "username desk" in shown.output
        assert "fingerprint" in shown.output
        assert "hunter2" not in made.output + shown.output
        gone = await call(desk, hook, "--remove", "all")
        assert [line.split()[-1] for line in gone.output.splitlines()] == ["none", "none"]
        wrong = await call(desk, hook, *files[:2])
        assert (wrong.exit_code, "belong together" in wrong.output) == (2, True)
        refused = await call(desk, hook, "--auth-file", "-", text='{"type": "digest"}')
        assert refused.exit_code == 1
        assert "basic, bearer, oauth2" in refused.output
