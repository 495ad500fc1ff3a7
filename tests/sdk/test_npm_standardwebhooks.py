"""Our signatures before the npm library `standardwebhooks`."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from deskbell.rules.catalogue import sample
from deskbell.rules.signing import new_secret
from deskbell.sdk import sign

FOLDER = Path(__file__).parent / "npm"
NODE = shutil.which("node")
SECRET = new_secret(bytes(range(32)))
SCRIPT = """
const { Webhook } = require("standardwebhooks");
const { body, headers, secret } = JSON.parse(require("fs").readFileSync(0, "utf8"));
try {
  console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
} catch (fault) {
  console.log("refused: " + fault.message);
}
"""

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules" / "standardwebhooks").is_dir(),
        reason="npm package standardwebhooks is not installed: run `npm ci` in tests/sdk/npm",
    ),
]


def verified_by_node(body: bytes, headers: dict[str, str]) -> str:
    """What the npm library makes of the request."""
    asked = json.dumps({"body": body.decode(), "headers": headers, "secret": SECRET})
    shown = subprocess.run(
        [str(NODE), "-e", SCRIPT], input=asked, capture_output=True, text=True, check=True, timeout=60, cwd=FOLDER
    )
    return shown.stdout.strip()


@pytest.mark.parametrize("sample_name", ["minimal", "unicode"])
def test_npm_library_verifies_what_we_sign(sample_name: str) -> None:
    """A payload as sent, emoji included, verifies and parses to the same."""
    body = b"[" + sample("chat.missed", sample_name) + b"]"
    assert json.loads(verified_by_node(body, sign(body, SECRET))) == json.loads(body)


def test_npm_library_refuses_a_changed_body() -> None:
    """One more space and it is not our message."""
    assert verified_by_node(b"[] ", sign(b"[]", SECRET)).startswith("refused: ")
