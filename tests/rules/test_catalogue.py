"""The Catalogue is complete, and every sample is what its schema says."""

import json
import re

import pytest

from deskbell.rules.catalogue import CATALOGUE, SAMPLE_NAMES, check_against, find, in_group, nearest, sample
from deskbell.rules.samples import sample_head

NAMES = [one.name for one in CATALOGUE] + ["custom.my_thing.happened"]


def test_names_are_of_the_grammar_and_unique() -> None:
    """Every name has the form of an event type and stands once."""
    names = [one.name for one in CATALOGUE]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}", name) for name in names)


def test_groups_hold_what_the_contract_lists() -> None:
    """Chats have seven types, tickets sixteen, the system seven; each has words."""
    counts = {group: len(in_group(group)) for group in ("chat", "ticket", "custom", "system", "test")}
    assert counts == {"chat": 7, "ticket": 16, "custom": 1, "system": 7, "test": 1}
    assert all(one.title and one.description and one.fires_when for one in CATALOGUE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dialect", ["draft-07", "power-platform"])
def test_every_sample_validates(name: str, dialect: str) -> None:
    """Alone and as a list, against its own schema and its group's."""
    group = name.partition(".")[0] + ".*"
    for sample_name in SAMPLE_NAMES:
        made = sample(name, sample_name)
        assert check_against(name, dialect, made) == ()
        assert check_against(name, dialect, b"[" + made + b"," + made + b"]") == ()
        assert check_against(group, dialect, made) == ()


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_of_their_type_and_site(name: str) -> None:
    """The sample says its type and site, and the four differ but for nothing."""
    made = [json.loads(sample(name, sample_name, site="acme")) for sample_name in SAMPLE_NAMES]
    assert all(one["meta"]["eventType"] == name and one["msp"] == "acme" for one in made)
    assert len({json.dumps(one) for one in made}) == len(SAMPLE_NAMES)
    assert not json.dumps(made[3], ensure_ascii=False).isascii()


@pytest.mark.parametrize("name", [one.name for one in CATALOGUE])
def test_every_member_of_a_sample_has_a_note(name: str) -> None:
    """Every member at the top and in meta is explained in the field notes."""
    paths = {note.path for note in find(name).fields}  # type: ignore[union-attr]  # listed names are found
    for sample_name in SAMPLE_NAMES:
        made = json.loads(sample(name, sample_name))
        assert set(made) | {f"meta.{member}" for member in made["meta"]} <= paths


@pytest.mark.parametrize(
    ("name", "status"),
    [("chat.missed", "missed"), ("chat.callback", "callback"), ("chat.completed", "completed")],
)
def test_a_chat_sample_has_the_status_of_its_event(name: str, status: str) -> None:
    """A chat that was just missed shows as missed."""
    for sample_name in SAMPLE_NAMES:
        made = json.loads(sample(name, sample_name))
        assert made["status"] == made["pastStatus"][-1] == status


@pytest.mark.parametrize("one", in_group("ticket"), ids=lambda one: one.name)
def test_a_ticket_sample_carries_its_change(one: object) -> None:
    """Changed tickets have changes; created, deleted and waiting ones have none."""
    name = one.name  # type: ignore[attr-defined]  # an EventType
    made = json.loads(sample(name, "minimal"))
    assert bool(made["changes"]) is (name not in {"ticket.created", "ticket.deleted", "ticket.dwelled"})


def test_dwelled_says_since_when() -> None:
    """A stay carries since, threshold and lateness in meta."""
    meta = json.loads(sample("chat.dwelled", "minimal"))["meta"]
    assert meta["thresholdSeconds"] == 3600
    assert {"since", "lateBySeconds"} < set(meta)


def test_find_knows_any_custom_name_and_no_other() -> None:
    """Custom types need no declaration; unknown ones are not found."""
    found = find("custom.order.packed")
    assert found is not None
    assert (found.name, found.group) == ("custom.order.packed", "custom")
    assert find("custom.") is None
    assert find("chat.opened") is None


def test_nearest_helps_with_typing_errors() -> None:
    """The nearest names come first, and nothing is better than nonsense."""
    assert nearest("chat.create")[0] == "chat.created"
    assert nearest("tickets.closed")[0] == "ticket.closed"
    assert nearest("zzz") == ()


@pytest.mark.parametrize(
    ("name", "sample_name"),
    [("chat.opened", "minimal"), ("chat.missed", "huge"), ("chat", "minimal"), ("ticket", "minimal")],
)
def test_unknown_samples_are_a_key_error(name: str, sample_name: str) -> None:
    """There is no sample of an unknown type, of a whole group, or of another name."""
    with pytest.raises(KeyError):
        sample(name, sample_name)


def test_a_head_becomes_an_event_of_its_own() -> None:
    """A sample's head carries the event's id where the snapshot has one."""
    assert b'"id":"evt_9"' in sample_head("test.ping", "typical", site="dd", event_id="evt_9")
