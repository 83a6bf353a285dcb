"""Tests of irkit.evaluate.systems: what can be a system, what it is called, and what a board says of runs."""

from __future__ import annotations

import pandas as pd
import pytest

from irkit.errors import ConfigError, FrameError, NotFoundError
from irkit.evaluate import Board, evaluate, experiment
from irkit.evaluate.experiment import READ, SINGLE_RUN
from irkit.evaluate.systems import systems_of
from irkit.expand import RM3
from irkit.hits import Hits
from irkit.io import load_collection, write_run
from irkit.lucene import build_index
from irkit.pipeline import Retrieve, Run, apply, normalise, rrf
from irkit.recipe import load_recipe


@pytest.fixture(scope="module")
def lee():
    return load_collection("lee")


@pytest.fixture(scope="module")
def index(lee, tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("systems") / "lee", lee.documents()) as index:
        yield index


@pytest.fixture(scope="module")
def run(index, lee):
    return Retrieve(index, n=20)(lee.queries())


def names(*systems):
    return list(systems_of(list(systems), who="experiment"))


def test_pipelines_are_called_what_they_are(index):
    bm25, likelihood = Retrieve(index), Retrieve(index, model="ql-dirichlet", mu="auto")
    assert names(bm25, likelihood, bm25 >> RM3(index) >> bm25, bm25 % 10) == [
        "bm25",
        "ql-dirichlet",
        "bm25 >> rm3 >> bm25",
        "bm25 % 10",
    ]
    assert names(rrf(bm25, likelihood), 0.3 * bm25 + 0.7 * normalise(likelihood)) == [
        "rrf(bm25, ql-dirichlet)",
        "0.3 * bm25 + (ql-dirichlet >> 0.7 * normalise)",
    ]
    assert names(bm25 >> apply.score(len), bm25 >> apply.score(lambda row: 1.0)) == ["bm25 >> len", "bm25 >> score"]


def test_names_are_made_unique_by_settings_and_then_by_numbers(index, run):
    assert names(*(Retrieve(index, b=b) for b in (0.1, 0.4, 0.4))) == ["bm25(b=0.1)", "bm25(b=0.4)", "bm25(b=0.4) 2"]
    assert names(run, Run(run), Retrieve(index)) == ["run", "run 2", "bm25"]


def test_runs_are_called_after_their_files_and_recipes_by_their_names(run, tmp_path, lee):
    write_run(run, tmp_path / "theirs.run.gz")
    assert names(tmp_path / "theirs.run.gz", str(tmp_path / "theirs.run.gz")) == ["theirs", "theirs 2"]
    recipe = load_recipe("bm25").changed(name="my-bm25")
    (tmp_path / "mine.yaml").write_text(recipe.yaml())
    found = systems_of(["bm25", recipe, tmp_path / "mine.yaml"], who="experiment", collection=lee)
    assert list(found) == ["bm25", "my-bm25", "my-bm25 2"]
    assert found["bm25"] == load_recipe("bm25").build(index=found["bm25"].resources()["index"])


def test_one_system_alone_and_a_mapping_are_systems_too(index, run):
    assert systems_of(run, who="experiment") == {"run": Run(run)}
    assert list(systems_of({1: run, "b": Retrieve(index)}, who="experiment")) == ["1", "b"]


def test_an_experiment_on_a_list_measures_runs_as_they_are_and_reports_no_time_of_them(lee, index, run, tmp_path):
    write_run(run, tmp_path / "theirs.run")
    systems = [Retrieve(index, n=20), tmp_path / "theirs.run", run.rename(columns={"qid": "query_id"})]
    done = experiment(systems, lee, measures="AP P@5", baseline=0)
    want = evaluate(run, lee.qrels(), "AP P@5").means
    assert list(done.evaluations) == ["bm25", "theirs", "run"]
    assert all(found.means == want for found in done.evaluations.values())
    assert done.comparison.baseline == "bm25"
    assert (done.ms_per_query["theirs"], done.peak_memory_mb["run"]) == (None, None)
    assert done.ms_per_query["bm25"] > 0
    lines = str(done).splitlines()
    assert ["theirs", f"{want['AP']:.4f}", f"{want['P@5']:.4f}", "-", "-"] in [line.split() for line in lines]
    assert f"theirs: {READ}" in lines
    board = done.to_board(data="lee")
    assert Board.model_validate(board.model_dump()) == board
    assert [row.milliseconds is None for row in board.rows] == [False, True, True]
    assert board.rows[1].notes == [READ]


def test_a_system_that_begins_with_a_run_has_no_time_either(lee, run):
    done = experiment({"again": run >> apply.score(lambda row: -row["score"])}, lee.queries(), lee.qrels(), "P@5")
    assert done.ms_per_query == {"again": None}
    assert done.system_notes == {"again": (READ,)}
    assert done.to_csv().splitlines()[0] == "system,P@5,P@5 low,P@5 high,P@5 delta,P@5 p"
    assert SINGLE_RUN not in done.notes


def test_a_run_without_some_query_scores_nothing_there_and_it_is_said(lee, run):
    some = Hits.from_frame(run).of(lee.queries()["qid"][:10].tolist())
    done = experiment({"some": some}, lee.queries(), lee.qrels(), "AP", exclude_self=True)
    assert done.evaluations["some"].counts["without_results"] == 40
    assert done.evaluations["some"].means == evaluate(some, lee.qrels(), "AP", exclude_self=True).means


def test_mistakes_are_one_line(lee, index, run):
    bm25 = Retrieve(index)
    with pytest.raises(FrameError, match="holds none of the queries, got qids such as"):
        experiment([run.assign(qid="x" + run["qid"])], lee.queries(), lee.qrels(), "AP")
    with pytest.raises(ConfigError, match="experiment: a collection brings its judgements; leave out qrels"):
        experiment([bm25], lee, lee.qrels())
    with pytest.raises(ConfigError, match="experiment: needs judgements; give queries and qrels, or a collection"):
        experiment([bm25], lee.queries())
    with pytest.raises(ConfigError, match="experiment: there is no system 2; their places are 0 to 1"):
        experiment([bm25, run], lee, baseline=2)
    with pytest.raises(ConfigError, match="each system: the recipe eqe1 needs vectors; write irkit"):
        experiment(["eqe1"], lee)
    with pytest.raises(NotFoundError, match=r"a run file or a recipe; there is no run file 'theirs\.run'"):
        experiment(["theirs.run"], lee)
    with pytest.raises(NotFoundError, match=r"a run file or a recipe, got 'bm52'; .* did you mean bm25"):
        experiment(["bm52"], lee)
    with pytest.raises(ConfigError, match="experiment: needs one system or more, got none"):
        experiment([], lee)
    with pytest.raises(
        ConfigError, match=r"experiment: the name '\\ud800x' holds the control or invisible character U\+D800; give"
    ):
        experiment({"\ud800x": run}, lee)


def test_a_run_of_other_documents_or_of_few_queries_is_said(lee, index, run):
    few, foreign = run[run["qid"].isin(sorted(set(run["qid"]))[:10])], run.assign(docno="x" + run["docno"])
    done = experiment({"few": few, "foreign": foreign, "bm25": Retrieve(index)}, lee, measures="AP")
    assert done.system_notes["few"][1:] == ("40 of 50 queries are not in the run and score 0",)
    assert done.system_notes["foreign"][1:] == ("none of its documents is judged; ids are compared as strings",)
    assert "bm25" not in done.system_notes


def test_several_frames_are_told_apart_by_what_they_hold(lee, run):
    half = run.groupby("qid").head(1)
    done = experiment([run, half], lee, measures="R@20")
    assert list(done.evaluations) == ["run", "run 2"]
    assert done.evaluations["run"].means["R@20"] > done.evaluations["run 2"].means["R@20"]
    assert isinstance(done.frame(), pd.DataFrame)
