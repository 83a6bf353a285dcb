"""Tests of irkit.evaluate.experiment, plan, leak and memory, with a retriever made of a table."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest
from pydantic import Field

from irkit.config import Config
from irkit.errors import ConfigError, FrameError, IrkitError, NotFittedError
from irkit.evaluate import Board, evaluate, experiment
from irkit.evaluate.evaluation import NOTHING_JUDGED
from irkit.evaluate.experiment import SINGLE_RUN
from irkit.evaluate.leak import learned_from
from irkit.evaluate.memory import peak_memory_mb, reset_peak
from irkit.evaluate.plan import plan
from irkit.hits import Docnos, Hits
from irkit.io import load_collection
from irkit.lucene import build_index
from irkit.pipeline import Retrieve, Topics
from irkit.pipeline.operators import rrf
from irkit.pipeline.stage import Stage

DOCNOS = Docnos([f"d{i}" for i in range(30)])
QUERIES = pd.DataFrame({"qid": [f"q{i}" for i in range(14)], "query": ["text"] * 14}, dtype="str")
QRELS = pd.DataFrame([(f"q{i}", f"d{j}", 1) for i in range(14) for j in range(3)], columns=["qid", "docno", "label"])
QRELS = QRELS.astype({"qid": "str", "docno": "str"})


class Table:
    """A resource: one score per document and the calls that were made."""

    def __init__(self) -> None:
        self.fingerprint = "table"
        self.calls: list[tuple[str, int]] = []


class ToyConfig(Config):
    seed: int = 0
    n: int = Field(20, ge=1)
    sleep: float = 0.0


class Toy(Stage):
    name = "toy"
    takes = "queries"
    gives = "results"
    needs = ("table",)
    config_type = ToyConfig
    config: ToyConfig

    def __init__(self, config: ToyConfig | None = None, *, table: Table, **settings) -> None:
        super().__init__(config, **settings)
        self.table = table

    def run(self, flow: pd.DataFrame) -> Hits:
        c = self.config
        self.table.calls.append((f"toy{c.seed}", c.n))
        time.sleep(c.sleep)
        score = np.random.default_rng(c.seed).random((len(flow), len(DOCNOS)))
        score[:, :3] += c.seed / 5  # a higher seed finds more
        query, doc = np.repeat(np.arange(len(flow)), len(DOCNOS)), np.tile(np.arange(len(DOCNOS)), len(flow))
        return Hits.ranked(flow, query, doc, score.ravel(), DOCNOS).cut(c.n)

    def limited(self, k: int) -> Stage:
        return self if k >= self.config.n else Toy(self.config.changed(n=k), table=self.table)


class Slow(Stage):
    name = "slow"
    needs = ("table",)
    config_type = ToyConfig
    config: ToyConfig

    def __init__(self, config: ToyConfig | None = None, *, table: Table, **settings) -> None:
        super().__init__(config, **settings)
        self.table = table

    def run(self, flow: Hits) -> Hits:
        self.table.calls.append(("slow", len(flow)))
        time.sleep(self.config.sleep)
        return flow


@pytest.fixture
def table():
    return Table()


def run(systems, **options):
    return experiment(systems, QUERIES, QRELS, "AP P@5", **options)


# ---------------------------------------------------------------------- measures and table


def test_an_experiment_measures_each_system_as_evaluate_does(table):
    a, b = Toy(seed=1, table=table), Toy(seed=2, table=table) % 4
    done = run({"a": a, "b": b}, baseline="a")
    assert done.measures == ("AP", "P@5")
    for name, stage in (("a", a), ("b", b)):
        want = evaluate(stage(QUERIES), QRELS, "AP P@5")
        pd.testing.assert_frame_equal(done.evaluations[name].per_query, want.per_query, check_index_type=False)
    frame = done.frame()
    assert frame["system"].tolist() == ["a", "b"]
    assert frame["AP delta"].tolist() == [0, done.comparison.cells["b"]["AP"].delta]
    assert (frame["ms_per_query"] > 0).all()
    assert (frame["peak_memory_mb"] > 10).all()
    assert done.per_query.columns.tolist() == ["system", "qid", "AP", "P@5"]
    assert len(done.per_query) == 28


def test_a_measure_s_other_word_is_said(table):
    done = experiment({"a": Toy(seed=1, table=table)}, QUERIES, QRELS, "HitRate@2 AP")
    assert done.measures == ("Success@2", "AP")
    assert "HitRate@2 is called Success@2" in str(done).splitlines()


def test_compare_takes_a_minus_b(table):
    done = run({"a": Toy(seed=1, table=table), "b": Toy(seed=2, table=table)}, baseline="a")
    assert done.compare("b", "a").cells["b"] == done.comparison.cells["b"]
    assert done.compare("a", "b").cells["a"]["AP"].delta == -done.comparison.cells["b"]["AP"].delta
    with pytest.raises(ConfigError, match="experiment: there is no system 'c'; choose from a, b"):
        done.compare("a", "c")


def test_the_printed_table_marks_baseline_and_significance(table):
    done = run({"weak": Toy(seed=0, table=table), "strong": Toy(seed=9, table=table)}, baseline="weak")
    lines = str(done).splitlines()
    assert lines[0] == "14 queries"
    assert lines[2].split() == ["system", "AP", "P@5", "ms/query", "MB"]
    assert lines[4].startswith("weak (baseline)")
    assert lines[5].split()[1] == "*1.0000+"
    assert "+ better, - worse than the baseline weak (paired t, Holm-corrected p < 0.05)" in lines
    assert SINGLE_RUN in lines


def test_without_a_baseline_nothing_is_tested(table):
    done = run({"a": Toy(table=table)})
    cell = done.comparison.cells["a"]["AP"]
    assert cell.delta is cell.p is cell.robustness is None
    assert "AP p" not in done.frame()
    assert "baseline" not in str(done)


def test_a_board_is_plain_json_without_nan(table):
    done = run({"a": Toy(table=table), "b": Toy(seed=3, table=table)}, baseline="a", repeats=2)
    board = done.to_board(data="toy", documents=30)
    assert Board(**json.loads(json.dumps(board.model_dump(), allow_nan=False))) == board
    assert board.unit.number == 14
    assert (board.test, board.correction, board.interval) == ("paired t", "Holm", "95 % bootstrap")
    row = board.rows[1]
    assert row.values["AP"] == done.evaluations["b"].per_query["AP"].to_dict()
    assert row.cells == done.comparison.cells["b"]
    assert board.notes == []


def test_exclude_self_reaches_the_measures(table):
    queries = pd.DataFrame({"qid": ["d0", "d1"], "query": ["", ""]}, dtype="str")
    qrels = pd.DataFrame({"qid": ["d0", "d0", "d1"], "docno": ["d0", "d2", "d1"], "label": 1}).astype({"qid": "str"})
    done = experiment({"a": Toy(table=table)}, queries, qrels, "NumRet", exclude_self=True)
    assert done.evaluations["a"].per_query["NumRet"].to_dict() == {"d0": 19.0}
    assert "1 queries have no qrels" in str(done) or "have no qrels" in " ".join(done.notes)


# ---------------------------------------------------------------------- shared work


def test_a_shared_prefix_runs_once_per_repeat_and_is_charged_to_all(table):
    first = Toy(sleep=0.03, table=table)
    systems = {"a": first, "b": first >> Slow(sleep=0.02, table=table), "c": Toy(sleep=0.03, table=table)}
    done = run(systems, repeats=2)
    assert table.calls == [("toy0", 20), ("slow", 280)] * 3  # the first is not timed
    assert done.ms_per_query["a"] == done.ms_per_query["c"] >= 30 / 14
    assert done.ms_per_query["b"] >= done.ms_per_query["a"] + 20 / 14


def test_repeats_go_round_the_systems_and_begin_with_another_one_each(table):
    systems = {name: Toy(seed=seed, table=table) for name, seed in (("a", 1), ("b", 2), ("c", 3))}
    orders = []
    for repeats in (1, 4):
        table.calls.clear()
        run(systems, repeats=repeats)
        orders.append("".join("abc"[int(name[3:]) - 1] for name, _ in table.calls))
    assert orders == ["abc", "abc" + "abc" + "bca" + "cab" + "abc"]  # first, where there are several, one untimed


def test_what_a_step_starts_from_comes_before_it_in_every_repeat(table):
    first, other = Toy(seed=1, table=table), Toy(seed=2, table=table)
    systems = {"a": first, "fused": rrf(first, other) >> Slow(table=table), "other": other}
    run(systems, repeats=3)
    names = [name for name, _ in table.calls]
    assert [names[at : at + 3] for at in range(0, 12, 3)] == [
        ["toy1", "toy2", "slow"],
        ["toy1", "toy2", "slow"],
        ["toy1", "toy2", "slow"],  # begins with the fusion, which needs both
        ["toy2", "toy1", "slow"],
    ]


def test_the_run_that_warms_up_is_not_timed(table, monkeypatch):
    clock = iter([0.0, 100.0, *(t for n in range(3) for t in (200.0 + n, 201.0 + n))])
    monkeypatch.setattr("irkit.evaluate.plan.time.perf_counter", lambda: next(clock))
    assert run({"a": Toy(table=table)}, repeats=3).ms_per_query == {"a": 1000 / 14}


def test_a_cut_that_stops_the_retriever_is_another_step(table):
    first = Toy(table=table)
    run({"all": first, "ten": first % 10, "ten again": Toy(n=10, table=table)})
    assert table.calls == [("toy0", 20), ("toy0", 10)]


def test_the_parts_of_a_fusion_are_shared_and_its_result_is_unchanged(table):
    a, b = Toy(seed=1, table=table), Toy(seed=2, table=table)
    fused = rrf(a, b) % 7
    done = run({"a": a, "fused": fused, "b": b, "sum": 0.5 * a + b})
    assert sorted(table.calls) == [("toy1", 20), ("toy2", 20)]
    assert done.ms_per_query["fused"] >= done.ms_per_query["a"] + done.ms_per_query["b"]
    for name, stage in (("fused", fused), ("sum", 0.5 * a + b)):
        want = evaluate(stage(QUERIES), QRELS, "AP P@5")
        assert done.evaluations[name].means == want.means


def test_stages_that_cannot_be_told_apart_by_content_are_not_shared(table):
    other = Table()
    table.fingerprint = other.fingerprint = None
    unfolded = plan({"a": Toy(table=table), "b": Toy(table=other)})
    assert len(unfolded.steps) == 2


def test_a_cache_is_asked_for_every_stage_and_times_are_left_out(table):
    class Memory:
        def __init__(self):
            self.kept = {}

        def run(self, stage, flow):
            if stage.fingerprint not in self.kept:
                self.kept[stage.fingerprint] = stage.run(flow)
            return self.kept[stage.fingerprint]

    memory = Memory()
    systems = {"a": Toy(table=table)}
    first, second = (run(systems, cache=memory) for _ in range(2))
    assert table.calls == [("toy0", 20)]
    assert first.ms_per_query == {"a": None}
    assert second.evaluations["a"].means == first.evaluations["a"].means
    assert "times are not reported" in " ".join(second.notes)
    assert second.to_board().rows[0].milliseconds is None


# ---------------------------------------------------------------------- the guard


class Learner(Slow):
    name = "learner"
    fitted_on: frozenset[str] | None = None
    learns_from = Topics

    def fit(self, train, valid=None):
        fitted = Learner(self.config, table=self.table)
        fitted.fitted_on = frozenset(train.qrels["qid"])
        return fitted


def fitted(table, *qids):
    learner = Learner(table=table)
    learner.fitted_on = frozenset(qids)
    return learner


def test_a_system_fitted_on_test_queries_is_refused_before_anything_runs(table):
    leaky = Toy(table=table) >> fitted(table, "q3", "q1", "elsewhere")
    with pytest.raises(ConfigError, match="experiment: leaky was fitted on 2 of the 14 test queries, such as 'q1'"):
        run({"a": Toy(table=table), "leaky": leaky})
    assert table.calls == []


def test_a_leak_that_is_allowed_is_noted(table):
    done = run({"leaky": Toy(table=table) >> fitted(table, "q3")}, allow_leak=True)
    assert done.to_board().rows[0].notes == ["fitted on 1 of the 14 test queries"]
    assert "leaky: fitted on 1 of the 14 test queries" in str(done)


def test_fitting_on_other_queries_is_fine_and_parts_are_searched(table):
    clean = Toy(table=table) >> fitted(table, "train1")
    assert run({"clean": clean}).to_board().rows[0].notes == []
    assert learned_from(rrf(clean, Toy(seed=1, table=table))) == {"train1"}
    assert learned_from(Toy(table=table)) == frozenset()


# ---------------------------------------------------------------------- memory


def test_peak_memory_sees_what_was_freed_again_and_can_be_reset():
    if not reset_peak():
        pytest.skip("this kernel does not reset the high-water mark")
    before = peak_memory_mb()
    block = np.ones(20_000_000)  # 160 MB
    del block
    assert peak_memory_mb() > before + 150
    reset_peak()
    assert peak_memory_mb() < before + 80


def test_a_mark_that_cannot_be_reset_is_noted(table, monkeypatch, tmp_path):
    monkeypatch.setattr("irkit.evaluate.memory._CLEAR", tmp_path / "missing" / "clear_refs")
    monkeypatch.setattr("irkit.evaluate.memory._STATUS", tmp_path / "status")
    assert peak_memory_mb() > 10
    assert "cannot reset the mark" in run({"a": Toy(table=table)}).notes[-1]


# ---------------------------------------------------------------------- errors


def test_wrong_experiments_are_refused(table):
    a = Toy(table=table)
    with pytest.raises(ConfigError, match="experiment: needs one system or more"):
        run({})
    with pytest.raises(ConfigError, match="the baseline 'b' is not among the systems; choose from a"):
        run({"a": a}, baseline="b")
    with pytest.raises(ConfigError, match="repeats must be a whole number, 1 or more, got int 0"):
        run({"a": a}, repeats=0)
    with pytest.raises(ConfigError, match="slow goes from results to results; start it with a retriever"):
        run({"slow": Slow(table=table)})
    with pytest.raises(ConfigError, match="there is no test 'u'"):
        run({"a": a}, test="u")
    with pytest.raises(FrameError, match="experiment: none of the queries has qrels"):
        experiment({"a": a}, {"01": "text"}, QRELS, "AP")
    with pytest.raises(FrameError, match="qrels: a qrels frame needs the column 'label'"):
        experiment({"a": a}, QUERIES, QRELS[["qid", "docno"]], "AP")
    assert table.calls == []


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        (
            ["bm25"],
            "experiment: each system: the recipe bm25 needs index; write irkit.load_recipe('bm25').build(index=",
        ),
        (Slow(table=Table()), "experiment: a system goes from queries to results, but slow goes from results"),
        ({"x": QRELS}, "experiment: x: run: a results frame needs the column 'score', got qid, docno, label"),
        ({"x": "bm52"}, "experiment: x must be a pipeline, a run file or a recipe, got 'bm52'; "),
        ({"x": 3}, "experiment: x must be a pipeline, got int 3; build a recipe with recipe.build(index="),
        (
            {"x": len},
            "experiment: x must be a pipeline, got builtin_function_or_method <built-in function len>; build a",
        ),
    ],
)
def test_systems_that_are_none_end_in_a_line_that_says_what_to_write(systems, message):
    with pytest.raises(IrkitError) as error:
        run(systems)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_no_query_at_all_is_refused_before_anything_runs(table):
    with pytest.raises(FrameError, match="experiment: none of the queries has qrels"):
        experiment({"a": Toy(table=table)}, QUERIES[:0], QRELS, "AP")
    with pytest.raises(FrameError, match="experiment: none of the queries has qrels"):
        experiment({"a": Toy(table=table)}, [], QRELS[:0], "AP")
    assert table.calls == []


def test_an_experiment_says_which_queries_count_for_nothing(table):
    qrels = QRELS.assign(label=(QRELS["qid"] != "q3").astype(int))
    notes = experiment({"a": Toy(table=table)}, QUERIES, qrels[qrels["qid"] != "q5"], "AP").notes
    assert notes[:2] == ("1 queries have no qrels and are left out", "1 queries have no relevant document and score 0")


def test_an_experiment_on_a_collection_measures_as_the_card_says(table, tmp_path):
    lee = load_collection("lee")
    qrels = lee.qrels()
    own = qrels[qrels["qid"].isin(QUERIES["qid"])]
    assert own.attrs == {"exclude_self": True}
    index = build_index(tmp_path / "lee", lee.documents())
    bm25 = Retrieve(index=index, n=20)
    told, by_card, against = (
        experiment({"bm25": bm25}, lee.queries(), qrels, "AP", exclude_self=value) for value in (True, None, False)
    )
    assert by_card.evaluations["bm25"].means == told.evaluations["bm25"].means
    assert abs(against.evaluations["bm25"].means["AP"] - told.evaluations["bm25"].means["AP"]) > 0.02
    assert "each query's own document left out, as the collection's card says" in by_card.notes
    assert not any("own document" in note for note in (*told.notes, *against.notes))
    index.close()


def test_a_failure_inside_a_stage_is_not_hidden(table):
    class Broken(Slow):
        def run(self, flow):
            raise NotFittedError("broken: not fitted")

    with pytest.raises(NotFittedError):
        run({"a": Toy(table=table) >> Broken(table=table)})


def test_zeros_of_judgements_that_are_of_other_documents_are_told_apart_from_bad_systems():
    hits = pd.DataFrame({"qid": ["1", "2"], "docno": ["d1", "d2"], "score": [1.0, 1.0]})
    qrels = pd.DataFrame({"qid": ["1", "2"], "docno": ["D1", "D2"], "label": [1, 1]})
    queries = {"1": "one", "2": "two"}
    done = experiment({"a": hits, "b": hits}, queries, qrels, "AP")
    assert NOTHING_JUDGED in done.notes
    assert NOTHING_JUDGED.partition(";")[0] in str(done)
    found = hits.assign(docno=["d1", "D2"])
    assert NOTHING_JUDGED not in experiment({"a": hits, "b": found}, queries, qrels, "AP").notes
    empty = Hits.from_frame(hits).kept(np.zeros(2, dtype=bool))
    assert NOTHING_JUDGED in experiment({"a": hits, "b": empty}, queries, qrels, "AP").notes
    assert NOTHING_JUDGED not in experiment({"b": empty}, queries, qrels, "AP").notes
