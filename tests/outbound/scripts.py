"""Handlers for the rows of area `response`: each key of a row's input is one behaviour."""

import asyncio
import zlib
from typing import Any

from outbound.loopback import Handler, read_request, reset


def response_bytes(row: dict[str, Any]) -> bytes:
    """The final response of a row, whole."""
    if "raw" in row:
        return str(row["raw"]).encode("latin-1")
    if "raw_hex" in row:
        return bytes.fromhex(row["raw_hex"])
    headers: list[tuple[str, str]] = list(row.get("headers", {}).items())
    headers += [
        (name, row[key])
        for key, name in (("set_cookie", "Set-Cookie"), ("location", "Location"), ("retry_after", "Retry-After"))
        if key in row
    ]
    body = _body(row)
    if "content_length" in row:
        given = row["content_length"]
        headers += [("Content-Length", str(one)) for one in (given if isinstance(given, list) else [given])]
    elif not any(name.lower() == "transfer-encoding" for name, _ in headers):
        headers.append(("Content-Length", str(len(body))))
    if "header_line_bytes" in row:
        headers.append(("X", "a" * row["header_line_bytes"]))
    if "headers_total_bytes" in row:
        headers += [(f"X-{n}", "a" * 990) for n in range(row["headers_total_bytes"] // 1000)]
    lines = [f"HTTP/1.1 {row.get('status', 200)} Text", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _body(row: dict[str, Any]) -> bytes:
    if "body_hex" in row:
        return bytes.fromhex(row["body_hex"])
    if "deflate_bomb_mb" in row:
        packer = zlib.compressobj(9)
        return b"".join(packer.compress(bytes(2**20)) for _ in range(row["deflate_bomb_mb"])) + packer.flush()
    if "body_bytes" in row:
        return b"a" * int(row["body_bytes"])
    if "stall_after_body_bytes" in row:
        return b"a" * int(row["stall_after_body_bytes"])
    return str(row.get("body", row.get("body_raw", ""))).encode()


def handler_of(row: dict[str, Any]) -> Handler:
    """What the receiver of this row does."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if row.get("accept_then_hang"):
            await asyncio.Event().wait()
        if row.get("early_response_before_body_read"):
            await reader.readuntil(b"\r\n\r\n")
        else:
            await read_request(reader)
        if row.get("rst_after_request"):
            reset(writer)
            return
        while row.get("infinite_1xx") and not writer.transport.is_closing():
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.001)
        for status in row.get("interim", ()):
            writer.write(b"HTTP/1.1 %d Early\r\n\r\n" % status)
            await writer.drain()
        await _write(row, writer)
        if row.get("close") == "rst":
            reset(writer)
        elif row.get("close") == "fin" or "body_raw" in row:
            writer.close()
        else:
            await reader.read()  # until the dialler closes

    return handle


async def _write(row: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    data = response_bytes(row)
    if "drip_headers_ms" in row:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(row["drip_headers_ms"] / 1000)
    writer.write(data)
    await writer.drain()
