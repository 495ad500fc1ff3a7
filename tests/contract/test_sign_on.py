"""A site's provider in every store."""

from dataclasses import replace

from contract.made import OTHER, SITE, inserts, sign_on, site
from deskbell.model.account import Role
from deskbell.model.changes import Committed, DeleteRow, Refused, Replace, Unit
from deskbell.ports import Store


async def test_sign_on(store: Store) -> None:
    """One for each site, with versions; gone when it is deleted."""
    mine, other = sign_on(roles={"a": Role.ADMIN}), sign_on(site=OTHER)
    assert await store.commit(inserts(site(), site(OTHER), mine, other)) == Committed()
    assert await store.sites.sign_on(SITE) == mine
    assert await store.sites.sign_ons() == (mine, other)
    newer = replace(mine, version=2, label="Other")
    assert await store.commit(Unit(changes=(Replace(row=newer),))) == Committed()
    assert isinstance(await store.commit(Unit(changes=(Replace(row=newer),))), Refused)
    assert await store.sites.sign_on(SITE) == newer
    assert [one.row for one in await store.sealed.page("sign_on", None, 9)] == [newer, other]
    gone = Unit(changes=(DeleteRow(site=SITE, kind="signon", key=("oidc",)),))
    assert await store.commit(gone) == Committed()
    assert await store.sites.sign_on(SITE) is None
