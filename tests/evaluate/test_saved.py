"""Tests of irkit.evaluate.saved: what an experiment leaves in a folder, and what it takes from there again."""

import json

import pandas as pd
import pytest

from irkit.errors import ConfigError
from irkit.evaluate import experiment, read_results, saved
from irkit.evaluate.experiment import READ
from irkit.evaluate.saved import file_name
from irkit.io import load_collection, read_run, write_run
from irkit.lucene import build_index
from irkit.pipeline import Retrieve, apply
from irkit.report import write_report


@pytest.fixture(scope="module")
def lee():
    return load_collection("lee")


@pytest.fixture(scope="module")
def index(lee, tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("saved") / "lee", lee.documents()) as index:
        yield index


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def run(systems, lee, out, **options):
    return experiment(systems, lee, measures="AP P@5", save_dir=out, **options)


def test_each_system_leaves_its_run_and_all_leave_their_figures(lee, index, out):
    short, long = Retrieve(index, n=5), Retrieve(index, n=20, b=0.9)
    done = run({"short": short, "long one/two": long}, lee, out, baseline="short")
    assert sorted(path.name for path in out.iterdir()) == [
        "experiment.json",
        "long-one-two.run",
        "long-one-two.run.json",
        "per-query.tsv",
        "short.run",
        "short.run.json",
    ]
    own = ["qid", "docno", "score", "rank"]
    pd.testing.assert_frame_equal(read_run(out / "short.run"), short(lee.queries())[own])
    table = pd.read_csv(out / "per-query.tsv", sep="\t")
    pd.testing.assert_frame_equal(table, done.per_query, check_dtype=False)
    result = read_results(out / "experiment.json")
    assert {row.name: row.cells["AP"].mean for row in result.boards[0].rows} == {
        name: found.means["AP"] for name, found in done.evaluations.items()
    }
    write_report(result, out / "page.html")
    assert "long one/two" in (out / "page.html").read_text()
    assert json.loads((out / "short.run.json").read_text())["pipeline"] == "lucene(n=5)"


def test_a_run_that_is_there_is_read_with_the_same_figures_and_without_times(lee, index, out, monkeypatch):
    first = run([Retrieve(index, n=9)], lee, out)
    calls = []
    own = Retrieve.run
    monkeypatch.setattr(Retrieve, "run", lambda self, flow: calls.append(self.config.n) or own(self, flow))
    again = run([Retrieve(index, n=9), Retrieve(index, n=3) % 2], lee, out)
    assert calls == [2]
    pd.testing.assert_frame_equal(again.evaluations["bm25"].per_query, first.evaluations["bm25"].per_query)
    assert (again.ms_per_query["bm25"], again.peak_memory_mb["bm25"]) == (None, None)
    assert again.system_notes == {"bm25": (READ,)}
    assert again.stages["bm25"] == Retrieve(index, n=9)
    third = run([Retrieve(index, n=9)], lee, out, overwrite=True)
    assert third.ms_per_query["bm25"] > 0
    assert calls == [2, 9]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda out: (out / "bm25.run.json").unlink(), "nothing says what made it"),
        (lambda out: (out / "bm25.run.json").write_text("{"), "nothing says what made it"),
        (lambda out: (out / "bm25.run").write_bytes((out / "bm25.run").read_bytes()[:-9]), "it was changed since"),
        (None, "it is of other settings, queries, data or code"),
    ],
)
def test_another_run_in_its_place_is_refused_before_anything_is_run(lee, index, out, change, why):
    run([Retrieve(index, n=9)], lee, out)
    if change is not None:
        change(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    other = Retrieve(index, n=9 if change is not None else 8)
    with pytest.raises(ConfigError, match=rf"out/bm25\.run is there already, and {why}.*; say overwrite=True") as error:
        run([other], lee, out)
    assert "\n" not in str(error.value)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    run([other], lee, out, overwrite=True)
    assert run([other], lee, out).system_notes == {"bm25": (READ,)}


def test_other_queries_and_functions_are_other_runs(lee, index, out):
    run([Retrieve(index, n=9)], lee, out)
    with pytest.raises(ConfigError, match="it is of other settings, queries"):
        experiment([Retrieve(index, n=9)], lee.queries()[:20], lee.qrels(), save_dir=out)
    mine = {"mine": Retrieve(index, n=9) >> apply.score(lambda row: row["score"])}
    run(mine, lee, out)
    with pytest.raises(ConfigError, match="whether it is the same cannot be told, as of a function without a key"):
        run(mine, lee, out)
    keyed = {"keyed": Retrieve(index, n=9) >> apply.score(lambda row: row["score"], key="same")}
    run(keyed, lee, out)
    assert run(keyed, lee, out).system_notes == {"keyed": (READ,)}


def test_what_was_run_before_a_failure_is_kept(lee, index, out):
    def fails(row):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        run({"good": Retrieve(index, n=9), "bad": Retrieve(index, n=9) >> apply.score(fails)}, lee, out)
    assert sorted(path.name for path in out.iterdir()) == ["good.run", "good.run.json"]
    assert run({"good": Retrieve(index, n=9)}, lee, out).system_notes == {"good": (READ,)}


def test_a_run_file_of_the_folder_itself_stays_what_it_is(lee, index, out):
    write_run(Retrieve(index, n=9)(lee.queries()), out / "theirs.run")
    before = (out / "theirs.run").read_bytes()
    for _ in range(2):
        assert run([out / "theirs.run"], lee, out).system_notes == {"theirs": (READ,)}
    assert (out / "theirs.run").read_bytes() == before


def test_two_systems_with_one_file_are_refused(lee, index, out):
    with pytest.raises(ConfigError, match=r"'a b' and 'A/b' would both be saved as .*A-b\.run; name them apart"):
        run({"a b": Retrieve(index), "A/b": Retrieve(index, n=3)}, lee, out)
    assert not out.exists()
    assert (file_name("..."), file_name("x" * 300), file_name("\u8a9e" * 300)) == ("system", "x" * 100, "\u8a9e" * 33)


def test_a_run_of_another_process_in_its_place_is_never_taken_for_its_own(lee, index, out, monkeypatch):
    """What says how a run was made is never that of a file that another process put there meanwhile."""
    run({"mine": Retrieve(index, n=2)}, lee, out / "theirs")
    theirs = (out / "theirs" / "mine.run").read_bytes()
    own = saved.write_bytes

    def crossed(path, data):
        own(path, data)
        if path.name == "mine.run":
            path.write_bytes(theirs)

    monkeypatch.setattr(saved, "write_bytes", crossed)
    run({"mine": Retrieve(index, n=9)}, lee, out / "mine")
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="it was changed since it was written"):
        run({"mine": Retrieve(index, n=9)}, lee, out / "mine")


def test_another_process_s_run_is_not_replaced_that_came_while_this_one_ran(lee, index, out, monkeypatch):
    theirs = Retrieve(index, n=2)
    own = saved.SavedRuns.write

    def late(self, name, hits):
        monkeypatch.setattr(saved.SavedRuns, "write", own)
        run({"mine": theirs}, lee, out)
        own(self, name, hits)

    monkeypatch.setattr(saved.SavedRuns, "write", late)
    with pytest.raises(ConfigError, match=r"mine\.run is there already, and it is of other settings"):
        run({"mine": Retrieve(index, n=9)}, lee, out)
    assert len(read_run(out / "mine.run")) == 2 * len(lee.queries())
    assert not list(out.glob(".*"))
