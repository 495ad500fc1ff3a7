"""Dwell rules: made, changed and deleted; each change arms anew whoever is in the status already."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deskbell.desk.arming import walk
from deskbell.desk.dwell_reading import CHAT_STATUSES, merged, offered, read_rule, rule_body
from deskbell.desk.ids import new_rule_id
from deskbell.desk.lists import Lists
from deskbell.desk.writing import Armed, Plan, Writer
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import Change, DeleteRow, DropRule, Insert, MustVersion, Replace
from deskbell.model.errors import Conflict, NotFound
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor
from deskbell.model.timer import DwellRule
from deskbell.ports import Clock, Publisher, Random, Store
from deskbell.rules.limits import Limits


class DwellRules:
    """Use cases of dwell rules. Every one raises NotFound, Invalid or Conflict as fits."""

    def __init__(
        self, *, store: Store, publisher: Publisher, clock: Clock, random: Random, limits: Limits, armed: Armed
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._limits = limits
        self._writer = Writer(store=store, publisher=publisher, limits=limits, armed=armed)
        self._lists = Lists(store=store, writer=self._writer, limits=limits)

    async def list(self, site: SiteId) -> tuple[DwellRule, ...]:
        """The rules, oldest first."""
        return await self._store.desk.dwell_rules(site)

    async def get(self, site: SiteId, rule_id: str) -> DwellRule:
        """One rule."""
        found = next((rule for rule in await self.list(site) if rule.id == rule_id), None)
        if found is None:
            raise NotFound("There is no such dwell rule on this site.")
        return found

    async def offered(self, site: SiteId) -> tuple[dict[str, Any], ...]:
        """Bodies of rules that most desks want and this one does not have yet."""
        known = {(rule.subject, rule.status) for rule in await self.list(site)}
        bodies = offered(await self._lists.get(site))
        return tuple(body for body in bodies if (body["subject"], body["status"]) not in known)

    async def status_names(self, site: SiteId) -> dict[tuple[str, str], str]:
        """What a rule can wait in, by subject and status, with the names that people know."""
        lists = await self._lists.get(site)
        return {
            **{("chat", status): status for status in CHAT_STATUSES},
            **{("ticket", str(status.id)): status.name for status in lists.statuses},
        }

    async def create(self, site: SiteId, body: Mapping[str, Any], by: Actor, origin: Origin) -> DwellRule:
        """A new rule; it also counts for those that are in the status already."""

        async def plan() -> Plan[DwellRule]:
            now = self._clock.now()
            rule = await self._read(site, new_rule_id(now, self._random), body, now)
            if len(await self.list(site)) >= self._limits.dwell_rules_max:
                raise Conflict(f"A site has at most {self._limits.dwell_rules_max} dwell rules. Delete one first.")
            audit = _entry(rule, now, by, origin, "create", None, rule_body(rule))
            return Plan(value=rule, changes=(Insert(row=rule), *_walk(rule, now)), audit=audit)

        return (await self._writer.carry_out(site, plan)).value

    async def change(
        self,
        site: SiteId,
        rule_id: str,
        patch: Mapping[str, Any],
        by: Actor,
        origin: Origin,
        *,
        if_version: int | None = None,
    ) -> DwellRule:
        """JSON merge patch. A rule that waits for something else begins anew: what is too long is told again."""

        async def plan() -> Plan[DwellRule]:
            old, now = await self.get(site, rule_id), self._clock.now()
            if if_version is not None and if_version != old.version:
                detail = f"The rule has changed: now it is version {old.version}. Read it again, then change it."
                raise Conflict(detail, reason="version")
            read = await self._read(site, rule_id, merged(_known(old), patch), now)
            new = replace(read, created_at=old.created_at, version=old.version)
            if new == old:
                return Plan(value=old)
            new = replace(new, version=old.version + 1)
            dropped = (DropRule(site=site, rule=rule_id),) if _waits_otherwise(old, new) else ()
            audit = _entry(new, now, by, origin, "change", rule_body(old), rule_body(new))
            return Plan(value=new, changes=(Replace(row=new), *dropped, *_walk(new, now)), audit=audit)

        return (await self._writer.carry_out(site, plan)).value

    async def delete(self, site: SiteId, rule_id: str, by: Actor, origin: Origin) -> None:
        """The rule and its timers are gone."""

        async def plan() -> Plan[DwellRule]:
            old = await self.get(site, rule_id)
            key = (rule_id,)
            return Plan(
                value=old,
                changes=(DeleteRow(site=site, kind="dwellrule", key=key), DropRule(site=site, rule=rule_id)),
                guards=(MustVersion(site=site, kind="dwellrule", key=key, version=old.version),),
                audit=_entry(old, self._clock.now(), by, origin, "delete", rule_body(old), None),
            )

        await self._writer.carry_out(site, plan)

    async def _read(self, site: SiteId, rule_id: str, body: Mapping[str, Any], at: Instant) -> DwellRule:
        row = await self._store.sites.get(site)
        zone = row.time_zone if row else "UTC"
        return read_rule(body, site, rule_id, zone, await self._lists.get(site), at, self._limits)


def _known(rule: DwellRule) -> dict[str, Any]:
    return {name: value for name, value in rule_body(rule).items() if value not in (None, "")}


def _walk(rule: DwellRule, now: Instant) -> tuple[Change, ...]:
    return (walk(rule, now),) if rule.enabled else ()


def _waits_otherwise(old: DwellRule, new: DwellRule) -> bool:
    """Whether more changed than words."""
    return replace(new, description=old.description, version=old.version) != old


def _entry(rule: DwellRule, now: Instant, by: Actor, origin: Origin, verb: str, before: Any, after: Any) -> AuditEntry:
    return AuditEntry(
        site=rule.site,
        at=now,
        actor=by,
        operation=f"dwell_rule.{verb}",
        object_id=rule.id,
        address=origin.address,
        request_id=origin.request_id,
        before=None if before is None else json.dumps(before, ensure_ascii=False),
        after=None if after is None else json.dumps(after, ensure_ascii=False),
    )
