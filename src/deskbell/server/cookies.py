"""The login cookie: one name for https, one for http on loopback."""

from starlette.requests import Request
from starlette.responses import Response

_SECURE_NAME = "__Host-deskbell"
_LOOPBACK_NAME = "deskbell"


def cookie_name(base_url: str) -> str:
    """The cookie's name: with the __Host- prefix wherever the portal is reached by https."""
    return _SECURE_NAME if base_url.startswith("https://") else _LOOPBACK_NAME


def set_login(response: Response, token: str, base_url: str) -> None:
    """Give the browser its login."""
    secure = base_url.startswith("https://")
    response.set_cookie(cookie_name(base_url), token, path="/", secure=secure, httponly=True, samesite="lax")


def clear_login(response: Response, base_url: str) -> None:
    """Take the login away."""
    secure = base_url.startswith("https://")
    response.delete_cookie(cookie_name(base_url), path="/", secure=secure, httponly=True, samesite="lax")


def read_login(request: Request, base_url: str) -> str | None:
    """The login's token, if the browser sent one."""
    return request.cookies.get(cookie_name(base_url)) or None


def attempt_name(base_url: str) -> str:
    """The cookie of a sign-in that is on its way to a provider."""
    return f"{cookie_name(base_url)}-sso"


def set_attempt(response: Response, sealed: str, base_url: str) -> None:
    """Bind the way to the provider and back to this browser, for ten minutes."""
    secure = base_url.startswith("https://")
    response.set_cookie(
        attempt_name(base_url), sealed, max_age=600, path="/", secure=secure, httponly=True, samesite="lax"
    )


def clear_attempt(response: Response, base_url: str) -> None:
    """It is over."""
    secure = base_url.startswith("https://")
    response.delete_cookie(attempt_name(base_url), path="/", secure=secure, httponly=True, samesite="lax")


def read_attempt(request: Request, base_url: str) -> str | None:
    """What the browser kept."""
    return request.cookies.get(attempt_name(base_url)) or None
