"""One replay: what was chosen, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.delivery import Attempt, Trigger
from deskbell.model.replay import Replay, ReplayState
from deskbell.portal.live import Message, Stream, live
from deskbell.portal.login_check import may_still
from deskbell.portal.page import PageAsk, part_text, respond
from deskbell.portal.replays.form import STATES
from deskbell.portal.states import Shown
from deskbell.webhooks import Progress

PILLS = {
    ReplayState.RUNNING: Shown(word="Running", icon="refresh-cw", tone="info"),
    ReplayState.PAUSED: Shown(word="Paused", icon="pause", tone="idle"),
    ReplayState.CANCELLED: Shown(word="Cancelled", icon="ban", tone="idle"),
    ReplayState.FINISHED: Shown(word="Finished", icon="check", tone="ok"),
}


@dataclass(frozen=True, kw_only=True)
class Share:
    """One part of the bar, and one row of the table behind it."""

    name: str
    count: int
    tone: str
    x: str = "0"
    width: str = "0"


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything of the page."""

    replay: Replay
    state: Shown
    progress: Progress
    shares: Sequence[Share]
    webhooks: Sequence[str]
    states: str

    @property
    def arrived(self) -> int:
        """Delivered and accepted."""
        return self.progress.delivered + self.progress.accepted

    @property
    def is_open(self) -> bool:
        """Whether it may still begin deliveries."""
        return self.replay.ended_at is None

    @property
    def at(self) -> str:
        """What this shows; another text when something has changed."""
        return f"{self.replay.version}-{self.progress.waiting}-{self.arrived}-{self.progress.exhausted}"


def shares_of(replay: Replay, progress: Progress) -> list[Share]:
    """The deliveries of a replay by where they are; together they are its total."""
    known = progress.delivered + progress.accepted + progress.exhausted + progress.waiting + progress.cancelled
    rest = max(0, replay.total - replay.done)
    parts = [
        ("Arrived", progress.delivered + progress.accepted, "ok"),
        ("Exhausted", progress.exhausted, "bad"),
        ("Waiting", progress.waiting, "warn"),
        ("Cancelled", progress.cancelled, "idle"),
        ("Taken over by a later replay", max(0, replay.done - known), "idle"),
        ("Still to begin" if replay.ended_at is None else "Not begun", rest, "t"),
    ]
    whole, x, found = max(1, replay.total), 0.0, []
    for name, count, tone in parts:
        width = min(100 * count / whole, 100 - x)
        if count:
            found.append(Share(name=name, count=count, tone=tone, x=f"{x:.2f}", width=f"{width:.2f}"))
        x += width
    return found


async def view_of(ask: PageAsk, replay_id: str) -> View:
    """The page of a replay."""
    replay = await ask.rooms.replays.get(ask.site, replay_id)
    progress = await ask.rooms.replays.progress(replay)
    names = {one.id: one.description for one in await ask.rooms.store.webhooks.all(ask.site)}
    return View(
        replay=replay,
        state=PILLS[replay.state],
        progress=progress,
        shares=shares_of(replay, progress),
        webhooks=[names.get(one, "an erased webhook") for one in replay.choice.webhook_ids],
        states=state_words(replay.choice.states),
    )


def state_words(states: Sequence[str]) -> str:
    """The chosen states in words."""
    names = dict.fromkeys("arrived" if one in ("delivered", "accepted") else one for one in states)
    return ", ".join(words.lower() if n else words for n, words in enumerate(_words(names)))


def _words(names: dict[str, None]) -> list[str]:
    return [words for name, words, _ in STATES if name in names]


async def show(ask: PageAsk) -> Response:
    """The page, or its part."""
    view = await view_of(ask, ask.path("id"))
    return await respond(ask, "pages/replay.html", part="parts/replay.html", view=view)


async def stream(ask: PageAsk) -> Response:
    """The part anew whenever the run or one of its attempts moves."""
    replay_id = ask.path("id")

    def wanted(bell: str, detail: object) -> str | None:
        if isinstance(detail, Replay) and detail.id == replay_id and detail.site == ask.site:
            return replay_id
        is_ours = isinstance(detail, Attempt) and detail.trigger is Trigger.REPLAY and detail.site == ask.site
        return replay_id if is_ours else None

    async def tell(ids: Sequence[str]) -> Sequence[Message]:
        view = await view_of(ask, replay_id)
        if not ids and view.at == ask.query.get("after", ""):
            return ()
        return (Message(event="part", html=part_text(ask, "parts/replay.html", {"view": view}), id=view.at),)

    await view_of(ask, replay_id)  # 404 for what is not of this site, before anything is sent
    return live(ask, Stream(bells=("replay", "attempt"), wanted=wanted, tell=tell, allowed=may_still(ask)))
