"""Files of the portal: hashed, small, all ours or with licence and hash."""

import gzip
import hashlib
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from deskbell.portal.static_files import StaticFiles, static_files
from portal_kit import DeskApp, Page

STATIC = Path(str(resources.files("deskbell.portal") / "static"))
VENDOR = STATIC / "vendor"
OWN = {"app.css", "app.js", "favicon.svg", "spec.json"}
FOLDER_BYTES_MAX = 300_000
JS_BYTES_MAX, CSS_BYTES_MAX, OWN_JS_BYTES_MAX = 20_000, 10_000, 6_000


def size(name: str) -> int:
    """Bytes as sent."""
    found = next(one for one in static_files().all() if one.name == name)
    return len(found.zipped or found.body)


def test_every_vendored_file_has_its_entry_and_hash() -> None:
    """Nothing foreign comes in without name, version, licence and reason."""
    entries = tomllib.loads((VENDOR / "VENDOR.toml").read_text("utf-8"))
    for name, entry in entries.items():
        path = VENDOR / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"], name
        assert (VENDOR / entry["licence_file"]).is_file()
        assert all(entry[key] for key in ("name", "version", "url", "licence", "why"))
        assert "://" not in entry["url"]
    files = {one.name for one in VENDOR.iterdir() if not one.name.endswith((".txt", ".toml"))}
    assert files == {name for name in entries if "/" not in name}
    own = {one.name for one in STATIC.iterdir() if one.is_file()}
    assert own - {"sprite.svg"} == OWN


def test_what_is_sent_stays_small() -> None:
    """Script, styles and the folder keep to their budgets."""
    assert size("app.js") <= OWN_JS_BYTES_MAX
    assert size("app.js") + size("htmx.min.js") <= JS_BYTES_MAX
    assert size("app.css") <= CSS_BYTES_MAX
    assert sum(one.stat().st_size for one in STATIC.rglob("*") if one.is_file()) <= FOLDER_BYTES_MAX


def test_a_first_visit_stays_below_130_kb(desk_app: DeskApp) -> None:
    """Page, styles, script, both fonts, icons: what a new browser loads."""
    page = desk_app.browser.get("/webhook")
    names = ("app.css", "app.js", "htmx.min.js", "inter.woff2", "jbmono.woff2", "sprite.svg", "favicon.svg")
    assert len(page.text.encode()) + sum(size(name) for name in names) <= 130 * 1024


def test_names_carry_the_hash_of_what_is_sent(desk_app: DeskApp) -> None:
    """A file never changes under its name, so browsers may keep it for ever."""
    for one in static_files().all():
        answer = desk_app.browser.get(f"/static/{one.hashed}")
        assert answer.status == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].split(";")[0] == one.type.split(";")[0]
        assert hashlib.sha256(one.body).hexdigest()[:12] in one.hashed
        if one.zipped:
            assert gzip.decompress(one.zipped) == one.body


@pytest.mark.parametrize("name", ["app.css", "nothing.js", "..%2Fapp.css", "app.000000000000.css"])
def test_only_hashed_names_are_served(desk_app: DeskApp, name: str) -> None:
    """No path of the disk, no guess."""
    assert desk_app.browser.get(f"/static/{name}").status == 404


def test_style_sheets_name_hashed_files() -> None:
    """A new font reaches old browsers because the sheet names it anew."""
    css = next(one for one in static_files().all() if one.name == "app.css").body.decode()
    assert re.findall(r'url\("([^"]+)"\)', css) == [
        static_files().url(name).removeprefix("/static/") for name in ("inter.woff2", "jbmono.woff2")
    ]


def test_a_changed_file_gets_another_name() -> None:
    """Hash and content go together, through the style sheet too."""
    old = StaticFiles({"a.woff2": b"1", "b.css": b'url("a.woff2")'})
    new = StaticFiles({"a.woff2": b"2", "b.css": b'url("a.woff2")'})
    assert old.url("a.woff2") != new.url("a.woff2")
    assert old.url("b.css") != new.url("b.css")


def test_every_icon_that_pages_use_is_in_the_sprite(desk_app: DeskApp) -> None:
    """A missing symbol would be an empty square."""
    symbols = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "sprite.svg").read_text("utf-8")))
    templates = Path(str(resources.files("deskbell.portal") / "templates"))
    used = set(
        re.findall(r"icon\('([a-z0-9-]+)'", "".join(one.read_text("utf-8") for one in templates.rglob("*.html")))
    )
    source = "".join(one.read_text("utf-8") for one in templates.parent.rglob("*.py"))
    used |= set(re.findall(r'icon="([a-z0-9-]+)"', source))
    assert used <= symbols
    for path in ("/webhook", "/deliveries", "/desk/agent", "/inspector"):
        page = Page(desk_app.browser.get(path).text)
        assert {one["href"].partition("#")[2] for one in page.all("use")} <= symbols
