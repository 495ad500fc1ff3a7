"""Files of the portal, read once: hashed names, bytes, gzip. Nothing is read from disk per request."""

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from starlette.responses import Response

from deskbell.model.errors import NotFound
from deskbell.rooms import Rooms
from deskbell.server.ask import Ask

TYPES = MappingProxyType(
    {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
        "woff2": "font/woff2",
        "json": "application/speculationrules+json",
    }
)
ZIPPED = frozenset({"css", "js", "svg", "json"})
HASH_CHARS = 12
_CSS_URL = re.compile(r'url\("([^"]+)"\)')


@dataclass(frozen=True, kw_only=True)
class StaticFile:
    """One file, ready to be sent."""

    name: str  # as in the source
    hashed: str  # with the hash before the extension
    body: bytes
    zipped: bytes | None  # None: not worth it
    type: str


class StaticFiles:
    """The map from names to files. Style sheets are read last: the names inside them carry hashes too."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._files: dict[str, StaticFile] = {}
        for name in sorted(sources, key=lambda one: (one.endswith(".css"), one)):
            self._files[name] = self._prepared(name, sources[name])
        self._by_hashed = {one.hashed: one for one in self._files.values()}

    def url(self, name: str) -> str:
        """Where a page finds the file. Raises KeyError for an unknown name."""
        return f"/static/{self._files[name].hashed}"

    def find(self, hashed: str) -> StaticFile | None:
        """The file under its hashed name."""
        return self._by_hashed.get(hashed)

    def all(self) -> tuple[StaticFile, ...]:
        """Every file."""
        return tuple(self._files.values())

    def _prepared(self, name: str, body: bytes) -> StaticFile:
        extension = name.rpartition(".")[2]
        if extension == "css":
            body = _CSS_URL.sub(lambda found: f'url("{self._files[found[1]].hashed}")', body.decode()).encode()
        stem = name.removesuffix(f".{extension}")
        digest = hashlib.sha256(body).hexdigest()[:HASH_CHARS]
        return StaticFile(
            name=name,
            hashed=f"{stem}.{digest}.{extension}",
            body=body,
            zipped=gzip.compress(body, 9, mtime=0) if extension in ZIPPED else None,
            type=TYPES[extension],
        )


@cache
def static_files() -> StaticFiles:
    """The files of this package, prepared at first use."""
    found: dict[str, bytes] = {}
    root = resources.files("deskbell.portal") / "static"
    for folder in (root, root / "vendor"):
        for entry in folder.iterdir():
            if entry.is_file() and entry.name.rpartition(".")[2] in TYPES:
                found[entry.name] = entry.read_bytes()
    return StaticFiles(found)


async def serve_static(ask: Ask[Rooms]) -> Response:
    """One file; its name changes with its content, so browsers keep it."""
    found = static_files().find(ask.path("name"))
    if found is None:
        raise NotFound
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "Accept-Encoding"}
    if found.zipped is not None and "gzip" in ask.request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(found.zipped, media_type=found.type, headers=headers)
    return Response(found.body, media_type=found.type, headers=headers)
