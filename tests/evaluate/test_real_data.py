"""The evaluation layer on real collections: published figures, and the embedded quick-start suite."""

from __future__ import annotations

import pytest

from irkit.evaluate import experiment, run_suite
from irkit.io import load_collection
from irkit.pipeline import Retrieve
from irkit.recipe import collection_index


@pytest.mark.slow
def test_quickstart_runs_on_embedded_data_alone(monkeypatch):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    board, ranked, planted, digits = run_suite("quickstart", repeats=1).boards
    assert (board.data, board.sizes[0].number, board.unit.number) == ("lee", 350, 50)
    by_name = {row.name: row.cells["AP"] for row in board.rows}
    assert len(by_name) == 9
    for cell in by_name.values():
        assert 0 < cell.low < cell.mean < cell.high < 1
    # Where the same event is told in two lengths, length normalisation must help.
    assert by_name["bm25-textbook"].p_corrected < 0.01
    assert by_name["bm25-textbook"].delta > 0
    # What is learned from features of the same hundred documents ranks them better than BM25 does.
    learned = {row.name: row.cells["AP"] for row in ranked.rows if "features" in row.name}
    assert set(learned) == {"bm25-features-sum", "bm25-features-linear", "bm25-features-ranknet"}
    assert all(cell.delta > 0 for cell in learned.values())
    # Nobody gets below the planted optimum, and whoever knows time comes closest to it.
    errors = {row.name: row.cells["RMSE"].mean for row in planted.rows}
    floor = float(planted.notes[0].split()[3].rstrip(":"))
    assert floor == pytest.approx(0.3, abs=0.02)
    assert floor < min(errors.values())
    assert min(errors, key=errors.__getitem__) == "rrn"
    for row in digits.rows[1:]:
        assert row.cells["log p"].delta > 1


@pytest.mark.data
@pytest.mark.slow
def test_cacm_has_the_figures_that_anserini_publishes(data_folder):
    collection = load_collection("cacm-html")
    index = collection_index(collection)
    systems = {
        "bm25": Retrieve(model="bm25", ties="anserini", index=index),
        "qld": Retrieve(model="lucene-qld", ties="anserini", index=index),
    }
    done = experiment(systems, collection.queries(), collection.qrels(), "AP P@30")
    means = {name: {m: round(v, 4) for m, v in found.means.items()} for name, found in done.evaluations.items()}
    assert means == {"bm25": {"AP": 0.3123, "P@30": 0.1942}, "qld": {"AP": 0.3265, "P@30": 0.1942}}


@pytest.mark.data
@pytest.mark.slow
def test_npl_has_the_figure_of_lucene_bm25(data_folder):
    board = run_suite("classic", only=["npl"], repeats=1).boards[0]
    assert board.unit.number == 93
    assert board.rows[0].cells["AP"].mean == pytest.approx(0.2856, abs=5e-4)
