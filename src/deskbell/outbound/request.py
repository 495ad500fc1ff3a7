"""The bytes of a request."""

from deskbell.model.exchange import Sendable

_NAME_CHARS = len("content-length")


def build_head(sendable: Sendable, *, target: str, host: str) -> bytes | None:
    """Request line and headers with the blank line; None if some header would break out of its line."""
    headers = sendable.headers
    text = f"{sendable.method} {target} HTTP/1.1\r\nhost: {host}\r\n"
    text += "".join([f"{name}: {value}\r\n" for name, value in headers])
    breaks = len(headers) + 3
    if sendable.body and not _names_length(headers):
        text += f"content-length: {len(sendable.body)}\r\n"
        breaks += 1
    text += "\r\n"
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        return None
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _names_length(headers: tuple[tuple[str, str], ...]) -> bool:
    for name, _ in headers:
        if name == "content-length" or (len(name) == _NAME_CHARS and name.lower() == "content-length"):
            return True
    return False
