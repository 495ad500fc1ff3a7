"""Whatever JSON comes in: settings, or faults; never an error of ours."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.receivers import KINDS
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy
from deskbell.webhooks.checks import check_spec
from deskbell.webhooks.site_patch import SHAPES as SITE_SHAPES
from deskbell.webhooks.site_patch import patched_site
from deskbell.webhooks.spec import SHAPES, patch
from webhooks.office import spec

SITE = Site(site=SiteId("dd"), name="DD", created_at=Instant(0))
TEXTS = st.text(max_size=40) | st.sampled_from(
    ["\ud800", "https://a.example/", "chat.*", "x" * 5_000, "\0", "hex", "desk", "Europe/Vienna", "{id}"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


def members(names: Any) -> Any:
    """An object with members of the API, mostly."""
    return st.dictionaries(st.sampled_from(sorted(names)) | TEXTS, JSON, max_size=6)


@settings(deadline=None)
@given(members({*SHAPES, "secret"}))
def test_settings_of_a_webhook(given_members: dict[str, Any]) -> None:
    """A merge patch of anything is judged; where nothing is wrong, it can be read and applied again."""
    found = patch(spec(), given_members)
    faults = (*found.faults, *check_spec(found.spec, SITE, UrlPolicy(), Limits(), KINDS))
    assert all(one.pointer.startswith("/") and one.code and one.detail for one in faults)
    if not found.faults:
        assert patch(found.spec, given_members).spec == found.spec


@settings(deadline=None)
@given(members(SITE_SHAPES))
def test_settings_of_a_site(given_members: dict[str, Any]) -> None:
    """A site's patch is applied or refused with a fault at a member."""
    found = site_or_faults(given_members)
    if isinstance(found, Site):
        assert patched_site(found, given_members, Limits()) == found
    else:
        assert found
        assert all(one.pointer.startswith("/") for one in found)


def site_or_faults(given_members: dict[str, Any]) -> Site | tuple[FaultAt, ...]:
    """The patched site, or why not."""
    try:
        return patched_site(SITE, given_members, Limits())
    except Invalid as refusal:
        return refusal.faults
