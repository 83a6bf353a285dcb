"""Every snippet and every command in the documents runs, and gives what the page shows."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.pages import PROGRESS, ROOT, blocks, pages, places, run, same
from tests.docs.test_mistakes import PAGE as MISTAKES

NEEDS = {"assistants.md": "mcp", "commands.md": "fastapi", "serving.md": "fastapi"}
"Packages of extras that pages are run with."


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in pages() if page != MISTAKES], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_page_shows_what_comes_out(page, tmp_path, tmp_path_factory, monkeypatch):
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name])
    home = tmp_path_factory.mktemp("home") / ".irkit"
    monkeypatch.setenv("IRKIT_HOME", str(home))  # a new user's
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("IRKIT_DATA", raising=False)  # the pages show what a new machine shows
    for shown in run(page, tmp_path):
        failed = [line for line in shown.actual if line.startswith("irkit: ") and line not in shown.expected]
        failed = [line for line in failed if not PROGRESS.match(line)]
        assert not failed, f"{page.name}:{shown.line}: {failed[0]}"
        difference = same(shown.expected, shown.actual, places(tmp_path, home), shown.near)
        assert not difference, f"{page.name}:{shown.line}:\n{difference}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_hides_no_command_in_a_block_that_is_not_run(page):
    for block in blocks(page):
        if block.kind not in {"console", "text", "python"}:
            assert not [line for line in block.lines if line.lstrip("$ ").startswith("irkit ")], (
                f"{page.name}:{block.first}"
            )
        if block.kind == "text":
            assert not [line for line in block.lines if line.startswith("$ irkit ")], f"{page.name}:{block.first}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_readme_names_every_recipe_and_no_other():
    from irkit.recipe import list_recipes

    table = (ROOT / "README.md").read_text().partition("\n## Stages\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[-1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert named == {row.name for row in list_recipes()}


def test_the_package_that_the_guide_shows_is_installed_whole_and_holds_what_it_says():
    page = {block.title: block for block in blocks(ROOT / "docs" / "guide" / "extending.md") if block.title}
    project = tomllib.loads("\n".join(page["pyproject.toml"].lines))
    places = [place for names in project["project"]["entry-points"].values() for place in names.values()]
    modules = {place.partition(":")[0] for place in places}
    assert {module.replace(".", "/") + ".py" for module in modules} == {name for name in page if "extras/" in name}
    assert {module.partition(".")[0] for module in modules} == set(project["tool"]["setuptools"]["packages"])


def test_readme_names_every_stage_as_recipes_do():
    from irkit.registry import STAGES

    table = (ROOT / "README.md").read_text().partition("\n## Stages\n")[2].partition("\n### ")[0]
    cells = [re.sub(r"model `[^`]+`|\(.*\)", "", line.split(" | ")[0]) for line in table.splitlines()]
    named = {name for cell in cells if cell.startswith("| `") for name in re.findall(r"`([^`]+)`", cell)}
    assert named == set(STAGES.shipped)


TABLE = ["system     AP  ms/query   MB", "------  -----  --------  ---", "bm25     0.31       0.5  300"]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (["took 0.8 s"], ["took 12.3 s"]),
        (["a", "...", "z"], ["a", "b", "c", "z"]),
        (["head", "..."], ["head", "more"]),
        (["AP 0.3123"], ["AP 0.3124"]),
        (["ann\t4.04421768707483"], ["ann\t4.044217687074829"]),
        (["made 2026-01-31"], ["made 2027-03-01"]),
        (["the end"], ["the end", ""]),
        (["the end"], ["irkit: ./pools: irgan: 8 of 12 trials, 1 min, 44 s left", "the end"]),
        (TABLE, ["system     AP  ms/query     MB", "------  -----  --------  -----", "bm25     0.31     107.5  1,300"]),
        (["ok       python       3.11.7 at /x"], ["ok       python       3.13.1 at /x"]),
    ],
)
def test_volatile_output_is_the_same(expected, actual):
    assert same(expected, actual) == ""


def test_folders_are_those_that_pages_show():
    assert same(["/home/me/.irkit/a.json"], ["/var/b/a.json"], {"/var/b": "/home/me/.irkit"}) == ""
    assert same(["/home/me/.irkit/a.json"], ["/var/c/a.json"], {"/var/b": "/home/me/.irkit"})


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (["AP 0.3123"], ["AP 0.3153"]),
        (["AP 0.3123"], ["AP 0.312"]),
        (["AP  0.3123"], ["AP 0.3123"]),
        (["  indented"], ["indented"]),
        (["a", "b"], ["a", "", "b"]),
        (["350 documents"], ["351 documents"]),
        (["185 recipes, 44 cards"], ["186 recipes, 44 cards"]),
        (["all 24 that irkit needs"], ["all 25 that irkit needs"]),
        (["ok       bridge       b.jar (100,525 bytes)"], ["ok       bridge       b.jar (100,526 bytes)"]),
        (["a", "b"], ["a"]),
        (["a", "b"], ["a", "b", "c"]),
        (["a"], ["irkit: news: 300 files are documents", "a"]),
        ([], ["printed"]),
        (["a", "...", "z"], ["a", "b"]),
        (["system AP", "bm25 0.31"], ["system AP", "bm26 0.31"]),
        (TABLE, [TABLE[0], TABLE[1], "bm25    0.31        0.5  300"]),
    ],
)
def test_other_output_is_not(expected, actual):
    assert same(expected, actual)
