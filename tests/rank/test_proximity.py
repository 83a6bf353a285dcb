"""Tests of irkit.rank.proximity: by hand, and by loops over all pairs and passages."""

from itertools import combinations, pairwise
from math import exp, log

import numpy as np
import pandas as pd
import pytest

from irkit.errors import ConfigError
from irkit.hits import Docnos, Hits
from irkit.lucene import build_index
from irkit.rank import Proximity, matches
from irkit.testing import check_stage

RNG = np.random.default_rng(7)
TEXTS = {
    "d1": "wing x x flutter x wing heat", "d2": "heat x x x x x x x x x x wing", "d3": "heat heat x", "d4": "x y",
    "d5": "",
    **{f"r{i}": " ".join(RNG.choice(["wing", "heat", "flutter", "x", "y", "z"], 25)) for i in range(12)},
}  # fmt: skip
QUERIES = pd.DataFrame(
    {"qid": ["1", "2", "3", "4"], "query": ["wing heat flutter heat", "heat unheard", "unheard", ""]}, dtype="str"
)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "toy"
    with build_index(path, list(TEXTS.items()), analyzer="whitespace") as built:
        yield built


def everything(queries):
    n, d = len(queries), len(TEXTS)
    score = np.random.default_rng(3).permutation(n * d)
    return Hits.ranked(queries, np.repeat(np.arange(n), d), np.tile(np.arange(d), n), score, Docnos(tuple(TEXTS)))


def found(stage, flow):
    return {
        (row.qid, row.docno): dict(zip(stage.makes, row.features.tolist(), strict=True))
        for row in stage(flow).itertuples()
    }


def test_by_hand(index):
    made = found(Proximity(index=index), everything(QUERIES))
    near = {"min-distance": 1, "nearness": log(0.3 + exp(-1)), "cover": 4, "cover-density": 3 / 4, "close-pairs": 3}
    assert made["1", "d1"] == pytest.approx(near, rel=1e-12)
    far = {"min-distance": 11, "nearness": log(0.3 + exp(-11)), "cover": 12, "cover-density": 2 / 12, "close-pairs": 0}
    assert made["1", "d2"] == pytest.approx(far, rel=1e-12)
    alone = {"min-distance": 3, "nearness": log(0.3 + exp(-3)), "cover": 1, "cover-density": 1, "close-pairs": 0}
    assert made["1", "d3"] == made["2", "d3"] == pytest.approx(alone, rel=1e-12)
    assert made["1", "d4"] == pytest.approx({**far, "min-distance": 2, "nearness": log(0.3 + exp(-2)), "cover": 0,
                                             "cover-density": 0}, rel=1e-12)  # fmt: skip
    assert made["1", "d5"]["min-distance"] == 0


def slow(query, text):
    words, terms = text.split(), set(query.split()) & {word for text in TEXTS.values() for word in text.split()}
    places = [(place, word) for place, word in enumerate(words) if word in terms]
    apart = [b - a for (a, s), (b, t) in combinations(places, 2) if s != t]
    distance = min(apart, default=len(words))
    has = {word for _, word in places}
    passages = [words[a:b] for a in range(len(words)) for b in range(a + 1, len(words) + 1)]
    cover = min((len(passage) for passage in passages if has <= set(passage)), default=0) if has else 0
    return {
        "min-distance": distance, "nearness": log(0.3 + exp(-distance)), "cover": cover,
        "cover-density": len(has) / cover if has else 0,
        "close-pairs": sum(s != t and b - a < 8 for (a, s), (b, t) in pairwise(places)),
    }  # fmt: skip


@pytest.mark.parametrize("pairs", [1, 1 << 20])
def test_they_are_those_of_loops_over_pairs_and_passages(index, pairs, monkeypatch):
    monkeypatch.setattr(matches, "PAIRS", pairs)
    made = found(Proximity(index=index), everything(QUERIES))
    assert len(made) == len(QUERIES) * len(TEXTS)
    for qid, query in zip(QUERIES["qid"], QUERIES["query"], strict=True):
        for docno, text in TEXTS.items():
            assert made[qid, docno] == pytest.approx(slow(query, text), rel=1e-12), (qid, docno)


def test_weights_play_no_part(index):
    toks = QUERIES.assign(query_toks=pd.Series([{"wing": 0.5, "heat": 9.0, "flutter": 1.0}, {"heat": 2.0}, None, None]))
    stage = Proximity(index=index)
    assert found(stage, everything(toks)) == found(stage, everything(QUERIES))


def test_it_keeps_to_the_contract_of_stages(index):
    check_stage(Proximity(index=index), everything(QUERIES))


def test_an_index_without_texts_is_refused(tmp_path):
    bare = build_index(tmp_path / "bare", list(TEXTS.items()), analyzer="whitespace", store_text=False)
    with bare, pytest.raises(ConfigError, match="has no stored text of 'd1'; build it with store_text=True"):
        Proximity(index=bare)(everything(QUERIES))
