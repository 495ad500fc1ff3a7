"""Single sign-on against a provider made by others: the npm package oidc-provider, with its own pages."""

import asyncio
import os
import re
import shutil
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPSConnection
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import trustme

from deskbell.model.account import Role
from running import Running
from sign_on.traveller import Traveller, account, invited, set_up

FOLDER = Path(__file__).parent / "npm"
NODE = shutil.which("node")
START_S = 20.0

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules" / "oidc-provider").is_dir(),
        reason="npm package oidc-provider is not installed: run `npm ci` in tests/sign_on/npm",
    ),
]


@asynccontextmanager
async def provider(authority: trustme.CA, folder: Path, port: int, callback: str) -> AsyncIterator[str]:
    """The running provider; its issuer."""
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    files = [str(folder / name) for name in ("key.pem", "cert.pem")]
    process = subprocess.Popen(  # noqa: ASYNC220  # in a group of its own: `node` may wrap the real one
        [str(NODE), "provider.mjs", str(port), *files, callback],
        cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            assert b"ready" in await asyncio.to_thread(process.stdout.readline)
        yield f"https://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


class Visitor:
    """Somebody at the provider's own pages: cookies, redirects, forms."""

    def __init__(self, authority: trustme.CA, name: str) -> None:
        self._context = ssl.create_default_context()
        authority.configure_trust(self._context)
        self._cookies: dict[str, str] = {}
        self._name = name

    def travel(self, address: str, ours: str) -> str:
        """From the address that Deskbell gave to the one that leads back."""
        body: str | None = None
        for _ in range(20):
            if address.startswith(ours):
                return address
            parts = urlsplit(address)
            status, location, page = self._ask(parts.netloc, f"{parts.path}?{parts.query}", body)
            body = None
            if location is not None:
                address = location if location.startswith("http") else f"https://{parts.netloc}{location}"
                continue
            assert status == 200, page
            found = re.search(r'action="([^"]+)".*?name="prompt" value="([^"]+)"', page, re.DOTALL)
            assert found, page
            address = found[1] if found[1].startswith("http") else f"https://{parts.netloc}{found[1]}"
            body = urlencode({"prompt": found[2], "login": self._name, "password": "any"})
        raise AssertionError(address)

    def _ask(self, host: str, target: str, body: str | None) -> tuple[int, str | None, str]:
        line = HTTPSConnection(host, timeout=20, context=self._context)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        line.request("GET" if body is None else "POST", target, body, {"Cookie": cookies, **form})
        answer = line.getresponse()
        for text in answer.headers.get_all("set-cookie") or ():
            self._cookies.update({name: morsel.value for name, morsel in SimpleCookie(text).items()})
        page, location = answer.read().decode(), answer.headers["location"]
        line.close()
        return answer.status, location, page


async def visit(desk: Running, traveller: Traveller, visitor: Visitor, path: str) -> int:
    """There and back; the status of our answer."""
    gone = await traveller.go(None, path)
    ours = f"http://127.0.0.1:{desk.port}"
    came = await asyncio.to_thread(visitor.travel, gone.headers["location"], ours)
    answer = await traveller.get(came.removeprefix(ours))
    if "set-cookie" in answer.headers:
        traveller.keep(answer.headers["set-cookie"])
    return answer.status


async def test_real_provider(bare: Running, authority: trustme.CA, tmp_path: Path, unused_tcp_port: int) -> None:
    """In by invitation with a role by a claim, confirmed again by signing in there anew; a stranger stays outside."""
    callback = f"http://127.0.0.1:{bare.port}/login/sso/callback"
    async with provider(authority, tmp_path, unused_tcp_port, callback) as issuer:
        await set_up(bare, issuer, "a secret of the provider", roleClaim="groups", roles={"desk-admins": "admin"})
        ana, eve = await invited(bare), await invited(bare, "eve@desk.example")
        traveller, visitor = Traveller(bare), Visitor(authority, "ana")
        assert await visit(bare, traveller, visitor, "/login/sso?return_to=/webhook") == 303
        assert "Ana Ruiz" in (await traveller.get("/webhook")).body.decode()
        assert (await account(bare, ana.id)).role is Role.ADMIN
        assert await visit(bare, traveller, visitor, "/login/sso?again=true&return_to=/webhook") == 303
        hook = await bare.webhook("https://example.com/abc")
        assert (await traveller.get(f"/api/v1/webhooks/{hook['id']}/secret")).status == 200
        assert await visit(bare, Traveller(bare), Visitor(authority, "eve"), "/login/sso") == 403
        assert await visit(bare, Traveller(bare), Visitor(authority, "stranger"), "/login/sso") == 403
        assert (await account(bare, eve.id)).identity is None
