"""Who acts and who is acted on: companies, contacts, agents, and the User shape of the wire."""

from dataclasses import dataclass
from enum import StrEnum

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant


class ActorKind(StrEnum):
    """What kind of party did something."""

    PERSON = "person"  # a user of the portal
    KEY = "key"  # an API key ("script")
    SYSTEM = "system"  # Deskbell itself
    AGENT = "agent"
    CONTACT = "contact"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who did something."""

    kind: ActorKind
    name: str
    id: str | None = None  # usr_…, key_… or a userId


SYSTEM = Actor(kind=ActorKind.SYSTEM, name="system")


@dataclass(frozen=True, kw_only=True)
class CompanyRef:
    """A company as it stands inside a User."""

    entity_id: int
    name: str
    identifier: str


@dataclass(frozen=True, kw_only=True)
class User:
    """A person as they stand in a chat or ticket (wire.md 2.1)."""

    entity_id: int
    name: str
    user_id: str  # <msp>~<c|m>~<entityId>
    company: CompanyRef | None = None  # contacts have one, agents do not

    @property
    def is_agent(self) -> bool:
        """Agents are `m` (member) on the wire."""
        return "~m~" in self.user_id


@dataclass(frozen=True, kw_only=True)
class Company:
    """A client company of the site."""

    site: SiteId
    entity_id: int
    name: str
    identifier: str
    external_id: str | None = None  # key in another desk's software
    created_at: Instant
    version: int = 1

    @property
    def ref(self) -> CompanyRef:
        """How users carry it."""
        return CompanyRef(entity_id=self.entity_id, name=self.name, identifier=self.identifier)


@dataclass(frozen=True, kw_only=True)
class Contact:
    """An end user who belongs to a company."""

    site: SiteId
    entity_id: int
    name: str
    email: str | None = None
    company: CompanyRef | None = None
    external_id: str | None = None
    created_at: Instant
    version: int = 1

    @property
    def user(self) -> User:
        """How chats and tickets carry them."""
        return User(
            entity_id=self.entity_id, name=self.name, user_id=f"{self.site}~c~{self.entity_id}", company=self.company
        )


@dataclass(frozen=True, kw_only=True)
class Agent:
    """A technician; `member` on the wire."""

    site: SiteId
    entity_id: int
    name: str
    email: str | None = None
    external_id: str | None = None
    created_at: Instant
    version: int = 1

    @property
    def user(self) -> User:
        """How chats and tickets carry them."""
        return User(entity_id=self.entity_id, name=self.name, user_id=f"{self.site}~m~{self.entity_id}")
