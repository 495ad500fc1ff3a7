"""A small client of the API for the command line: one request at a time, problems as sentences."""

import http.client
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import click

TIMEOUT_S = 60


@dataclass(frozen=True, kw_only=True)
class Client:
    """Where the API is, and the key to it."""

    url: str
    key: str

    def call(self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        """One request; the decoded answer, None for 204. Ends the command with a sentence when it is refused."""
        text = self.send(method, path, body, query)
        return json.loads(text) if text else None

    def fetch(self, path: str, query: dict[str, Any] | None = None) -> bytes:
        """An answer as it is."""
        return self.send("GET", path, None, query)

    def send(self, method: str, path: str, body: Any, query: dict[str, Any] | None) -> bytes:
        """One request, and the body of its answer."""
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT_S)
        given = {name: value for name, value in (query or {}).items() if value is not None and value != ()}
        target = f"/api/v1{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        payload = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            connection.request(method, target, payload, headers)
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise click.ClickException(
                f"Nobody answers at {self.url} ({error}). Is `deskbell serve` running?"
            ) from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise click.ClickException(sentence(answer.status, text))
        return text


def sentence(status: int, text: bytes) -> str:
    """A problem+json document as lines for a terminal."""
    try:
        problem = json.loads(text)
        lines = [f"{problem['title']}: {problem['detail']}"]
        lines += [f"  {fault['pointer'] or '(whole)'}: {fault['detail']}" for fault in problem.get("errors", ())]
    except (ValueError, KeyError, TypeError):
        return f"The server answered {status}."
    return "\n".join(lines)


def connect(url: str | None, key_file: str | None) -> Client:
    """The client from flags or environment; a key is never an argument."""
    if key_file:
        try:
            key = Path(key_file).read_text().strip()
        except OSError as error:
            raise click.UsageError(f"--api-key-file: {error.strerror}: {key_file}") from None
    else:
        key = os.environ.get("DESKBELL_API_KEY", "")
    if not key:
        raise click.UsageError("No API key. Set DESKBELL_API_KEY or pass --api-key-file FILE.")
    base = url or os.environ.get("DESKBELL_URL") or os.environ.get("DESKBELL_BASE_URL") or "http://127.0.0.1:8080"
    return Client(url=base.rstrip("/"), key=key)
