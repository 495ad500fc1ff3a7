"""Erase a subject: what webhooks keep of a chat, a ticket, a contact or a caller's own subject is blanked for good.

Ids, types and times stay, so the log still says what was sent when, and the desk's own rows still count.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from deskbell.model.account import Caller, Permission
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import DropTimers, EraseSubject, Overwrite, PutMeta, Refused, Unit
from deskbell.model.errors import Forbidden, NotFound
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId, EventId, SiteId
from deskbell.model.inspector import Capture
from deskbell.model.instant import Instant
from deskbell.model.people import Contact
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.ports import Clock, Store
from deskbell.rules.erasing import blanked, erased_mark, names_user
from deskbell.webhooks.audit_view import as_json
from deskbell.webhooks.erasing_desk import erase_rows, has_rows, subjects_of
from deskbell.webhooks.ground import actor_of, refusal_of

Subject = tuple[str, str]
ROWS = 200
_CAPTURES = 50
_COUNT_MAX = 1_000_000_000
_WAITING = ("waiting", "gathering")


@dataclass(frozen=True, kw_only=True)
class Erasable:
    """What is kept of a subject."""

    subject: Subject  # as it was found, e.g. by the number of a ticket
    title: str | None  # of its newest event; the name of a contact
    subjects: tuple[Subject, ...]  # of a contact: the chats and tickets that name them as well
    events: int
    waiting: int  # deliveries that would be cancelled


class Erasures:
    """Only owners erase. Nothing brings back what was erased, a restored backup neither."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        site_changed: Callable[[SiteId], None],
        note: Callable[[EraseSubject], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._site_changed = site_changed
        self._note = note

    async def look(self, caller: Caller, subject: Subject) -> Erasable:
        """Count what would be erased. Raises Forbidden, or NotFound when nothing of it is kept."""
        must_own(caller)
        contact = await self._contact(caller.site, subject)
        known = await self._known(caller.site, subject) if contact is None else (subject[0], str(contact.entity_id))
        also = () if contact is None else await self._naming(caller.site, contact.user.user_id, known)
        subjects = (known, *also)
        kept = [one for one in subjects if await has_rows(self._store, caller.site, one)]
        events = waiting = 0
        for one in subjects:
            events += await self._store.events.count(caller.site, EventFilter(subject=one))
            which = DeliveryFilter(subject=one, states=_WAITING)
            waiting += await self._store.deliveries.count(caller.site, which, _COUNT_MAX)
        if not events and not kept:
            raise NotFound("Nothing is kept of this subject: no event names it, and the desk does not know it.")
        title = await self._title(caller.site, known) if contact is None else contact.name
        return Erasable(subject=known, title=title, subjects=subjects, events=events, waiting=waiting)

    async def erase(self, caller: Caller, subject: Subject, *, origin: Origin) -> Erasable:
        """Erase it now. Noted beside the database first, so that no restored backup forgets it."""
        found = await self.look(caller, subject)
        carrying = {row for one in found.subjects for row in await self._carrying(caller.site, one)}
        for number, one in enumerate(found.subjects):
            now = self._clock.now()
            change = EraseSubject(site=caller.site, subject=one, at=now)
            await self._note(change)
            mark = PutMeta(key=erased_mark(caller.site, one), value=str(int(now)))
            entry = self._entry(caller, origin, found) if number == 0 else None
            disarmed = DropTimers(site=caller.site, subject=":".join(one))  # else it would be told again later
            verdict = await self._store.commit(Unit(changes=(change, disarmed, mark), audit=entry))
            refused = verdict if isinstance(verdict, Refused) else await erase_rows(self._store, caller.site, one)
            if refused is not None:
                raise refusal_of(refused)
        self._site_changed(caller.site)  # what waits in memory holds the content still: it is read anew
        await self._blank_captures(caller.site, carrying)
        return found

    async def erased_at(self, event: Event) -> Instant | None:
        """When the content of an event was erased; None when it was not, or nobody knows."""
        if not event.is_erased or event.subject is None:
            return None
        text = await self._store.schema.meta(erased_mark(event.site, (event.subject.type, event.subject.id)))
        return None if text is None else Instant(int(text))

    async def _contact(self, site: SiteId, subject: Subject) -> Contact | None:
        """The contact of the desk that is meant, by entity id, external id or userId."""
        kind, key = subject
        mark = f"{site}~c~"
        return await self._store.people.contact(site, key.removeprefix(mark)) if kind == "contact" else None

    async def _known(self, site: SiteId, subject: Subject) -> Subject:
        """The subject as events name it: a ticket may be given by its external id."""
        ticket = await self._store.desk.ticket(site, subject[1]) if subject[0] == "ticket" else None
        return subject if ticket is None else (subject[0], ticket.id)

    async def _title(self, site: SiteId, subject: Subject) -> str | None:
        newest = await self._store.events.page(site, EventFilter(subject=subject), None, 1)
        return newest[0].subject.title if newest and newest[0].subject is not None else None

    async def _naming(self, site: SiteId, user_id: str, known: Subject) -> tuple[Subject, ...]:
        """The subjects whose events name this person, found by reading every one: this is rare, and must be whole."""
        found: dict[Subject, None] = dict.fromkeys(await subjects_of(self._store, site, user_id))
        before: str | None = None
        while rows := await self._store.events.page(site, EventFilter(), before, ROWS):
            before = rows[-1].id
            for row in rows:
                if row.subject is not None and names_user(row.snapshot, user_id):
                    found[row.subject.type, row.subject.id] = None
        found.pop(known, None)
        return tuple(found)

    async def _carrying(self, site: SiteId, subject: Subject) -> set[DeliveryId]:
        """The deliveries of a subject's events."""
        found: set[DeliveryId] = set()
        before: str | None = None
        while rows := await self._store.events.page(site, EventFilter(subject=subject), before, ROWS):
            before = rows[-1].id
            ids: tuple[EventId, ...] = tuple(row.id for row in rows)
            found.update(row.id for row in await self._store.deliveries.carrying(site, ids))
        return found

    async def _blank_captures(self, site: SiteId, deliveries: set[DeliveryId]) -> None:
        """What the inspector caught of these deliveries."""
        for bin_ in await self._store.bins.all(site):
            before: int | None = None
            while rows := await self._store.bins.captures(site, bin_.id, before, _CAPTURES):
                before = rows[-1].seq
                await self._overwrite(blanked(row) for row in rows if row.delivery_id in deliveries)

    async def _overwrite(self, rows: Iterable[Capture]) -> None:
        changes = tuple(Overwrite(row=row) for row in rows)
        verdict = await self._store.commit(Unit(changes=changes)) if changes else None
        if isinstance(verdict, Refused):
            raise refusal_of(verdict)

    def _entry(self, caller: Caller, origin: Origin, found: Erasable) -> AuditEntry:
        after = {"subjects": [":".join(one) for one in found.subjects][:ROWS], "events": found.events}
        return AuditEntry(
            site=caller.site,
            at=self._clock.now(),
            actor=actor_of(caller),
            operation="subject.erase",
            object_id=":".join(found.subject),
            address=origin.address,
            request_id=origin.request_id,
            after=as_json({**after, "cancelled": found.waiting}),
        )


def must_own(caller: Caller) -> None:
    """Raises Forbidden unless an owner asks, or a key that an owner made."""
    if not caller.may(Permission.SITE_OWNER):
        raise Forbidden("Only owners can erase content.")
