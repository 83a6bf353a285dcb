"""Tests of irkit.evaluate.formulas: the same bits as ir-measures gives, which stays the oracle."""

from __future__ import annotations

import ir_measures
import numpy as np
import pandas as pd
import pytest

from irkit.errors import FrameError
from irkit.evaluate.evaluation import Evaluator, by_providers, evaluate
from irkit.evaluate.formulas import formula
from irkit.evaluate.judgements import Judgements
from irkit.evaluate.measures import parse_measures
from irkit.hits import Docnos, Hits

MEASURES = parse_measures(
    "AP AP@7 AP(rel=2) AP(rel=3)@40 nDCG nDCG@1 nDCG@10 nDCG@200 P@1 P@10 P(rel=2)@5 P@300 R@5 R@100 R(rel=2)@20 "
    "RR RR@10 RR(rel=2) RR(rel=2)@3 Rprec Rprec(rel=2) Success@1 Success(rel=3)@10 NumRet NumRelRet NumRet(rel=2) "
    "Judged Judged@10 Judged@400"
)


def case(seed: int, n: int = 60, documents: int = 400) -> tuple[Hits, pd.DataFrame]:
    """Rankings of up to 300 documents, some without any; judgements -1 to 4, some all bad, some not in the table."""
    rng = np.random.default_rng(seed)
    qids = [f"q{i}" for i in rng.permutation(n)]
    names = [f"d{i}" for i in rng.permutation(documents)]
    lengths = rng.integers(0, 300, n) * (rng.random(n) < 0.9)
    doc = np.concatenate([rng.choice(documents, length, replace=False) for length in lengths])
    queries = pd.DataFrame({"qid": qids, "query": qids}, dtype="str")
    hits = Hits.ranked(queries, np.repeat(np.arange(n), lengths), doc, rng.integers(0, 50, len(doc)), Docnos(names))
    rows = []
    for qid in rng.permutation([*qids[: n - 5], "stray"]):
        top = 1 if rng.random() < 0.2 else 5
        some = rng.choice([*names, *(f"gone{i}" for i in range(40))], int(rng.integers(1, 90)), replace=False)
        rows += [(qid, docno, int(rng.integers(-1, top))) for docno in some]
    qrels = pd.DataFrame([rows[i] for i in rng.permutation(len(rows))], columns=["qid", "docno", "label"])
    return hits, qrels.astype({"qid": "str", "docno": "str"})


def slow(hits: Hits, qrels: pd.DataFrame, qids: list[str], measures: list) -> np.ndarray:
    frame = hits.frame()
    number = {qid: str(i) for i, qid in enumerate(qids, 1)}
    run = {
        number[q]: dict(zip(f["docno"], -f["rank"].astype(float), strict=True))
        for q, f in frame.groupby("qid")
        if q in number
    }
    labels = {
        number[q]: dict(zip(f["docno"], f["label"].tolist(), strict=True))
        for q, f in qrels.groupby("qid")
        if q in number
    }
    return by_providers(measures, labels, run, len(qids))


@pytest.mark.parametrize("seed", range(6))
def test_every_bit_is_that_of_ir_measures(seed):
    hits, qrels = case(seed)
    assert all(map(formula, MEASURES))
    got = evaluate(hits, qrels, MEASURES, queries=hits.queries)
    want = slow(hits, qrels, got.per_query.index.tolist(), MEASURES)
    for column, name in enumerate(got.measures):
        np.testing.assert_array_equal(got.per_query[name], want[:, column], err_msg=name)


@pytest.mark.parametrize("first", ["AP(rel=2)", "P(rel=3)@5", "nDCG(gains={1:7})", "AP(judged_only=True)"])
def test_a_measure_is_what_it_is_beside_any_other(first):
    """Computed in one go, ir-measures gives nDCG with the gains of another nDCG (0.4.3)."""
    hits, qrels = case(9)
    wanted = parse_measures(f"{first} nDCG@10 NumRet")
    got = evaluate(hits, qrels, wanted, queries=hits.queries)
    alone = [slow(hits, qrels, got.per_query.index.tolist(), [measure]) for measure in wanted]
    np.testing.assert_array_equal(got.per_query, np.concatenate(alone, axis=1))


@pytest.mark.parametrize(
    "name",
    ["P(judged_only=True)@5", "nDCG(dcg='exp-log2')@10", "nDCG(gains={1:7})@10", "Bpref", "ERR@10"],
)
def test_what_is_not_computed_here_is_left_to_ir_measures(name):
    assert formula(parse_measures(name)[0]) is None


def test_a_measure_that_only_has_the_name_of_another_is_not_taken_for_it():
    class Mine(type(ir_measures.P)):
        """A user's own."""

    assert formula(Mine(cutoff=5)) is None


def test_hand_worked_values():
    queries = pd.DataFrame({"qid": ["a", "b"], "query": ["a", "b"]}, dtype="str")
    hits = Hits(queries, np.array([0, 3, 4]), np.array([2, 0, 1, 1]), np.array([3.0, 2, 1, 1]), Docnos(["x", "y", "z"]))
    qrels = pd.DataFrame({"qid": list("aab"), "docno": list("xyz"), "label": [2, 1, 1]}).astype(
        {"qid": "str", "docno": "str"}
    )
    got = evaluate(hits, qrels, "AP RR P@2 R@2 Rprec nDCG Judged@2").per_query
    best = 2 + 1 / np.log2(3)
    assert got.loc["a"].tolist() == pytest.approx(
        [(1 / 2 + 2 / 3) / 2, 0.5, 0.5, 0.5, 0.5, (2 / np.log2(3) + 0.5) / best, 0.5]
    )
    assert got.loc["b"].tolist() == [0] * 7


def test_one_evaluator_serves_runs_on_different_tables():
    hits, qrels = case(3)
    evaluator = Evaluator(qrels, MEASURES, hits.queries)
    first = evaluator(hits)
    wide = hits.on(Docnos([*(f"other{i}" for i in range(20_000)), *hits.docnos.names.to_pylist()]))
    assert len(wide) < len(wide.docnos)  # another way to look up names
    framed = Hits.from_frame(hits.frame(), queries=hits.queries)
    for other in (hits.compact(), wide, framed, hits):
        pd.testing.assert_frame_equal(evaluator(other).per_query, first.per_query, check_exact=True)
    assert (evaluator(Hits.none(hits.queries)).per_query == 0).all(axis=None)


def test_a_document_of_an_earlier_query_is_not_found_in_a_later_one():
    queries = pd.DataFrame({"qid": ["a", "b"], "query": ["a", "b"]}, dtype="str")
    hits = Hits(queries, np.array([0, 1, 2]), np.array([0, 1]), np.ones(2), Docnos(["x", "y"]))
    qrels = pd.DataFrame({"qid": list("aabb"), "docno": list("xyxy"), "label": 1}).astype(
        {"qid": "str", "docno": "str"}
    )
    found = Judgements(qrels, ["b", "a"]).find(hits)
    assert found.query.tolist() == [0, 1]
    assert found.rank.tolist() == [0, 0]
    assert found.retrieved.tolist() == [1, 1]


def test_a_document_twice_is_named():
    queries = pd.DataFrame({"qid": ["a"], "query": ["a"]}, dtype="str")
    hits = Hits(queries, np.array([0, 3]), np.array([1, 0, 1]), np.ones(3), Docnos(["x", "y"]))
    qrels = pd.DataFrame({"qid": ["a"], "docno": ["z"], "label": [1]}).astype({"qid": "str", "docno": "str"})
    with pytest.raises(FrameError, match="results: qid 'a', docno 'y' occurs twice; keep one"):
        Judgements(qrels, ["a"]).find(hits)
