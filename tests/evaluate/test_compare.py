"""Tests of irkit.evaluate.compare."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError
from irkit.evaluate import compare, evaluate
from irkit.evaluate.compare import at_floor, said_floor
from irkit.evaluate.corrections import CORRECTION_TITLES, corrected, holm
from irkit.evaluate.significance import bootstrap_interval, paired_t, randomisation, wilcoxon
from irkit.hits import Hits
from irkit.io import write_run

QIDS = [f"q{i}" for i in range(16)]


def run(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(qid, f"d{d}", float(rng.random() + seed * (d < 2) / 3)) for qid in QIDS for d in range(8)]
    return pd.DataFrame(rows, columns=["qid", "docno", "score"]).astype({"qid": "str", "docno": "str"})


QRELS = pd.DataFrame([(qid, f"d{d}", 1) for qid in QIDS for d in range(2)], columns=["qid", "docno", "label"]).astype(
    {"qid": "str", "docno": "str"}
)
RUNS = {"base": run(0), "one": run(1), "two": run(2)}


@pytest.fixture(scope="module")
def found():
    return compare(RUNS, QRELS, "AP P@2")


def test_cells_are_the_functions_of_significance(found):
    values = {name: evaluate(frame, QRELS, "AP").per_query["AP"].to_numpy() for name, frame in RUNS.items()}
    base = values["base"]
    p = [paired_t(values[name] - base) for name in ("one", "two")]
    for name, by_holm in zip(("one", "two"), holm(np.array(p)).tolist(), strict=True):
        difference = values[name] - base
        cell = found.cells[name]["AP"]
        assert cell.mean == pytest.approx(values[name].mean())
        assert (cell.low, cell.high) == pytest.approx(bootstrap_interval(values[name]))
        assert cell.delta == pytest.approx(difference.mean())
        assert cell.p == pytest.approx(paired_t(difference))
        assert cell.p_corrected == pytest.approx(by_holm)
        assert cell.p_wilcoxon == pytest.approx(wilcoxon(difference))
        assert cell.p_randomisation == pytest.approx(randomisation(difference))
        assert cell.wins + cell.ties + cell.losses == len(QIDS)
        assert cell.wins == (difference > 1e-12).sum()


def test_the_baseline_is_not_tested_against_itself(found):
    cell = found.cells["base"]["P@2"]
    assert cell.delta == 0
    assert cell.robustness == 0
    assert [getattr(cell, key) for key in ("p", "p_corrected", "p_wilcoxon", "p_randomisation")] == [None] * 4
    assert [getattr(cell, key) for key in ("wins", "ties", "losses")] == [0, 0, 0]


def test_the_chosen_test_is_the_one_that_is_corrected():
    found = compare(RUNS, QRELS, "AP", test="wilcoxon", baseline="two")
    assert found.baseline == "two"
    cells = [found.cells[name]["AP"] for name in ("base", "one")]
    assert [cell.p for cell in cells] == [cell.p_wilcoxon for cell in cells]
    assert [cell.p_corrected for cell in cells] == holm(np.array([cell.p for cell in cells])).tolist()


def test_per_query_table_and_frame(found):
    table = found.per_query("P@2")
    assert list(table.columns) == ["base", "one", "two"]
    assert table.index.tolist() == QIDS
    frame = found.frame()
    assert frame[["system", "measure"]].to_numpy().tolist()[:3] == [["base", "AP"], ["base", "P@2"], ["one", "AP"]]
    assert frame["p_corrected"].isna().tolist() == [True, True, False, False, False, False]


def test_a_run_compared_with_its_copy_differs_in_nothing():
    cell = compare({"a": RUNS["one"], "b": RUNS["one"]}, QRELS, "AP").cells["b"]["AP"]
    assert cell.delta == 0
    assert cell.p == cell.p_corrected == cell.p_wilcoxon == cell.p_randomisation == 1
    assert (cell.wins, cell.ties, cell.losses) == (0, len(QIDS), 0)


def test_a_run_that_lacks_queries_scores_zero_on_them():
    half = RUNS["base"][RUNS["base"]["qid"].isin(QIDS[:8])]
    found = compare({"base": RUNS["base"], "half": half}, QRELS, "AP")
    assert found.evaluations["half"].counts["without_results"] == 8
    assert (found.per_query("AP")["half"].to_numpy()[8:] == 0).all()
    assert found.cells["half"]["AP"].losses == 8


def test_a_measure_that_is_summed_has_the_interval_of_the_sum():
    half = RUNS["base"][RUNS["base"]["qid"].isin(QIDS[:8])]
    cells = compare({"base": RUNS["base"], "half": half}, QRELS, "NumRet").cells
    assert [getattr(cells["base"]["NumRet"], key) for key in ("mean", "low", "high")] == [128, 128, 128]
    assert (cells["half"]["NumRet"].mean, cells["half"]["NumRet"].delta) == (64, -64)


def test_a_run_that_finds_nothing_differs_by_the_whole_sum():
    nothing = RUNS["base"][:0]
    cell = compare({"base": RUNS["base"], "nothing": nothing}, QRELS, "NumRet").cells["nothing"]["NumRet"]
    assert (cell.mean, cell.delta) == (0, -128)


def test_everything_is_the_same_again_with_the_same_seed():
    assert compare(RUNS, QRELS, "AP").cells == compare(RUNS, QRELS, "AP").cells
    low = {seed: compare(RUNS, QRELS, "AP", seed=seed).cells["one"]["AP"].low for seed in (1, 2)}
    assert low[1] != low[2]


def test_printing_has_a_block_per_measure(found):
    text = str(found)
    header = ["AP", "mean", "delta", "p t", "Holm", "p Wilcoxon", "p random", "w/t/l", "RI"]
    assert re.split(r" {2,}", text.splitlines()[0]) == header
    assert text.splitlines()[2].startswith("base (baseline)")
    assert "P@2" in text
    assert text.endswith("\n\n16 queries")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_wrong_names_are_refused():
    with pytest.raises(ConfigError, match=r"compare: the baseline .bse. is not among the systems; did you mean base\?"):
        compare(RUNS, QRELS, "AP", baseline="bse")
    with pytest.raises(ConfigError, match="compare: there is no test 'sign'; choose from t, wilcoxon, randomisation"):
        compare(RUNS, QRELS, "AP", test="sign")
    with pytest.raises(ConfigError, match="compare: needs one run or more"):
        compare({}, QRELS, "AP")
    with pytest.raises(ConfigError, match=r"two runs are called 'x', a/x\.run and b/x\.run"):
        compare(["a/x.run", "b/x.run"], QRELS, "AP")
    with pytest.raises(ConfigError, match="compare: 'RR' was not measured; choose from AP, P@2"):
        compare(RUNS, QRELS, "AP P@2").per_query("RR")


def test_runs_that_are_none_end_in_a_line_that_says_what_to_write():
    with pytest.raises(ConfigError) as error:
        compare([3], QRELS, "AP")
    assert str(error.value) == (
        "compare: runs are files or results, or a dict of name to such, got int; write {'mine': results}"
    )


def test_results_without_a_name_are_runs_by_number(tmp_path):
    frame, other = RUNS["base"], RUNS["base"].assign(score=-RUNS["base"]["score"])
    write_run(frame, tmp_path / "base.run")
    found = compare([frame, tmp_path / "base.run", Hits.from_frame(other)], QRELS, "AP")
    assert list(found.evaluations) == ["run", "base", "run 2"]
    want = compare({"a": frame, "b": other}, QRELS, "AP").evaluations
    assert [one.means for one in found.evaluations.values()] == [want[name].means for name in "aab"]
    assert list(compare(frame, QRELS, "AP").evaluations) == ["run"]


def test_one_file_is_a_run_too(tmp_path):
    write_run(RUNS["base"], tmp_path / "base.run")
    assert list(compare(str(tmp_path / "base.run"), QRELS, "AP").evaluations) == ["base"]


@pytest.mark.parametrize("correction", CORRECTION_TITLES)
def test_the_named_correction_is_the_one_that_is_made_and_printed(correction):
    found = compare(RUNS, QRELS, "AP P@2", correction=correction)
    for measure in found.measures:
        cells = [found.cells[name][measure] for name in ("one", "two")]
        assert [c.p_corrected for c in cells] == corrected(np.array([c.p for c in cells]), correction).tolist()
    assert CORRECTION_TITLES[correction] in str(found).splitlines()[0]
    with pytest.raises(ConfigError, match="no correction 'holms'; did you mean holm"):
        compare(RUNS, QRELS, "AP", correction="holms")


def test_no_p_is_printed_as_zero_and_the_floor_of_the_randomisation_test_is_said():
    qrels = pd.DataFrame({"qid": [f"q{i}" for i in range(40)], "docno": "d0", "label": 1}).astype({"qid": "str"})
    best = qrels[["qid", "docno"]].assign(score=1.0)
    found = compare({"worst": best[:0], "best": best}, qrels, "P@2 AP")
    cell = found.cells["best"]["AP"]
    assert cell.p_randomisation == 1 / 10_001  # 40 queries that differ, all to one side
    assert (cell.p, at_floor(cell.p_randomisation)) == (0.0, True)  # all by the same: no variance
    text = str(found)
    assert re.split(r" {2,}", next(line for line in text.splitlines() if line.startswith("best")))[3] == "< .0001"
    said = "a randomisation test of 10,000 draws gives no p below 1/10,001, which is that of best on P@2, AP"
    assert said in text
    more = compare({"worst": best[:0], **{f"best{i}": best for i in range(4)}}, qrels, "P@2 AP")
    assert "which is that of 8 differences; all differences are alike, so that the t test has p 0" in str(more)
    assert "draws" not in str(compare({"a": RUNS["one"], "b": RUNS["one"]}, QRELS, "AP"))
    many = {"best": {"AP": cell.model_copy(update={"wins": 5000})}}  # so many that p is 0 by underflow
    assert "alike" not in said_floor(many)
