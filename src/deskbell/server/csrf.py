"""Requests that a browser makes for somebody else are refused: Origin, Sec-Fetch-Site and the login's token."""

import hmac
from collections.abc import Mapping

from deskbell.model.errors import Forbidden


def origin_of(base_url: str) -> str:
    """Scheme, host and port of the base URL, as browsers write an origin."""
    scheme, _, rest = base_url.lower().partition("://")
    host = rest.split("/", 1)[0].removesuffix(":443" if scheme == "https" else ":80")
    return f"{scheme}://{host}"


def check_origin(headers: Mapping[str, str], base_url: str) -> None:
    """Raise Forbidden unless the request comes from a page of our own."""
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None and site != "same-origin":
        raise Forbidden("This request came from another website and was refused.", reason="csrf")
    if origin is None and site is None:
        raise Forbidden("The browser did not say where this request comes from; it was refused.", reason="csrf")
    if origin is not None and origin != origin_of(base_url):
        raise Forbidden(f"Open the portal at {base_url}; this request came from another address.", reason="csrf")


def check_token(given: str | None, expected: str) -> None:
    """Raise Forbidden unless the login's token was sent along."""
    if given is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise Forbidden("The page was out of date. Reload it and try again.", reason="csrf")
