"""Create, change, remove and upsert for one noun of people; the three nouns fill in what differs."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Generic

from deskbell.desk.ids import EXTERNAL_KEY, NUMBER_KEY, person_key
from deskbell.desk.person_rules import R, read_person
from deskbell.desk.reading import Reading
from deskbell.desk.writing import Plan, Writer
from deskbell.model.changes import Change, DeleteRow, Insert, Replace
from deskbell.model.errors import Conflict, FaultAt, Invalid, NotFound
from deskbell.model.ids import SiteId
from deskbell.ports import Clock, Store
from deskbell.rules.limits import Limits

Changed = Callable[[SiteId, str, str], None]


class PersonStore(ABC, Generic[R]):
    """Use cases of one noun. Keys are the entity id, the `userId`, or another desk's own key."""

    noun: str
    letter: str = ""

    def __init__(self, *, store: Store, writer: Writer, clock: Clock, limits: Limits, changed: Changed) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._limits = limits
        self._changed = changed

    @abstractmethod
    async def find(self, site: SiteId, key: str) -> R | None:
        """The row under the entity id or external id."""

    @abstractmethod
    async def list(self, site: SiteId) -> tuple[R, ...]:
        """All of the site, by entity id."""

    @abstractmethod
    async def _blank(self, site: SiteId, entity_id: int, external_id: str | None) -> R: ...

    @abstractmethod
    async def _filled(self, old: R, reading: Reading) -> R: ...

    async def _also(self, old: R, new: R) -> tuple[Change, ...]:
        """Rows that change along with this one."""
        return ()

    async def _must_be_free(self, row: R) -> None:
        """Raise Conflict when the row cannot be removed."""

    async def get(self, site: SiteId, key: int | str) -> R:
        """The row. Raises NotFound."""
        found = await self.find(site, person_key(site, self.letter, key))
        if found is None:
            raise NotFound(f"There is no {self.noun} {str(key)[:64]!r} on this site.")
        return found

    async def create(self, site: SiteId, body: Mapping[str, Any]) -> R:
        """A new row. Raises Invalid, or Conflict when the given ids are taken."""

        async def plan() -> Plan[R]:
            reading = read_person(self.noun, body, self._limits, creating=True)
            given, external_id = body.get("entityId"), body.get("externalId")
            number = given if isinstance(given, int) else await self._store.people.next_number(site, self.noun)
            blank = await self._blank(site, number, external_id if isinstance(external_id, str) else None)
            row = await self._filled(blank, reading)
            reading.done()
            await self._must_be_new(site, given, external_id)
            return Plan(value=row, changes=(Insert(row=row),))

        return await self._written(site, plan)

    async def change(self, site: SiteId, key: int | str, body: Mapping[str, Any]) -> R:
        """The row with these members changed. Raises NotFound, Invalid."""

        async def plan() -> Plan[R]:
            old = await self.get(site, key)
            return await self._change_plan(old, read_person(self.noun, body, self._limits, creating=False))

        return await self._written(site, plan)

    async def upsert(self, site: SiteId, key: str, body: Mapping[str, Any]) -> R:
        """The row under this key, made when there is none: digits are the entity id, else another desk's key."""
        if NUMBER_KEY.fullmatch(key) is None and EXTERNAL_KEY.fullmatch(key) is None:
            raise Invalid(faults=(FaultAt(pointer="", code="key_form", detail="A key is digits or visible ASCII."),))
        own = {name: value for name, value in body.items() if name not in ("entityId", "externalId", "userId")}

        async def plan() -> Plan[R]:
            old = await self.find(site, key)
            reading = read_person(self.noun, own, self._limits, creating=old is None)
            if old is not None:
                return await self._change_plan(old, reading)
            digits = NUMBER_KEY.fullmatch(key) is not None
            number = int(key) if digits else await self._store.people.next_number(site, self.noun)
            row = await self._filled(await self._blank(site, number, None if digits else key), reading)
            reading.done()
            return Plan(value=row, changes=(Insert(row=row),))

        return await self._written(site, plan)

    async def remove(self, site: SiteId, key: int | str) -> None:
        """Delete the row. Raises NotFound, or Conflict while others need it."""

        async def plan() -> Plan[R]:
            row = await self.get(site, key)
            await self._must_be_free(row)
            gone = DeleteRow(site=site, kind=self.noun, key=(row.entity_id,))
            return Plan(value=row, changes=(gone,))

        await self._written(site, plan)

    async def _change_plan(self, old: R, reading: Reading) -> Plan[R]:
        filled = await self._filled(old, reading)
        reading.done()
        if filled == old:
            return Plan(value=old)
        new: R = replace(filled, version=old.version + 1)
        return Plan(value=new, changes=(Replace(row=new), *await self._also(old, new)))

    async def _must_be_new(self, site: SiteId, entity_id: Any, external_id: Any) -> None:
        for key in (entity_id, external_id):
            if key is not None and await self.find(site, str(key)) is not None:
                raise Conflict(f"There is already a {self.noun} {key!r}. Use PUT to change it.")

    async def _written(self, site: SiteId, plan: Any) -> R:
        done = await self._writer.carry_out(site, plan)
        row: R = done.value
        if done.changed:
            self._changed(site, self.noun, str(row.entity_id))
        return row
