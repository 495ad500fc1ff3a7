"""The documents hang together: links lead somewhere, the menu has every page, deploy files name what exists."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from deskbell.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link and picture is a file."""
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_menu_has_every_page() -> None:
    """mkdocs.yml names each page below docs/, and none that is not there."""
    named = set(re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M))
    assert named == {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}


@pytest.mark.parametrize("file", ["deskbell.service", "Dockerfile"])
def test_deploy_files_start_what_exists(file: str) -> None:
    """The options after `serve` are options that `serve` has."""
    text = (ROOT / "deploy" / file).read_text()
    [started] = re.findall(r"^(?:ExecStart=.*|CMD \[\")serve\b(.*)$", text, re.M)
    options = set(re.findall(r"--[a-z-]+", started))
    assert options <= set(re.findall(r"--[a-z-]+", CliRunner().invoke(main, ["serve", "--help"]).output))
    assert "--host" in options


def test_image_is_made_from_what_exists() -> None:
    """Each file that the Dockerfile copies from the checkout is there, and the ignore file lets it through."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text(), re.M)
    files = [name for line in copied for name in line.split()]
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
    let_through = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text()
    assert [name for name in files if f"!{name.split('/')[0]}" not in let_through] == []
