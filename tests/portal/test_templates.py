"""What templates may and may not hold."""

import re
from importlib import resources
from pathlib import Path

import pytest

TEMPLATES = Path(str(resources.files("deskbell.portal") / "templates"))
HTML = sorted(TEMPLATES.rglob("*.html"))
BANNED = (
    "endpoint", "subscription", "destination", "topic", "notification", "tenant", "redrive", "resend", "broker",
    "notifier", "registry",
)  # fmt: skip
HTMX = {"hx-get", "hx-post", "hx-target", "hx-swap", "hx-push-url", "hx-trigger", "hx-sync", "hx-swap-oob"}


def ids(path: Path) -> str:
    """A template's name in test reports."""
    return str(path.relative_to(TEMPLATES))


@pytest.mark.parametrize("path", HTML, ids=ids)
def test_no_template_needs_what_the_policy_forbids(path: Path) -> None:
    """No inline script, style or handler."""
    text = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*src=)", text)


@pytest.mark.parametrize("path", HTML, ids=ids)
def test_no_template_asks_another_host(path: Path) -> None:
    """Works offline: addresses of others are text only."""
    text = path.read_text("utf-8")
    assert not re.search(r"(src|href|action|data-src|hx-get|hx-post)=\"https?:", text)


@pytest.mark.parametrize("path", HTML, ids=ids)
def test_templates_use_the_words_of_the_product(path: Path) -> None:
    """One word for one thing."""
    text = path.read_text("utf-8").lower()
    for word in BANNED:
        assert word not in text, word
    assert "!<" not in text


@pytest.mark.parametrize("path", HTML, ids=ids)
def test_only_the_agreed_subset_of_htmx(path: Path) -> None:
    """So that one file can be swapped for another version."""
    assert set(re.findall(r"\b(hx-[a-z-]+)=", path.read_text("utf-8"))) <= HTMX


@pytest.mark.parametrize("path", HTML, ids=ids)
def test_every_posted_form_carries_the_csrf_field(path: Path) -> None:
    """And no other form does."""
    text = path.read_text("utf-8")
    for form in re.findall(r"<form\b.*?</form>", text, flags=re.DOTALL):
        posts = re.match(r'<form\b[^>]*method="post"', form) is not None
        assert posts == ("csrf_field()" in form), form[:120]


@pytest.mark.parametrize("path", HTML, ids=ids)
def test_escaping_is_never_switched_off(path: Path) -> None:
    """Foreign text is text."""
    text = path.read_text("utf-8")
    assert "|safe" not in text.replace(" ", "")
    assert "autoescape" not in text
