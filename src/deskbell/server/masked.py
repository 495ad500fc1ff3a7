"""What is masked for whom: viewers see payloads without secrets and without what their site has masked."""

from deskbell.model.account import Caller
from deskbell.ports import Store
from deskbell.rules.permissions import sees_payloads
from deskbell.rules.redacting_paths import Paths


async def masked_paths(caller: Caller, store: Store) -> Paths | None:
    """The site's own members to mask for this caller; None: they see everything."""
    if sees_payloads(caller.role):
        return None
    site = await store.sites.get(caller.site)
    return () if site is None else site.redact
