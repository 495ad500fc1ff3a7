"""What companies, contacts and agents are made of, and how a body changes them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from deskbell.desk.ids import ENTITY_ID_MAX, EXTERNAL_KEY
from deskbell.desk.reading import Reading
from deskbell.model.people import Agent, Company, CompanyRef, Contact
from deskbell.rules.limits import Limits

PersonRow = Company | Contact | Agent
R = TypeVar("R", Company, Contact, Agent)
_MEMBERS = {
    "company": ("name", "identifier", "entityId", "externalId"),
    "contact": ("name", "email", "companyId", "entityId", "externalId"),
    "agent": ("name", "email", "entityId", "externalId"),
}
_SPACES = re.compile(r"\s+")


def read_person(noun: str, body: Mapping[str, Any], limits: Limits, *, creating: bool) -> Reading:
    """A body that has been checked for unknown and missing members; read on, then call `done`."""
    reading = Reading(body, limits)
    reading.unknown(_MEMBERS[noun])
    if creating or reading.told("name"):
        reading.required("name")
    if not creating:
        for name in ("entityId", "externalId"):
            if reading.told(name):
                reading.fault(name, "fixed", "This stays as it was given at first. Leave it out.")
    reading.integer("entityId", 1, ENTITY_ID_MAX)
    reading.pattern("externalId", EXTERNAL_KEY, "1 to 128 visible ASCII characters")
    return reading


def default_identifier(name: str) -> str:
    """A company's identifier when none is given: its name without spaces."""
    return _SPACES.sub("", name)


def changed_company(old: Company, reading: Reading) -> Company:
    """The company with what the body tells; versions are not counted here."""
    name = reading.line("name") or old.name
    identifier = reading.line("identifier") or old.identifier or default_identifier(name)
    return replace(old, name=name, identifier=identifier)


def changed_agent(old: Agent, reading: Reading) -> Agent:
    """The agent with what the body tells; a null e-mail address removes it."""
    email = reading.email("email") if reading.told("email") else old.email
    return replace(old, name=reading.line("name") or old.name, email=email)


def changed_contact(old: Contact, reading: Reading, company: CompanyRef | None) -> Contact:
    """The contact with what the body tells; `company` is the one that stands from now on."""
    email = reading.email("email") if reading.told("email") else old.email
    return replace(old, name=reading.line("name") or old.name, email=email, company=company)
