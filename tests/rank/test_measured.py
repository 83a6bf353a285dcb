"""Tests of irkit.rank.measured: beside ir-measures and the measures of one ranking."""

import ir_measures
import numpy as np
import pandas as pd
import pytest

from irkit.config import Config
from irkit.errors import ConfigError
from irkit.evaluate.measures import parse_measures
from irkit.hits import Docnos, Hits
from irkit.pipeline import Topics
from irkit.rank.effectiveness import EFFECTIVENESS
from irkit.rank.measured import Measured, MeasureName

DOCNOS = Docnos([f"d{n:02}" for n in range(15)])
MEASURES = ["AP", "RR", "nDCG@1", "nDCG@5", "nDCG@10", "nDCG@99", "P@1", "P@5", "P@20"]


def judged(seed, n=12):
    """Lists with ties; some queries without results, some without judgements, judgements of what was not found."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 15, n)
    query = np.repeat(np.arange(n), counts)
    doc = np.concatenate([rng.permutation(15)[:count] for count in counts])
    score = rng.integers(0, 4, len(query)) / 2
    queries = pd.DataFrame({"qid": [f"q{i}" for i in range(n)], "query": "x"}, dtype="str")
    rows = [
        (f"q{i}", f"d{j:02}", int(rng.integers(-1, 4))) for i in range(n + 2) for j in range(15) if rng.random() < 0.5
    ]
    rows = [row for row in rows if row[0] not in ("q3", "q4")]
    rows += [("q4", f"d{j:02}", 0) for j in range(5)]
    qrels = pd.DataFrame(rows, columns=["qid", "docno", "label"]).astype({"qid": "str", "docno": "str"})
    return Topics(Hits.ranked(queries, query, doc, score, DOCNOS), qrels)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("seed", range(3))
def test_a_mean_is_that_of_ir_measures(measure, seed):
    topics = judged(seed)
    measured = Measured(topics, measure)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        score = rng.integers(0, 5, len(topics.flow)) / 2
        frame = topics.flow.rescored(score).frame()
        run = frame.rename(columns={"qid": "query_id", "docno": "doc_id"})
        mine = topics.qrels[topics.qrels["qid"].isin(topics.flow.queries["qid"])]
        qrels = mine.rename(columns={"qid": "query_id", "docno": "doc_id", "label": "relevance"})
        expected = ir_measures.calc_aggregate(parse_measures(measure), qrels, run)
        assert measured.mean(score) == pytest.approx(next(iter(expected.values())), abs=1e-9)


@pytest.mark.parametrize("measure", EFFECTIVENESS)
def test_a_query_alone_is_measured_as_one_ranking_is(measure):
    topics = judged(7)
    for row in range(len(topics.flow.queries)):
        own = topics.flow.between(row, row + 1)
        labels = dict(topics.qrels[topics.qrels["qid"] == own.queries["qid"][0]][["docno", "label"]].to_numpy())
        found = np.array([labels.get(docno, 0) for docno in own.frame()["docno"]], dtype=float)
        best = np.sort(np.array(list(labels.values()), dtype=float))[::-1]
        expected = EFFECTIVENESS[measure](found, best)
        assert Measured(Topics(own, topics.qrels), measure).mean(own.score) == pytest.approx(expected, abs=1e-12)


def test_a_query_s_own_document_is_not_judged_where_the_judgements_say_so():
    queries = pd.DataFrame({"qid": ["d01"], "query": ["x"]}, dtype="str")
    hits = Hits.ranked(queries, [0, 0], [2, 3], [1.0, 2.0], DOCNOS)
    qrels = pd.DataFrame({"qid": ["d01"] * 2, "docno": ["d01", "d02"], "label": [1, 1]})
    assert Measured(Topics(hits, qrels), "AP").mean(hits.score) == 0.25
    qrels.attrs["exclude_self"] = True
    assert Measured(Topics(hits, qrels), "AP").mean(hits.score) == 0.5


def test_whether_orders_differ_is_said():
    topics = judged(0)
    assert Measured(topics, "AP").can_tell
    assert not Measured(Topics(topics.flow, topics.qrels.assign(label=0)), "AP").can_tell
    assert Measured(Topics(topics.flow, topics.qrels[:0]), "AP").mean(topics.flow.score) == 0


class Stopping(Config):
    measure: MeasureName = "AP"


@pytest.mark.parametrize("name", ["nDCG", "nDCG@0", "P@5 ", "ndcg@5", "AP@10", ""])
def test_a_measure_that_is_none_is_refused(name):
    with pytest.raises(
        ConfigError, match=r"stopping: measure is not valid, got .*a measure to stop by is AP, RR, nDCG@k"
    ):
        Stopping(measure=name)
