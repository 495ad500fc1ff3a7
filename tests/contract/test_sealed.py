"""Rows with sealed fields are walked through and written anew only as they were read; a value is kept only once."""

from dataclasses import replace

import pytest

from contract.made import OTHER, account, at, inserts, secret, site, webhook
from deskbell.model.account import SecondFactor
from deskbell.model.changes import Committed, MustMeta, PutMeta, Refused, Replace, Reseal, Unit
from deskbell.ports import Store
from deskbell.rules.sealed_fields import SEALED


async def test_every_table_is_walked_in_the_order_of_its_keys(store: Store) -> None:
    """For all sites, page by page, each row once."""
    hooks = [webhook(), webhook(), webhook(site=OTHER)]
    assert await store.commit(inserts(site(), site(OTHER), *hooks)) == Committed()
    assert await store.commit(inserts(*(secret(one) for one in hooks))) == Committed()
    newer = replace(hooks[0], version=2, description="Again")
    assert await store.commit(Unit(changes=(Replace(row=newer),))) == Committed()
    for table, count in zip((one.table for one in SEALED if one.table in EXPECTED), (3, 4, 3), strict=True):
        found, after = [], None
        while rows := await store.sealed.page(table, after, 2):
            found += rows
            after = rows[-1].key
        assert len(found) == count
        assert [one.key for one in found] == sorted(one.key for one in found)
        assert {one.key[0] for one in found} == {"dd", "other"}


EXPECTED = ("webhook", "webhook_version", "secret")


async def test_a_row_is_written_anew_only_as_it_was_read(store: Store) -> None:
    """One that was changed meanwhile is passed over, the others of the change are written; versions stay."""
    hooks = [webhook(), webhook()]
    await store.commit(inserts(site(), *hooks))
    rows = await store.sealed.page("webhook", None, 10)
    changed = replace(hooks[0], version=2, description="Changed meanwhile")
    await store.commit(Unit(changes=(Replace(row=changed),)))
    anew = [replace(one.row, receiver_url=replace(one.row.receiver_url, sealed=b"anew")) for one in rows]
    unit = Unit(changes=(Reseal(rows=tuple(zip(rows, anew, strict=True))),))
    assert await store.commit(unit) == Committed(rows=1)
    assert await store.webhooks.get(hooks[0].site, hooks[0].id) == changed
    assert await store.webhooks.get(hooks[1].site, hooks[1].id) == anew[1]
    assert await store.commit(unit) == Committed(rows=0)


async def test_users_are_written_anew(store: Store) -> None:
    """The secret of a second factor, and one whose first code is awaited."""
    factor = SecondFactor(sealed=b"old", since=at(1), last_step=3, recovery=("a" * 64,))
    with_both, without = account(second_factor=factor, enrolling=b"begun"), account(email="bo@example.com")
    await store.commit(inserts(site(), with_both, without))
    rows = await store.sealed.page("user", None, 10)
    assert {one.row for one in rows} == {with_both, without}
    (own,) = [one for one in rows if one.row == with_both]
    anew = replace(with_both, second_factor=replace(factor, sealed=b"new"), enrolling=b"newer")
    assert await store.commit(Unit(changes=(Reseal(rows=((own, anew),)),))) == Committed(rows=1)
    assert set(await store.accounts.users(with_both.site)) == {anew, without}


async def test_secrets_and_versions_are_written_anew(store: Store) -> None:
    """Each table by its own statement."""
    hook = webhook()
    await store.commit(inserts(site(), hook))
    await store.commit(inserts(secret(hook)))
    (version,) = await store.sealed.page("webhook_version", None, 10)
    (own,) = await store.sealed.page("secret", None, 10)
    old = replace(version.row, headers={"x-key": b"anew"})
    pairs = ((version, old), (own, replace(own.row, sealed=b"anew")))
    assert await store.commit(Unit(changes=(Reseal(rows=pairs),))) == Committed(rows=2)
    assert await store.webhooks.version(hook.site, hook.id, 1) == old
    assert [one.sealed for one in await store.webhooks.secrets(hook.site, hook.id)] == [b"anew"]


@pytest.mark.parametrize("before", ["", "first"])
async def test_a_value_is_changed_only_as_it_was_read(store: Store, before: str) -> None:
    """Of two steps on one value, the second is refused; so is one that expects a value where there is none."""
    if before:
        await store.commit(Unit(changes=(PutMeta(key="a", value=before),)))
    step = Unit(changes=(PutMeta(key="a", value="mine"),), guards=(MustMeta(key="a", value=before),))
    assert await store.commit(step) == Committed()
    assert await store.commit(replace(step, changes=(PutMeta(key="a", value="late"),))) == Refused(
        reason="meta", what="a"
    )
    assert await store.schema.meta("a") == "mine"
    absent = Unit(changes=(PutMeta(key="b", value="x"),), guards=(MustMeta(key="b", value="y"),))
    assert await store.commit(absent) == Refused(reason="meta", what="b")
    assert await store.schema.meta("b") is None
