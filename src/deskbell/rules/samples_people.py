"""The people of the samples, in a plain and in a far-travelled spelling."""

from dataclasses import dataclass

from deskbell.model.instant import Instant, parse_instant
from deskbell.model.people import CompanyRef, User


def sample_start() -> Instant:
    """When every sample begins."""
    return parse_instant("2026-11-23T14:11:09.589Z")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who plays in a sample, and what they say."""

    contact: User
    colleague: User
    agent: User
    second_agent: User
    title: str
    text: str
    note: str
    tags: tuple[str, ...]
    field_name: str


def plain_cast(site: str) -> Cast:
    """Names in ASCII."""
    company = CompanyRef(entity_id=20417, name="Kestrel Dental", identifier="KestrelDental")
    return Cast(
        contact=_contact(site, 311, "Priya Nair", company),
        colleague=_contact(site, 312, "Tom Becker", company),
        agent=_agent(site, 12, "Sam Ortiz"),
        second_agent=_agent(site, 15, "Ana Lindqvist"),
        title="Printer on level 2 is offline",
        text="It shows a paper jam, but there is none.",
        note="Replaced the roller and printed a test page.",
        tags=("printer", "level-2"),
        field_name="Serial number",
    )


def unicode_cast(site: str) -> Cast:
    """Names with accents, other scripts, both writing directions, emoji, quotes and line breaks."""
    company = CompanyRef(entity_id=20418, name='Žluťoučký kůň & "Söhne" <GmbH>', identifier="株式会社こま鳥")
    return Cast(
        contact=_contact(site, 313, "Zoë Ångström-O’Neill 🦊", company),
        colleague=_contact(site, 314, "محمد الفارسي", company),
        agent=_agent(site, 16, "渡辺 さくら"),
        second_agent=_agent(site, 17, "Łukasz Żółć"),
        title='Drucker «Flur 2» zeigt 100 % \\ "Papierstau" 🖨️',
        text="Première ligne\nשורה שנייה\tе́ 👩‍👩‍👧‍👦",
        note="Erledigt ✓ – 完了 <b>nicht fett</b> & fertig",
        tags=("büro", "緊急"),
        field_name="Numéro de série",
    )


def _contact(site: str, number: int, name: str, company: CompanyRef) -> User:
    return User(entity_id=number, name=name, user_id=f"{site}~c~{number}", company=company)


def _agent(site: str, number: int, name: str) -> User:
    return User(entity_id=number, name=name, user_id=f"{site}~m~{number}")
