"""Companies, contacts and agents."""

from typing import Any

import pytest

from desk.conftest import Desk
from deskbell.model.errors import Conflict, Invalid, NotFound


async def test_numbers_count_and_may_be_given(desk: Desk) -> None:
    """entityId goes on from the highest, or is given; a taken one is a conflict."""
    contact = await desk.people.contacts.create("dd", {"name": "Dan", "companyId": 5, "email": "Dan@Example.org"})
    assert (contact.user.user_id, contact.email) == ("dd~c~3", "dan@example.org")
    given = await desk.people.companies.create("dd", {"name": "New Co", "entityId": 50})
    assert (given.entity_id, given.identifier) == (50, "NewCo")
    with pytest.raises(Conflict):
        await desk.people.companies.create("dd", {"name": "Again", "entityId": 50})


async def test_a_renamed_company_is_renamed_in_its_contacts(desk: Desk) -> None:
    """Contacts carry their company's new name at once."""
    await desk.people.companies.change("dd", 5, {"name": "Acme Group"})
    contact = await desk.people.contacts.get("dd", 1)
    assert contact.company is not None
    assert contact.company.name == "Acme Group"


async def test_upsert_by_number_and_by_foreign_key(desk: Desk) -> None:
    """Digits are the entityId, any other key is kept as externalId; the same body again changes nothing."""
    agents = desk.people.agents
    assert (await agents.upsert("dd", "77", {"name": "Gus"})).entity_id == 77
    made = await agents.upsert("dd", "hr/4711", {"name": "Hal"})
    assert (made.external_id, made.entity_id) == ("hr/4711", 78)
    units = len(desk.store.units)
    assert await agents.upsert("dd", "hr/4711", {"name": "Hal"}) == made
    assert len(desk.store.units) == units
    assert (await agents.upsert("dd", "hr/4711", {"email": "hal@example.org"})).version == 2
    with pytest.raises(Invalid):
        await agents.upsert("dd", "with space", {"name": "x"})


async def test_removing(desk: Desk) -> None:
    """A company with contacts stays; without any it goes, and is found no more."""
    with pytest.raises(Conflict, match="Cora"):
        await desk.people.companies.remove("dd", 5)
    for number in (1, 2):
        await desk.people.contacts.remove("dd", number)
    await desk.people.companies.remove("dd", 5)
    with pytest.raises(NotFound):
        await desk.people.companies.get("dd", 5)


async def test_a_login_acts_as_one_agent(desk: Desk) -> None:
    """The agent of an e-mail address is made at first use and found again."""
    first = await desk.people.agent_for_email("dd", "Olga@example.org", "Olga")
    assert await desk.people.agent_for_email("dd", "olga@example.org", "Olga") == first
    assert (await desk.people.user("dd", first.user.user_id)).name == "Olga"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x", "email": "nobody"}, "/email"),
        ({"name": "x", "companyId": 99}, "/companyId"),
        ({"name": "x", "entityId": -1}, "/entityId"),
        ({"name": "x", "externalId": "a b"}, "/externalId"),
        ({"name": "x", "age": 7}, "/age"),
    ],
)
async def test_contacts_that_are_not_valid(desk: Desk, body: dict[str, Any], pointer: str) -> None:
    """Each fault is told at its member."""
    with pytest.raises(Invalid) as refused:
        await desk.people.contacts.create("dd", body)
    assert [fault.pointer for fault in refused.value.faults] == [pointer]
