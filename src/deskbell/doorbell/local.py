"""The doorbell within one process: listeners are called at once, in the order in which they came."""

from collections.abc import Callable
from typing import Any

import structlog

_log = structlog.get_logger()


class LocalDoorbell:
    """Implements ports.Doorbell. A listener that raises is logged; neither ringing nor the others suffer."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[object, Callable[[Any], None]]] = {}

    def ring(self, bell: str, detail: Any = None) -> None:
        """Call who listens to this bell. Never raises."""
        listeners = self._listeners.get(bell)
        if not listeners:
            return
        for heard in tuple(listeners.values()):
            try:
                heard(detail)
            except Exception:
                _log.exception("doorbell.listener_failed", bell=bell)

    def is_heard(self, bell: str) -> bool:
        """Whether anybody listens to this bell."""
        return bool(self._listeners.get(bell))

    def listen(self, bell: str, heard: Callable[[Any], None]) -> Callable[[], None]:
        """Hear this bell from now on; call the answer to stop, as often as you like."""
        token = object()
        self._listeners.setdefault(bell, {})[token] = heard

        def stop() -> None:
            listeners = self._listeners.get(bell, {})
            listeners.pop(token, None)
            if not listeners:
                self._listeners.pop(bell, None)

        return stop
