"""Routes of the portal."""

from typing import Any

from deskbell.server.route import Route

ROUTES: tuple[Route[Any], ...] = ()
