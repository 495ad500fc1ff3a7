"""The corpus of bad credentials through the front door; those of single sign-on are asked in tests/sign_on."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

from bad_inputs import rows, spelled
from deskbell.model.changes import Overwrite, Unit
from deskbell.model.instant import plus
from running import Running, running

ELSEWHERE = {
    "id_token_algorithm",
    "id_token_claims",
    "id_token_key",
    "id_token_leeway",
    "oidc_link",
    "oidc_state",
    "return_to",
}
"""Classes of rows that tests/sign_on/test_sign_on.py has by name: BAD, GOOD, STRANGERS, RETURNS, states."""


def raw(desk: Running, method: str, target: str, *headers: bytes) -> int:
    """A request exactly as given; the status of the answer."""
    head = [f"{method} {target} HTTP/1.1".encode(), b"Host: 127.0.0.1:%d" % desk.port, *headers, b"Connection: close"]
    with socket.create_connection(("127.0.0.1", desk.port), timeout=20) as line:
        line.sendall(b"\r\n".join([*head, b"Content-Length: 0", b"", b""]))
        return int(line.makefile("rb").readline().split(b" ")[1])


async def key(desk: Running, *scopes: str) -> str:
    """A key's text."""
    return str((await desk.good("POST", "/keys", {"name": "k", "scopes": list(scopes)}))["key"])


async def ended(desk: Running, *, revoked: bool) -> str:
    """A key that was good once."""
    made = await desk.good("POST", "/keys", {"name": "k", "scopes": ["webhooks:read"], "expiresDays": 1})
    if revoked:
        assert (await desk.call("DELETE", f"/keys/{made['id']}")).status == 204
        return str(made["key"])
    rooms = desk.house.rooms
    row = next(one for one in await rooms.accounts.keys("desk") if one.id == made["id"])  # type: ignore[arg-type]  # its text
    late = replace(row, expires_at=plus(rooms.clock.now(), -1))
    await rooms.store.commit(Unit(changes=(Overwrite(row=late),)))
    return str(made["key"])


async def words(desk: Running) -> dict[str, str]:
    """What stands in the rows for a real value."""
    good = desk.key
    return {
        "<expired>": await ended(desk, revoked=False),
        "<revoked>": await ended(desk, revoked=True),
        "<valid in fullwidth letters>": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in good),
        "<valid-but-last-char-changed>": good[:-1] + ("A" if good[-1] != "A" else "B"),
        "<valid-prefix-with-another-secret>": good[:13] + "A" * 43,
        "<desk:read>": await key(desk, "desk:read"),
        "<webhooks:write>": await key(desk, "webhooks:write"),
        "<key of site A>": good,
        "<valid>": good,
    }


async def asked(desk: Running, row: dict[str, Any], real: dict[str, str], hook: str) -> int:
    """The status for a row."""
    text = row["input"]
    if isinstance(text, dict) and "two_authorization_headers" in text:
        line = f"Authorization: Bearer {desk.key}".encode()
        return await asyncio.to_thread(raw, desk, "GET", "/api/v1/webhooks", line, line)
    text = spelled(text)
    for word, value in real.items():
        text = text.replace(word, value)
    if text.startswith("?"):
        return await asyncio.to_thread(raw, desk, "GET", f"/api/v1/webhooks{text}")
    credential, method, path = text, "GET", "/webhooks"
    for verb in (" GET ", " POST "):
        if verb in text:
            credential, _, path = text.partition(verb)
            method = verb.strip()
    path = path.replace("{id of site B}", "whk_01J00000000000000000000000").replace("{id}", hook)
    if path == "/events":
        sent = await desk.call(method, path, {"type": "custom.a", "data": 1}, key=credential.removeprefix("Bearer "))
        return sent.status
    return await asyncio.to_thread(raw, desk, method, f"/api/v1{path}", b"Authorization: " + credential.encode())


async def test_credentials(tmp_path: Path) -> None:
    """Each row gets what it must; every 401 has the same body."""
    found: list[tuple[str, int]] = []
    async with running(tmp_path) as desk:
        real = await words(desk)
        hook = (await desk.webhook("https://example.com/abc"))["id"]
        mine = [row for row in rows("credential") if row["class"] not in ELSEWHERE and "PATCH" not in str(row["input"])]
        for row in mine:
            wanted = 200 if row["expect"] == "accept" else int(row["expect"].removeprefix("http:"))
            status = await asked(desk, row, real, hook)
            if status != wanted:
                found.append((row["id"], status))
        bodies = set()
        for text in ("", "nonsense", real["<expired>"], real["<revoked>"], real["<valid-but-last-char-changed>"]):
            body = (await desk.call("GET", "/webhooks", key=text)).json
            bodies.add(str({**body, "requestId": ""}))
    assert found == []
    assert len(bodies) == 1
    assert len(mine) > 18


async def test_from_where(tmp_path: Path) -> None:
    """A key with networks gets that very 401 from elsewhere, publishing too; odd networks and rates are 422."""
    async with running(tmp_path) as desk:
        for sources, status in ((["192.0.2.0/24"], 401), (["127.0.0.0/8"], 202)):
            body = {"name": "k", "scopes": ["events:write"], "sources": sources}
            made = await desk.good("POST", "/keys", body)
            for _ in range(3):
                answer = await desk.call("POST", "/events", {"type": "custom.a", "data": 1}, key=made["key"])
                assert answer.status == status
        for members, pointer in (({"sources": ["x"]}, "/sources/0"), ({"ratePerSecond": 0}, "/ratePerSecond")):
            answer = await desk.call("POST", "/keys", {"name": "k", "scopes": ["desk:read"], **members})
            assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
