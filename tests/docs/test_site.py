"""The site: its navigation names all there is; with the extra `docs` it is built, and asks nothing of other servers."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT


def named(nav: Any) -> list[str]:
    """Return the files that a navigation names, in their order."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [file for part in parts for file in named(part)]


NAMED = named(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])


def test_navigation_names_every_page_once():
    pages = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")]
    pages += [f"docs/examples/{path.name}.md" for path in (ROOT / "docs" / "examples").glob("*.py")]
    assert sorted(name for name in NAMED if name.startswith("docs/")) == sorted(pages)


def test_navigation_names_every_public_package_once():
    packages = {f"irkit.{path.parent.name}" for path in (ROOT / "irkit").glob("*/__init__.py")} - {
        "irkit.cli",
        "irkit.table",
    }
    expected = {"irkit", "irkit.errors", *packages}
    assert sorted(name for name in NAMED if name.startswith("reference/")) == sorted(
        f"reference/{name}.md" for name in expected
    )


def test_index_of_the_guide_links_every_page_of_it():
    index = (ROOT / "docs" / "guide" / "index.md").read_text()
    pages = {path.name for path in (ROOT / "docs" / "guide").glob("*.md")} - {"index.md"}
    assert pages <= set(re.findall(r"\]\(([^)#/]+\.md)", index))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for package in ("material", "mkdocstrings_handlers.python"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_site_has_a_page_for_all_that_is_named(site):
    for name in NAMED:
        page = site / ("index.html" if name == "README.md" else name.removesuffix(".md") + ".html")
        assert page.is_file(), name


@pytest.mark.slow
def test_signatures_list_settings(site):
    page = html.unescape(re.sub(r"<[^>]+>", "", (site / "reference" / "irkit.html").read_text()))
    assert re.search(r"RM3\(\s*index: [^)]*fb_terms: int = 30", page)
    assert not re.search(r"\(\s*\*\*settings", page)


@pytest.mark.slow
def test_search_finds_names_settings_and_prose(site):
    index = json.loads((site / "search" / "search_index.json").read_text())
    places = {entry["location"] for entry in index["docs"]}
    assert {
        "reference/irkit.rank.html#irkit.rank.RankNet",
        "reference/irkit.expand.html#irkit.expand.relevance.RM3Config.fb_terms",
        "docs/guide/evaluation.html#beyond-accuracy",
    } <= places


@pytest.mark.slow
def test_site_asks_nothing_of_other_servers(site):
    for page in site.rglob("*.html"):
        asked = re.findall(r"<(?:script|link|img)\b[^>]*(?:src|href)=\"?(https?:[^\">\s]+)", page.read_text())
        assert not asked, f"{page.name}: {asked}"
