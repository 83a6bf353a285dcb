"""Run files as systems of suites: their figures, what is not reported of them, and what is refused."""

import pytest

from irkit.errors import ConfigError, NotFoundError
from irkit.evaluate import evaluate, load_suite, run_suite
from irkit.evaluate.experiment import READ
from irkit.io import load_collection, write_run
from irkit.pipeline import Retrieve
from irkit.recipe import collection_index

SUITE = """name: mine
collections: [lee]
measures: AP P@5
baseline: bm25
repeats: 1
systems: [bm25, {name: theirs, run: theirs.run%s}]
"""


@pytest.fixture
def found(tmp_path, monkeypatch):
    """A run of BM25 in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    lee = load_collection("lee")
    with collection_index(lee) as index:
        found = Retrieve(index, n=20)(lee.queries())
    write_run(found, "theirs.run")
    return found


def board(tmp_path, more=""):
    (tmp_path / "mine.yaml").write_text(SUITE % more)
    return run_suite("mine.yaml").boards[0]


def test_a_run_stands_on_the_board_with_its_figures_and_without_times(found, tmp_path):
    own, theirs = board(tmp_path).rows
    want = evaluate(found, load_collection("lee").qrels(), "AP P@5").means
    assert {name: cell.mean for name, cell in theirs.cells.items()} == want
    assert (theirs.milliseconds, theirs.peak_memory_mb, theirs.notes) == (None, None, [READ])
    assert own.milliseconds > 0
    assert (theirs.recipe, theirs.recipe_yaml) == ("theirs.run", "")
    first = theirs.recipe_hash
    write_run(found.assign(score=-found["score"]), "theirs.run")
    again = board(tmp_path).rows[1]
    assert again.recipe_hash != first
    assert again.cells["AP"].mean < want["AP"]


def test_a_run_of_other_queries_fails_alone(found, tmp_path):
    write_run(found.assign(qid="x" + found["qid"]), "theirs.run")
    own, theirs = board(tmp_path).rows
    assert own.cells["AP"].mean > 0
    assert "holds none of the queries, got qids such as 'xlee-01' in the run" in theirs.failed


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (", recipe: bm25", "has a recipe and a run; keep one"),
        (", settings: {k1: 2}", "systems: theirs is a run, which has no settings, got k1"),
    ],
)
def test_what_a_run_cannot_have_is_refused(found, tmp_path, more, message):
    with pytest.raises(ConfigError, match=message):
        board(tmp_path, more)


def test_a_run_that_is_missing_or_of_a_suite_of_ratings_is_refused(found, tmp_path):
    (tmp_path / "theirs.run").unlink()
    with pytest.raises(NotFoundError, match=r"theirs\.run: there is no such file"):
        board(tmp_path)
    text = (
        SUITE.replace("collections: [lee]", "ratings: [{name: planted-factors, split: {kind: random}}]").replace(
            "AP P@5", "RMSE"
        )
        % ""
    )
    (tmp_path / "ratings.yaml").write_text(text.replace("repeats: 1\n", ""))
    with pytest.raises(ConfigError, match="there is nothing to run for tasks of this kind; leave it out"):
        load_suite("ratings.yaml")
