"""The corpus of bad inputs through the front door: receiver URLs and headers, each by POST /webhooks."""

from pathlib import Path
from typing import Any

from bad_inputs import rows, spelled
from running import Answer, Running, running

BASE = "https://hooks.our-own-portal.example"


async def create(desk: Running, **more: Any) -> Answer:
    """Register a webhook that is good but for `more`."""
    body = {"description": "d", "receiverUrl": "https://example.com/", "eventTypes": ["chat.*"], **more}
    return await desk.call("POST", "/webhooks", body)


async def test_receiver_urls(tmp_path: Path) -> None:
    """Each row without settings of its own is stored in canonical form, or refused at its member."""
    found: list[tuple[str, int, Any]] = []
    async with running(tmp_path, DESKBELL_BASE_URL=BASE, DESKBELL_ALLOW="") as desk:
        plain = [row for row in rows("receiver_url") if not (isinstance(row["input"], dict) and "url" in row["input"])]
        for row in plain:
            text = spelled(row["input"])
            answer = await create(desk, receiverUrl=text)
            if row["expect"] == "reject":
                pointers = [fault["pointer"] for fault in answer.json.get("errors", [])]
                good = answer.status == 400 or (answer.status == 422 and pointers == ["/receiverUrl"])
            else:
                wanted = row["expect"].removeprefix("accept_as:") if row["expect"] != "accept" else text
                good = answer.status == 201 and answer.json["receiverUrl"] == wanted
            if not good:
                found.append((row["id"], answer.status, answer.json))
    assert found == []
    assert len(plain) > 150


async def test_headers(tmp_path: Path) -> None:
    """Each header is taken, or refused below /headers."""
    found: list[tuple[str, int, Any]] = []
    async with running(tmp_path) as desk:
        for row in (*rows("header_name"), *rows("header_value")):
            keys = row["input"] if isinstance(row["input"], dict) else {}
            if "names" in keys:
                headers = dict.fromkeys(keys["names"], "x")
            elif "count_headers" in keys:
                headers = {f"x-{n}": "v" for n in range(keys["count_headers"])}
            elif "total_bytes" in keys:
                headers = {f"x-{n}": "v" * 3000 for n in range(keys["total_bytes"] // 3000)}
            elif row["area"] == "header_name":
                headers = {spelled(row["input"]): "x"}
            else:
                headers = {"x-team": spelled(row["input"])}
            answer = await create(desk, headers=headers)
            good = answer.status == 201 if row["expect"] == "accept" else answer.status in (400, 422)
            if not good:
                found.append((row["id"], answer.status, answer.json))
    assert found == []
