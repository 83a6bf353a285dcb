"""Nothing in gives nothing out: every stage a recipe can name, without queries, without results and without hits."""

import numpy as np
import pandas as pd
import pytest

from irkit.evaluate import evaluate
from irkit.hits import Hits
from irkit.lucene import build_index
from irkit.pipeline import LoadText, Retrieve, Stage, Topics, apply, combmnz, combsum, features, interpolate, rrf
from irkit.rank import CrossEncoder, IndexEncoder, bags_of_index, frequent_words
from irkit.recommend.table import RatingTable
from irkit.registry import STAGES
from irkit.represent import LSA
from irkit.text.vectors import Vectors
from tests.rank.toy import PosteriorEncoder

DOCS = [("d1", "storm"), ("d2", "rain storm"), ("d3", "coast")]
VECTORS = Vectors(["storm", "rain", "coast"], np.array([[1.0, 0], [0.9, 0.1], [0, 1]]))
PAIRS = pd.DataFrame({"qid": ["1"], "docno": ["d1"]})
RATINGS = pd.DataFrame(
    [(user, item, float(1 + (place * 7 + 3 * spot) % 5), float(100 * place + spot))
     for place, user in enumerate("abcde") for spot, item in enumerate("uvwxyz") if (place + spot) % 4],
    columns=["user_id", "item_id", "rating", "timestamp"],
)  # fmt: skip
SETTINGS = {
    "aggregate": {}, "cut": {"k": 3}, "scale": {"weight": -2.0}, "parallel": {"n": 1}, "passages": {"size": 3},
    "hybrid": {"weight": 0.5},
}  # fmt: skip
JOINS = ("append", "combmnz", "features", "hybrid", "intersection", "rrf", "sum", "union")
LEARNERS = tuple(name for name, place in STAGES.items() if place.startswith("irkit.recommend."))
FEW = {"epochs": 1, "mf_epochs": 1, "iterations": 1, "draws": 1, "burn_in": 0, "trees": 1, "rounds": 1, "filters": 2}
"What keeps a learner short, where it has such a setting."

EMPTY = {"object": [], "float64": np.zeros(0), "str": pd.Series([], dtype="str")}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("few") / "index", DOCS) as built:
        yield built


@pytest.fixture(scope="module")
def stages(index):
    """Every registered stage, fitted where it learns."""
    bm25 = Retrieve(index=index)
    words = frequent_words(index, min_df=1)
    encoder = IndexEncoder(LSA(dimensions=1).fit(bags_of_index(index, words)), index)
    cross = CrossEncoder(lambda query, texts: [float(len(text)) for text in texts], name="length", keep=False)
    resources = {"index": index, "vectors": VECTORS, "encoder": encoder, "cross_encoder": cross, "pairs": PAIRS}
    able = PosteriorEncoder({docno: [1.0] for docno, _ in DOCS}, posteriors=([([0.0], [1.0])] * len(DOCS), {}))
    table, topics = RatingTable.from_frame(RATINGS), Topics({"1": "storm rain"}, PAIRS.assign(label=1))
    made: dict[str, Stage] = {}
    for name in sorted(STAGES):  # bias before rate
        kind = STAGES.load(name)
        short = {field: value for field, value in FEW.items() if field in kind.config_type.model_fields}
        if name == "rate":
            made[name] = made["bias"].rater()
        elif name in LEARNERS:
            made[name] = kind(**short).fit(table)
        elif kind.learns_from is Topics:
            learner = kind.make(short, (), {need: resources[need] for need in kind.needs})
            made[name] = (bm25**bm25 >> LoadText(index=index) >> learner).fit(topics).parts[-1]
        else:
            parts: tuple[Stage, ...] = (bm25, bm25 % 2) if name in JOINS else (bm25,) if name == "parallel" else ()
            held = {**resources, "encoder": able} if name in ("posterior", "smoothed") else resources
            made[name] = kind.make(SETTINGS.get(name, {}), parts, held)
    return made


def queries(column):
    return pd.DataFrame({"qid": column, "query": column})


def results(column, **more):
    return pd.DataFrame({"qid": column, "query": column, "docno": column, "score": column, "text": column, **more})


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("kind", EMPTY)
def test_a_stage_gives_nothing_for_an_empty_frame_of_any_type(name, kind, stages):
    stage = stages[name]
    out = stage(queries(EMPTY[kind]) if stage.takes == "queries" else results(EMPTY[kind]))
    assert not len(out)
    assert {"qid"} | ({"docno", "score", "rank"} if stage.gives == "results" else set()) <= set(out)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_takes_a_list_without_queries_and_queries_without_hits(name, stages, index):
    stage = stages[name]
    if stage.takes == "queries":
        filtered = pd.DataFrame({"qid": ["1"], "query": ["storm"]}).query("qid == '9'")
        assert len(stage([])) == len(stage({})) == len(stage(filtered)) == 0
        return
    nobody = pd.DataFrame({"qid": ["1", "2"], "query": ["zebra", ""]})
    hits = Retrieve(index=index).run(nobody)
    assert not len(hits)
    if name in ("passages", "aggregate", "cross-encode"):
        hits = stages["text"].run(hits)
    out = stage.run(hits)
    assert (len(out), len(out.queries)) == (0, 2) if isinstance(out, Hits) else len(out) == 2


def test_a_chain_gives_nothing_for_nothing(stages, index):
    bm25 = Retrieve(index=index)
    for name in ("bo1", "erm", "kl", "rfmf", "rm3", "rocchio", "reset"):
        pipeline = bm25 >> stages[name] >> bm25 % 5
        assert pipeline([]).empty
        assert pipeline(queries(np.zeros(0))).empty
        assert pipeline("zebra").empty
    for name in ("eqe1", "eqe2"):
        assert (stages[name] >> bm25)([]).empty


@pytest.mark.parametrize(
    "nothing",
    [
        lambda: pd.DataFrame([]),
        lambda: pd.DataFrame({"qid": [], "docno": [], "score": []}),
        lambda: pd.DataFrame({"qid": np.zeros(0), "docno": np.zeros(0), "score": np.zeros(0)}),
        lambda: pd.DataFrame(columns=["qid", "docno", "score"]),
    ],
)
def test_a_retriever_of_ones_own_may_find_nothing(nothing, index):
    bm25, mine = Retrieve(index=index), apply.retrieve(lambda _: nothing())
    both = bm25("storm")["docno"].tolist()
    assert mine("storm").empty
    assert mine(["storm", "rain"]).empty
    each = apply.retrieve(lambda _: nothing(), by_query=True)
    for own in (mine, each):
        joins = (rrf(bm25, own), bm25 + own, own + bm25, combmnz(own, bm25), combsum(bm25, own, missing="lowest"),
                 bm25 | own, bm25 ^ own, own ^ bm25, interpolate(own, bm25, 0.5), features(bm25, own))  # fmt: skip
        for joined in joins:
            assert joined("storm")["docno"].tolist() == both, joined
            assert len(joined(["storm", "zebra", "rain"])) == 3
        assert (bm25 & own)("storm").empty
    assert (bm25 >> apply.rerank(lambda _: nothing()))("storm").empty
    assert (mine >> apply.score(lambda row: 1.0) >> apply.filter(lambda row: True))("storm").empty
    qrels = pd.DataFrame({"qid": ["1"], "docno": ["d2"], "label": [1]})
    assert evaluate(nothing(), qrels, "AP").means == evaluate(mine("storm"), qrels, "AP").means == {"AP": 0.0}
