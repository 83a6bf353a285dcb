"""Every tuning space is listed, shown and copied, and every combination of it is a recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from irkit import locate
from irkit.evaluate import load_space
from irkit.recipe import Recipe, list_recipes, list_spaces, load_recipe

SPACES = sorted((locate.shipped("pipelines") / "tuning").glob("*.yaml"))


def test_every_space_is_listed_once_and_is_no_recipe(irkit):
    listed = irkit("pipelines", "list").out
    assert [row.name for row in list_spaces()] == [path.stem for path in SPACES]
    assert all(f"\n{path.stem} " in listed for path in SPACES)
    assert not {row.name for row in list_recipes()} & {path.stem for path in SPACES}


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_space_is_shown_copied_and_every_combination_applies(path, irkit, folder: Path):
    shown = irkit("pipelines", "show", path.stem).lines
    assert shown[0] == f"# {path}"
    assert f"recipe: {load_space(path).recipe}" in shown
    irkit("pipelines", "copy", path.stem)
    copy = load_space(Path(path.name))
    assert copy == load_space(path.stem)
    recipe = load_recipe(copy.recipe)
    tried = copy.candidates()
    assert shown[1].startswith(f"# a tuning space: {len(tried):,} combination")
    few = tried[:: max(1, len(tried) // 20)]  # of the hundreds of some; every value is tried in tests/recipes
    hashes = {copy.applied(recipe, values).hash for values in few}
    assert len(hashes) == len(few)
    assert all(isinstance(copy.applied(recipe, values), Recipe) for values in few[:1])


def test_a_space_of_one_s_own_is_told_by_what_it_holds(irkit, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("IRKIT_HOME", str(folder / "home"))
    (folder / "home" / "pipelines").mkdir(parents=True)
    (folder / "home" / "pipelines" / "mine.yaml").write_text("recipe: bm25\nparameters: {k1: {low: 0.1, high: 2}}\n")
    assert "mine" in [row.name for row in list_spaces()]
    assert "# a tuning space, to be drawn from" in irkit("pipelines", "show", "mine").lines


def test_what_tune_does_not_tune_is_said_in_one_line(irkit, folder: Path):
    (folder / "lda-search.yaml").write_text("recipe: lda\nparameters: {config.topics: [10, 20]}\n")
    assert irkit("tune", "lda-search.yaml", "lee", status=2).err == (
        "irkit: tune: lda trains a model, which this command does not tune; "
        "irkit train lda --set config.topics=VALUE, once for each\n"
    )
    err = irkit("tune", "ranknet-search", "letor-mq2008", status=2).err
    assert "tune: ranknet ranks candidates of pools, which suites tune; write in a suite: pools: [letor-mq2008]" in err
    assert "try bm25-search" in irkit("tune", "bm25", "lee", status=2).err
    assert "write a file with recipe: lda and parameters:" in irkit("tune", "lda", "lee", status=2).err
