"""The audit in every store: found by who, what and when; its beginning cut, and nothing else."""

from typing import Any

import pytest

from contract.made import OTHER, SITE, at, entry, inserts, site
from deskbell.accounts import AuditReader
from deskbell.model.audit import AuditFilter, AuditPlace
from deskbell.model.changes import Committed, PurgeAudit, Refused, Unit
from deskbell.model.people import Actor, ActorKind
from deskbell.ports import Store

ANA = Actor(kind=ActorKind.PERSON, name="Ana Ruiz", id="usr_1")


async def filled(store: Store) -> None:
    """Five rows of a site, one of another."""
    await store.commit(inserts(site()))
    rows: list[dict[str, Any]] = [
        {"operation": "site.create"},
        {"operation": "webhook.create", "actor": ANA},
        {"operation": "webhook.change", "actor": ANA, "object_id": "whk_2"},
        {"operation": "key.create"},
        {"operation": "webhooks.other", "actor": ANA},
    ]
    for number, members in enumerate(rows):
        await store.commit(Unit(changes=(), audit=entry(at=at(number), **members)))
    await store.commit(Unit(changes=(), audit=entry(site=OTHER)))


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"actor": "usr_1"}, [2, 3, 5]),
        ({"actor": "Ana Ruiz", "operation": "webhook.*"}, [2, 3]),
        ({"operation": "webhook.create"}, [2]),
        ({"operation": "webhook"}, []),
        ({"object_id": "whk_2"}, [3]),
        ({"since": at(1), "until": at(3)}, [2, 3]),
        ({"actor": "%"}, []),
    ],
)
async def test_found(store: Store, members: dict[str, Any], found: list[int]) -> None:
    """Every member of a filter must hold; a group is a noun with all its verbs."""
    await filled(store)
    which = AuditFilter(**members)
    assert [row.seq for row in await store.audit.range(SITE, 0, 9, which)] == found
    assert [row.seq for row in await store.audit.page(SITE, None, 9, which)] == found[::-1]
    assert [row.seq for row in await store.audit.page(SITE, 3, 1, which)] == [n for n in found[::-1] if n < 3][:1]


async def test_beginning_is_cut(store: Store) -> None:
    """Rows up to the checkpoint go; a false hash, or one that is gone, changes nothing; the next row follows."""
    await filled(store)
    rows = await store.audit.range(SITE, 0, 9)
    false = Unit(changes=(PurgeAudit(site=SITE, seq=3, hash=rows[3].hash),), audit=entry())
    assert isinstance(await store.commit(false), Refused)
    assert await store.audit.checkpoint(SITE) is None
    cut = Unit(changes=(PurgeAudit(site=SITE, seq=3, hash=rows[2].hash),), audit=entry())
    assert await store.commit(cut) == Committed(rows=3)
    assert isinstance(await store.commit(cut), Refused)
    assert await store.audit.checkpoint(SITE) == AuditPlace(seq=3, hash=rows[2].hash)
    assert [row.seq for row in await store.audit.range(SITE, 0, 9)] == [4, 5, 6]
    assert await store.schema.check() == ()
    further = Unit(changes=(PurgeAudit(site=SITE, seq=4, hash=rows[3].hash),), audit=entry())
    assert await store.commit(further) == Committed(rows=1)
    assert (await store.audit.range(SITE, 6, 9))[0].previous_hash == (await store.audit.range(SITE, 5, 1))[0].hash
    assert len(await store.audit.range(OTHER, 0, 9)) == 1
    assert (await AuditReader(store=store).check(SITE)).broken == 5  # no row tells of the cut
