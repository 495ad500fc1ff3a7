"""The pages about filters and templates: every example works, and the language is described as it is."""

import json
import re

import pytest

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.rules.expression_source import FILTERS, TESTS
from deskbell.rules.limits import Limits
from deskbell.rules.rehearsal import Sample, frozen_sample, samples_of
from deskbell.rules.templates import read_template, root_of
from deskbell.webhooks import WebhookSpec
from deskbell.webhooks.checks_content import as_webhook, told_of
from house.source import ROOT

DOCS = ROOT / "docs"
LIMITS = Limits()
SITE = Site(site=SiteId("dd"), name="DeskDirector", created_at=Instant(0))
ONLY_WHEN = re.findall(
    r"<!-- filter: ([^>]*) -->\n```jinja\n(.*?)\n```", (DOCS / "how-to" / "only-when.md").read_text(), re.S
)
PAYLOADS = re.findall(
    r"<!-- template: (\S+) -->\n```json\n(.*?)```.*?<!-- gives -->\n```json\n(.*?)```",
    (DOCS / "how-to" / "your-own-payload.md").read_text(),
    re.S,
)


def spec(types: str, **members: object) -> WebhookSpec:
    """A webhook with these settings."""
    return WebhookSpec(description="d", receiver_url=None, event_types=tuple(types.split()), **members)  # type: ignore[arg-type]  # any


def test_there_are_examples() -> None:
    """The pages have them, so that the tests below cannot pass by finding nothing."""
    assert (len(ONLY_WHEN), len(PAYLOADS)) == (7, 2)


@pytest.mark.parametrize(("types", "source"), ONLY_WHEN)
def test_filters(types: str, source: str) -> None:
    """Each is taken for its types, and names only members that there are."""
    told = told_of(spec(types, filter=source), SITE, LIMITS, {})
    assert told.faults == ()
    assert told.warnings == ()


@pytest.mark.parametrize(("event_type", "template", "gives"), PAYLOADS)
def test_templates(event_type: str, template: str, gives: str) -> None:
    """Each makes of the typical sample what the page says."""
    shaped = spec(event_type, format="template", template=json.loads(template))
    told = told_of(shaped, SITE, LIMITS, {})
    assert (told.faults, told.warnings) == ((), ())
    [typical] = [one for one in samples_of((event_type,), "dd", {}) if one.name == "typical"]
    assert json.loads(rendered(shaped, typical)) == json.loads(gives)


def rendered(shaped: WebhookSpec, sample: Sample) -> bytes:
    """The payload of a sample."""
    found, _ = read_template(shaped.template, LIMITS)
    assert found is not None
    return found.render(root_of(frozen_sample(sample, as_webhook(shaped, SITE), SITE)), data_bytes=1, zone="UTC")


def test_the_reference_has_every_filter_and_test() -> None:
    """And no other."""
    text = (DOCS / "reference" / "expressions.md").read_text()
    filters, tests = text.split("## Tests")
    named = re.findall(r"`([a-z_]+)(?:\([^`]*\))?`", filters.split("## Filters")[1])
    assert set(named) - {"value", "name"} == FILTERS
    assert set(re.findall(r"`([a-z_]+)(?:\([^`]*\))?`", tests.split("## Limits")[0])) == TESTS


def test_the_reference_has_the_limits_in_force() -> None:
    """The numbers of the table are the defaults."""
    text = (DOCS / "reference" / "expressions.md").read_text().split("## Limits")[1]
    for number in (
        LIMITS.expression_chars_max, LIMITS.template_bytes_max, LIMITS.template_expressions_max,
        LIMITS.rendered_bytes_max, LIMITS.filter_fuel, LIMITS.template_fuel, LIMITS.template_depth_max,
    ):  # fmt: skip
        assert f"{number:,}" in text
