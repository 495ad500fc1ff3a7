"""Chats and tickets that stay too long, creators who are gone, and messages that follow each other quickly."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from desk.conftest import KEY, ORIGIN, Desk
from deskbell.desk import OpenPage
from deskbell.model.changes import MustTimer, Unit
from deskbell.model.chat import Chat
from deskbell.model.draft import Firing
from deskbell.model.errors import Conflict, Invalid, NotFound
from deskbell.model.instant import TICKS_PER_SECOND, format_instant, plus
from deskbell.model.people import SYSTEM, Actor, ActorKind
from deskbell.model.timer import ARMING, GATHERED, GONE, NEVER, Timer

CORA, ANA = "dd~c~1", "dd~m~1"
HANDLED = {"subject": "chat", "status": "handled", "longerThanSeconds": 3600}
MONDAYS = {"days": [1], "from": "09:00", "to": "17:00"}
BO = Actor(kind=ActorKind.AGENT, name="Bo Lind", id="dd~m~2")


async def rule(desk: Desk, **more: Any) -> Any:
    """A rule, armed for whoever is in its status."""
    made = await desk.rules.create("dd", {**HANDLED, **more}, KEY, ORIGIN)
    await desk.fire()
    return made


async def handled(desk: Desk, contact: int = 1) -> Chat:
    """A chat that an agent joined just now."""
    chat = await desk.chats.request("dd", KEY, contact_id=contact)
    return await desk.chats.join("dd", chat.id, ANA, KEY)


async def rules_armed(desk: Desk, chat: Chat) -> list[str]:
    """The rules of the timers of a chat."""
    return [one.rule for one in await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"])]


async def test_a_chat_that_stays_handled_is_told_once(desk: Desk) -> None:
    """After exactly an hour, with since when, the threshold, and how late; never a second time."""
    await rule(desk)
    chat = await handled(desk)
    desk.clock.go(3599)
    await desk.fire()
    assert "chat.dwelled" not in desk.types
    desk.clock.go(1.25)
    await desk.fire()
    desk.clock.go(36_000)
    await desk.fire()
    assert desk.types == ["chat.created", "chat.handled", "chat.dwelled"]
    told = desk.publisher.drafts[-1]
    assert told.meta == {
        "since": format_instant(chat.last_modified_at),
        "thresholdSeconds": 3600,
        "lateBySeconds": 0.25,
    }
    assert (told.by, told.sequence, told.subject.id) == (SYSTEM, 3, chat.id)
    assert told.occurred_at == plus(chat.last_modified_at, 3600.25)
    assert json.loads(told.head + b"}")["status"] == "handled"
    assert (await desk.chats.get("dd", chat.id)).last_modified_at == chat.last_modified_at
    assert desk.armed == [desk.armed[0], plus(chat.last_modified_at, 3600)]


async def test_leaving_in_time_tells_nothing(desk: Desk) -> None:
    """Completing the chat drops its timer in the same unit."""
    await rule(desk)
    chat = await handled(desk)
    assert len(await rules_armed(desk, chat)) == 1
    await desk.chats.complete("dd", chat.id, ANA, None, KEY)
    assert await rules_armed(desk, chat) == []
    desk.clock.go(7200)
    await desk.fire()
    assert "chat.dwelled" not in desk.types


async def test_an_update_without_a_new_status_leaves_the_timer(desk: Desk) -> None:
    """Inviting, talking and joining again do not begin the stay anew."""
    await rule(desk)
    chat = await handled(desk)
    before = await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"])
    desk.clock.go(60)
    await desk.chats.join("dd", chat.id, "dd~m~2", KEY)
    await desk.chats.say("dd", chat.id, ANA, "Hello", KEY)
    assert await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"]) == before


async def test_a_rule_counts_for_those_that_are_there_already(desk: Desk) -> None:
    """One is over the threshold and told at once, one is not yet, one is in another status."""
    first = await handled(desk)
    desk.clock.go(5000)
    second = await handled(desk, contact=2)
    made = await rule(desk)
    assert desk.types.count("chat.dwelled") == 1
    assert desk.publisher.drafts[-1].subject.id == first.id
    assert desk.publisher.drafts[-1].meta["lateBySeconds"] == 0
    assert await rules_armed(desk, second) == [made.id]
    desk.clock.go(3600)
    await desk.fire()
    assert desk.types.count("chat.dwelled") == 2


async def test_the_walk_goes_on_after_a_crash_and_arms_once(desk: Desk) -> None:
    """More chats than a page; between two pages everything is forgotten but the database."""
    base = await handled(desk)
    for number in range(450):
        desk.store.put(replace(base, id=f"c-{number:04}", sequence=2))
    made = await desk.rules.create("dd", HANDLED, KEY, ORIGIN)
    pages = 0
    while due := await desk.store.timers.due(desk.clock.now(), 1):
        [firing] = await desk.timers.fire(due, desk.clock.now())
        await desk.store.commit(_unit(due[0], firing))
        pages += 1
    assert pages == 3
    armed = [one for one in desk.store.all_of("dd", "timer") if one.rule == made.id]
    assert len(armed) == 451
    await desk.pass_time(30, step=10)
    assert [one for one in desk.store.all_of("dd", "timer") if one.rule == made.id] == armed
    assert [one for one in desk.store.all_of("dd", "timer") if one.rule == ARMING] == []


def _unit(timer: Timer, firing: Firing) -> Unit:
    return Unit(changes=firing.changes, guards=(MustTimer(timer=timer),))


async def test_a_change_that_did_not_see_the_new_rule_is_met_by_the_second_walk(desk: Desk) -> None:
    """It read the rules before the rule was there and was written after the first walk had passed by."""
    made: list[Any] = []

    async def be_faster() -> None:
        made.append(await rule(desk))

    chat = await desk.chats.request("dd", KEY, contact_id=1)
    desk.store.before_commit.append(be_faster)
    chat = await desk.chats.join("dd", chat.id, ANA, KEY)
    assert await rules_armed(desk, chat) == []
    desk.clock.go(10)
    await desk.fire()
    assert await rules_armed(desk, chat) == [made[0].id]


async def test_the_second_walk_tells_nothing_again(desk: Desk) -> None:
    """A short stay was told between the two walks."""
    await handled(desk)
    await rule(desk, longerThanSeconds=2)
    await desk.pass_time(60)
    assert desk.types.count("chat.dwelled") == 1


async def test_a_changed_rule_begins_anew(desk: Desk) -> None:
    """Its timers go, those of the new threshold come; other words change nothing."""
    made = await rule(desk)
    chat = await handled(desk)
    desk.clock.go(3600)
    await desk.fire()
    spent = await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"])
    assert spent[0].due_at == NEVER
    await desk.rules.change("dd", made.id, {"description": "Long chats"}, KEY, ORIGIN)
    await desk.pass_time(20)
    assert await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"]) == spent
    changed = await desk.rules.change("dd", made.id, {"longerThanSeconds": 7200}, KEY, ORIGIN)
    assert (changed.version, changed.description) == (3, "Long chats")
    await desk.fire()
    [timer] = await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"])
    assert timer.due_at == plus(chat.last_modified_at, 7200)


async def test_a_stale_timer_of_a_changed_rule_is_put_right(desk: Desk) -> None:
    """A change on its way armed by the old threshold; the second walk sees it, and firing early tells nothing."""
    made = await rule(desk)
    chat = await desk.chats.request("dd", KEY, contact_id=1)

    async def be_faster() -> None:
        await desk.rules.change("dd", made.id, {"longerThanSeconds": 60}, KEY, ORIGIN)
        await desk.fire()

    desk.store.before_commit.append(be_faster)
    chat = await desk.chats.join("dd", chat.id, ANA, KEY)
    desk.clock.go(10)
    await desk.fire()
    [timer] = await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"])
    assert timer.due_at == plus(chat.last_modified_at, 60)
    desk.store.put(replace(await desk.rules.get("dd", made.id), longer_than_s=600))
    desk.clock.go(60)
    await desk.fire()
    [timer] = await desk.store.timers.of_subjects("dd", [f"chat:{chat.id}"])
    assert timer.due_at == plus(chat.last_modified_at, 600)
    assert "chat.dwelled" not in desk.types


async def test_disabled_and_deleted_rules_tell_nothing(desk: Desk) -> None:
    """Their timers are gone with them; enabling arms again."""
    made = await rule(desk)
    chat = await handled(desk)
    await desk.rules.change("dd", made.id, {"enabled": False}, KEY, ORIGIN)
    await desk.fire()
    assert await rules_armed(desk, chat) == []
    await desk.rules.change("dd", made.id, {"enabled": True}, KEY, ORIGIN)
    await desk.fire()
    assert await rules_armed(desk, chat) == [made.id]
    await desk.rules.delete("dd", made.id, KEY, ORIGIN)
    desk.clock.go(7200)
    await desk.fire()
    assert await desk.store.timers.count() == 0
    assert "chat.dwelled" not in desk.types
    with pytest.raises(NotFound):
        await desk.rules.get("dd", made.id)


async def test_repetitions(desk: Desk) -> None:
    """Told after an hour, and twice again every 10 minutes."""
    await rule(desk, repeatEverySeconds=600, repeatMax=2)
    await handled(desk)
    await desk.pass_time(3 * 3600, step=60)
    assert desk.types.count("chat.dwelled") == 3
    assert [one.sequence for one in desk.publisher.drafts] == [1, 2, 3, 4, 5]


async def test_a_reported_chat_stays_since_when_it_says(desk: Desk) -> None:
    """Other software tells that it has been handled for two hours; a later report of completion ends it."""
    await rule(desk)
    now = desk.clock.now()
    two_hours_ago = format_instant(plus(now, -7200))
    told = {
        "creator": {"userId": CORA}, "status": "handled", "lastModifiedDateTime": format_instant(now),
        "report": {"handledDateTime": two_hours_ago},
    }  # fmt: skip
    await desk.chats.report("dd", "x-1", told, KEY)
    await desk.fire()
    assert desk.types[-1] == "chat.dwelled"
    assert desk.publisher.drafts[-1].meta["since"] == two_hours_ago
    await desk.chats.report("dd", "x-1", {"status": "completed"}, KEY)
    assert await desk.store.timers.of_subjects("dd", ["chat:x-1"]) == ()


async def test_a_report_into_the_same_status_again_is_a_new_stay(desk: Desk) -> None:
    """Handled, created, handled: the later stay has its own timer, with a higher epoch."""
    await rule(desk)
    await desk.chats.report("dd", "x-1", {"creator": {"userId": CORA}, "status": "handled"}, KEY)
    [first] = await desk.store.timers.of_subjects("dd", ["chat:x-1"])
    desk.clock.go(100)
    await desk.chats.report("dd", "x-1", {"status": "created"}, KEY)
    assert await desk.store.timers.of_subjects("dd", ["chat:x-1"]) == ()
    await desk.chats.report("dd", "x-1", {"status": "handled"}, KEY)
    [second] = await desk.store.timers.of_subjects("dd", ["chat:x-1"])
    assert second.epoch > first.epoch
    assert second.since == plus(first.since, 100)


# tickets


async def test_a_ticket_that_stays_in_a_status(desk: Desk) -> None:
    """Two days in Approval Required; `changes` is empty, and moving on ends it."""
    await rule(desk, subject="ticket", status=4, longerThanSeconds=172_800)
    ticket = await desk.tickets.create("dd", KEY, {"title": "Licence", "contactId": 1, "statusId": 4})
    desk.clock.go(172_800)
    await desk.fire()
    assert desk.types == ["ticket.created", "ticket.dwelled"]
    told = desk.publisher.drafts[-1]
    body = json.loads(told.head + b"}")
    assert (body["status"]["name"], body["changes"], told.changed) == ("Approval Required", {}, None)
    assert body["link"] == f"https://desk.example/desk/agent/tickets/{ticket.id}"
    assert told.meta["thresholdSeconds"] == 172_800
    await desk.tickets.change("dd", ticket.id, {"statusId": 5}, KEY)
    assert await desk.store.timers.count() == 0


@pytest.mark.parametrize("leave", ["change", "close", "delete", "report"])
async def test_every_way_out_of_a_status_drops_the_timer(desk: Desk, leave: str) -> None:
    """Changed, closed, deleted or reported."""
    await rule(desk, subject="ticket", status="1", longerThanSeconds=60)
    ticket = await desk.tickets.create("dd", KEY, {"title": "Licence", "contactId": 1})
    await desk.tickets.note("dd", ticket.id, {"text": "still there"}, KEY)
    assert len(await desk.store.timers.of_subjects("dd", [f"ticket:{ticket.id}"])) == 1
    if leave == "change":
        await desk.tickets.change("dd", ticket.id, {"statusId": 2}, KEY)
    elif leave == "close":
        await desk.tickets.close("dd", ticket.id, KEY)
    elif leave == "delete":
        await desk.tickets.delete("dd", ticket.id, KEY)
    else:
        await desk.tickets.report("dd", ticket.id, {"status": {"name": "Waiting"}}, KEY)
    assert await desk.store.timers.of_subjects("dd", [f"ticket:{ticket.id}"]) == ()


async def test_a_reopened_and_a_reported_ticket_are_armed(desk: Desk) -> None:
    """Every way into a status arms."""
    await rule(desk, subject="ticket", status="1", longerThanSeconds=60)
    ticket = await desk.tickets.create("dd", KEY, {"title": "Licence", "contactId": 1})
    await desk.tickets.close("dd", ticket.id, KEY)
    await desk.tickets.reopen("dd", ticket.id, KEY)
    assert len(await desk.store.timers.of_subjects("dd", [f"ticket:{ticket.id}"])) == 1
    await desk.tickets.delete("dd", ticket.id, KEY)
    assert await desk.store.timers.of_subjects("dd", [f"ticket:{ticket.id}"]) == ()
    await desk.tickets.report("dd", ticket.id, {"title": "Licence"}, KEY)
    assert len(await desk.store.timers.of_subjects("dd", [f"ticket:{ticket.id}"])) == 1
    await desk.tickets.report("dd", "PSA-1", {"title": "Other"}, KEY)
    assert len([one for one in desk.store.all_of("dd", "timer") if one.subject.startswith("ticket:")]) == 2


# creators who are gone


async def asked_on_the_page(desk: Desk) -> tuple[Chat, Any]:
    """A contact with an open page asks for a chat there; the browser loads the page anew."""
    before = OpenPage(desk.presence, "dd", CORA)
    await before.renew()
    is_open = desk.presence.is_open("dd", CORA)
    chat = await desk.chats.request("dd", KEY, contact_id=1, has_page=True, page_open=is_open)
    assert await rules_armed(desk, chat) == [GONE]
    after = OpenPage(desk.presence, "dd", CORA)
    await after.renew()
    await shut(before)
    return chat, after


async def shut(page: Any) -> None:
    """The page is closed; what follows is written in this turn of the loop."""
    page.close()
    await asyncio.sleep(0)


async def test_a_creator_who_closed_the_page_is_treated_as_leaving(desk: Desk) -> None:
    """Two minutes after the last page was closed, while nobody answered: missed, by the system."""
    chat, page = await asked_on_the_page(desk)
    desk.clock.go(50)
    await shut(page)
    page.close()
    desk.clock.go(119)
    await desk.fire()
    assert desk.types == ["chat.created"]
    desk.clock.go(1)
    await desk.fire()
    assert desk.types == ["chat.created", "chat.missed"]
    missed = await desk.chats.get("dd", chat.id)
    assert (missed.status, missed.users, missed.report.creator_waited_s) == ("missed", (), 170)
    assert desk.publisher.drafts[-1].by == SYSTEM
    assert await desk.store.timers.count() == 0


async def test_an_open_page_keeps_the_chat(desk: Desk) -> None:
    """For as long as it is open, and while another one still is."""
    _, page = await asked_on_the_page(desk)
    second = OpenPage(desk.presence, "dd", CORA)
    await second.renew()
    for _ in range(100):
        desk.clock.go(10)
        await page.renew()
        await desk.fire()
    await shut(page)
    for _ in range(100):
        desk.clock.go(10)
        await second.renew()
        await desk.fire()
    assert desk.types == ["chat.created"]


async def test_coming_back_in_time(desk: Desk) -> None:
    """Closed, and opened again after 100 s."""
    _, page = await asked_on_the_page(desk)
    await shut(page)
    desk.clock.go(100)
    again = OpenPage(desk.presence, "dd", CORA)
    await again.renew()
    desk.clock.go(100)
    await desk.fire()
    assert desk.types == ["chat.created"]


async def test_a_browser_that_was_closed_right_after_asking(desk: Desk) -> None:
    """Its new page never opened: the lease that was armed with the chat runs out."""
    page = OpenPage(desk.presence, "dd", CORA)
    await page.renew()
    await desk.chats.request("dd", KEY, contact_id=1, has_page=True, page_open=True)
    await shut(page)
    await desk.pass_time(200)
    assert desk.types == ["chat.created", "chat.missed"]


async def test_an_answered_chat_is_not_missed(desk: Desk) -> None:
    """The agent joined: the creator may go."""
    chat, page = await asked_on_the_page(desk)
    await desk.chats.join("dd", chat.id, ANA, KEY)
    assert await rules_armed(desk, chat) == []
    await shut(page)
    desk.clock.go(500)
    await desk.fire()
    assert desk.types == ["chat.created", "chat.handled"]
    assert await desk.store.timers.count() == 0


async def test_a_chat_made_by_api_never_ends_so(desk: Desk) -> None:
    """It has no page, even when its creator happens to open one."""
    await desk.chats.request("dd", KEY, contact_id=1)
    page = OpenPage(desk.presence, "dd", CORA)
    await page.renew()
    await shut(page)
    desk.clock.go(10_000)
    await desk.fire()
    assert desk.types == ["chat.created"]


async def test_a_crash_with_an_open_page(desk: Desk) -> None:
    """The lease runs out by itself; slept through, the creator gets two minutes to be back."""
    chat, _ = await asked_on_the_page(desk)
    desk.clock.go(3600)
    await desk.fire()
    assert desk.types == ["chat.created"]
    assert await rules_armed(desk, chat) == [GONE]
    desk.clock.go(120)
    await desk.fire()
    assert desk.types == ["chat.created", "chat.missed"]


async def test_a_page_without_script_is_no_sign(desk: Desk) -> None:
    """No stream was open: nothing is known about the creator, so nothing ends."""
    await desk.chats.request("dd", KEY, contact_id=1, has_page=True)
    desk.clock.go(10_000)
    await desk.fire()
    assert desk.types == ["chat.created"]


# messages


async def test_a_burst_of_messages_is_told_at_once_and_at_its_end(desk: Desk) -> None:
    """The first at once, the others together after 5 s, with the newest lastMessageId."""
    chat = await handled(desk)
    for second in range(4):
        await desk.chats.say("dd", chat.id, ANA, f"message {second}", KEY)
        desk.clock.go(1)
    assert desk.types.count("chat.updated") == 1
    assert desk.armed[-1] == plus(desk.clock.now(), 1)
    desk.clock.go(0.9)
    await desk.fire()
    assert desk.types.count("chat.updated") == 1
    desk.clock.go(0.1)
    await desk.fire()
    assert desk.types.count("chat.updated") == 2
    newest = (await desk.chats.messages("dd", chat.id))[-1].id
    assert json.loads(desk.publisher.drafts[-1].head + b"}")["lastMessageId"] == newest
    assert [one.sequence for one in desk.publisher.drafts] == [1, 2, 3, 4]
    desk.clock.go(60)
    await desk.fire()
    assert desk.types.count("chat.updated") == 2


async def test_an_unbroken_conversation_is_told_every_five_seconds(desk: Desk) -> None:
    """A message a second for a minute."""
    chat = await handled(desk)
    for second in range(60):
        await desk.chats.say("dd", chat.id, ANA, f"message {second}", KEY)
        await desk.pass_time(1)
    await desk.pass_time(10)
    assert desk.types.count("chat.updated") == 13


async def test_gathered_messages_are_told_over_a_restart(desk: Desk) -> None:
    """The end of the 5 s was slept through; and a message that comes before is told together with them."""
    chat = await handled(desk)
    await desk.chats.say("dd", chat.id, ANA, "one", KEY)
    await desk.chats.say("dd", chat.id, ANA, "two", KEY)
    assert await rules_armed(desk, chat) == [GATHERED]
    desk.clock.go(3600)
    await desk.chats.say("dd", chat.id, ANA, "three", KEY)
    await desk.fire()
    assert desk.types.count("chat.updated") == 2
    await desk.chats.say("dd", chat.id, ANA, "four", KEY)
    desk.clock.go(3600)
    await desk.fire()
    assert desk.types.count("chat.updated") == 3


async def test_gathered_messages_are_told_after_the_end_of_the_chat(desk: Desk) -> None:
    """Who listens to chat.updated alone misses no message."""
    chat = await handled(desk)
    await desk.chats.say("dd", chat.id, ANA, "one", KEY)
    await desk.chats.say("dd", chat.id, ANA, "bye", KEY)
    await desk.chats.complete("dd", chat.id, ANA, None, KEY)
    await desk.pass_time(5)
    assert desk.types[-2:] == ["chat.completed", "chat.updated"]


@pytest.mark.parametrize(
    ("second", "maker_key", "hop"), [(KEY, "key_1", 1), (BO, None, 1), (replace(KEY, id="key_2"), None, 1)]
)
async def test_loop_guards_hold_for_gathered_messages(
    desk: Desk, second: Actor, maker_key: str | None, hop: int
) -> None:
    """The key that posted all of them is the maker; with a message of somebody else its webhook is told."""
    chat = await handled(desk)
    await desk.chats.say("dd", chat.id, ANA, "told", KEY)
    await desk.chats.say("dd", chat.id, ANA, "one", KEY, hop=1)
    await desk.chats.say("dd", chat.id, ANA, "two", second)
    await desk.pass_time(5)
    event = desk.publisher.drafts[-1]
    assert (event.by, event.maker_key, event.hop) == (second, maker_key, hop)
    assert event.occurred_at - chat.last_modified_at == 5 * TICKS_PER_SECOND


# what can be asked for


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"subject": "approval"}, "/subject"),
        ({"status": "closed"}, "/status"),
        ({"subject": "ticket", "status": 99}, "/status"),
        ({"subject": "ticket", "status": "New"}, "/status"),
        ({"longerThanSeconds": 0}, "/longerThanSeconds"),
        ({"longerThanSeconds": 10**9}, "/longerThanSeconds"),
        ({"longerThanSeconds": None}, "/longerThanSeconds"),
        ({"repeatMax": 3}, "/repeatEverySeconds"),
        ({"repeatEverySeconds": 60, "repeatMax": 0}, "/repeatMax"),
        ({"businessHours": {"days": [1], "from": "9", "to": "17:00"}}, "/businessHours/from"),
        ({"businessHours": {"days": [1], "from": "17:00", "to": "09:00"}}, "/businessHours/to"),
        ({"businessHours": {"days": [8], "from": "09:00", "to": "17:00"}}, "/businessHours/days/0"),
        ({"businessHours": {"days": [], "from": "09:00", "to": "17:00"}}, "/businessHours/days"),
        ({"businessHours": {**MONDAYS, "timeZone": "Mars"}}, "/businessHours/timeZone"),
        ({"businessHours": {"from": "09:00", "to": "24:00"}}, "/businessHours/days"),
        ({"businessHours": {**MONDAYS, "to": "09:01"}, "longerThanSeconds": 3601}, "/longerThanSeconds"),
        ({"zone": "UTC"}, "/zone"),
    ],
)  # fmt: skip
async def test_faults_are_told_at_their_place(desk: Desk, change: dict[str, Any], pointer: str) -> None:
    """And nothing is stored."""
    with pytest.raises(Invalid) as refused:
        await rule(desk, **change)
    assert pointer in [fault.pointer for fault in refused.value.faults]
    assert await desk.rules.list("dd") == ()


async def test_a_rule_is_patched_like_any_json(desk: Desk) -> None:
    """null removes, objects are merged, the zone is the site's unless told."""
    hours = {"days": [5, 1], "from": "09:00", "to": "17:00"}
    made = await rule(desk, businessHours=hours, repeatEverySeconds=60)
    assert json.loads(made.business_hours)["timeZone"] == "UTC"
    assert json.loads(made.business_hours)["days"] == [1, 5]
    assert made.repeat_max == 1
    changed = await desk.rules.change("dd", made.id, {"businessHours": {"from": "08:00"}}, KEY, ORIGIN)
    assert json.loads(changed.business_hours or "")["from"] == "08:00"
    assert json.loads(changed.business_hours or "")["to"] == "17:00"
    changed = await desk.rules.change(
        "dd", made.id, {"businessHours": None, "repeatEverySeconds": None, "repeatMax": None}, KEY, ORIGIN
    )
    assert (changed.business_hours, changed.repeat_every_s, changed.repeat_max) == (None, None, 0)
    assert await desk.rules.change("dd", made.id, {}, KEY, ORIGIN) == changed
    with pytest.raises(Conflict):
        await desk.rules.change("dd", made.id, {"enabled": False}, KEY, ORIGIN, if_version=1)


async def test_every_change_is_audited_in_its_unit(desk: Desk) -> None:
    """Who, what, before and after."""
    made = await rule(desk)
    await desk.rules.change("dd", made.id, {"enabled": False}, KEY, ORIGIN)
    await desk.rules.delete("dd", made.id, KEY, ORIGIN)
    entries = [unit.audit for unit in desk.store.units if unit.audit is not None]
    assert [one.operation for one in entries] == ["dwell_rule.create", "dwell_rule.change", "dwell_rule.delete"]
    assert {(one.object_id, one.actor, one.request_id) for one in entries} == {(made.id, KEY, "req_1")}
    assert [one.before is None for one in entries] == [True, False, False]
    assert [one.after is None for one in entries] == [False, False, True]


async def test_what_is_offered_until_it_is_there(desk: Desk) -> None:
    """The three that most desks want."""
    bodies = await desk.rules.offered("dd")
    assert [(one["subject"], one["status"], one["longerThanSeconds"]) for one in bodies] == [
        ("chat", "handled", 3600),
        ("chat", "created", 120),
        ("ticket", "4", 172_800),
    ]
    for body in bodies:
        await desk.rules.create("dd", body, KEY, ORIGIN)
    assert await desk.rules.offered("dd") == ()


async def test_a_site_has_so_many_rules(desk: Desk) -> None:
    """Beyond, one is deleted first."""
    for _ in range(50):
        await desk.rules.create("dd", HANDLED, KEY, ORIGIN)
    with pytest.raises(Conflict, match="at most 50"):
        await desk.rules.create("dd", HANDLED, KEY, ORIGIN)
