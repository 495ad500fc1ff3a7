"""A request as a curl command. Credentials stay hidden: the URL is masked and header values are as they are shown."""

import shlex
from collections.abc import Sequence

PAYLOAD_CHARS_MAX = 20_000


def curl_command(url: str, headers: Sequence[tuple[str, str]], body: bytes | None) -> str:
    """One command over several lines."""
    parts = [f"curl -X POST {shlex.quote(url)}"]
    parts += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in headers if name != "content-length"]
    text = (body or b"").decode("utf-8", "replace")
    data = shlex.quote(text) if len(text) <= PAYLOAD_CHARS_MAX else "@payload.json"
    parts.append(f"  --data-binary {data}")
    return " \\\n".join(parts)
