"""Places where tests may end or delay the process; in production they do nothing."""


class Faultpoints:
    """Named crash points.

    `before_commit`, `after_commit`, `before_freeze`, `after_freeze`, `before_send`, `after_send`, `before_settle`,
    `after_settle`, `before_replay_step`, `after_replay_step`.
    """

    def crash_point(self, name: str) -> None:
        """A test's own class may kill the process here."""

    async def maybe_yield(self, name: str) -> None:
        """A test's own class may let others run here."""
