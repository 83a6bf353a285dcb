"""What every stage keeps to, whatever it does."""

import pickle

import pandas as pd
import pytest

from irkit.pipeline import (
    Aggregate,
    Cut,
    Drop,
    DropSelf,
    Learned,
    LoadText,
    Passages,
    Reset,
    Stage,
    Topics,
    apply,
    combmnz,
    interpolate,
    normalise,
    rrf,
)
from irkit.pipeline.operators import Normalise, Scale
from irkit.testing import check_stage
from tests.pipeline.toy import DOCS, Louder, ToyIndex, toy

QUERIES = pd.DataFrame(
    {"qid": ["q2", "d1", "q9", "q1"], "query": ["heat wing", "flutter of speed", "unheard", "a"]}, dtype="str"
)
TEXTS = LoadText(index=ToyIndex(DOCS))
PAIRS = pd.DataFrame({"qid": ["q2", "d1"], "docno": ["d3", "d5"]})
FEATURES = toy() ** toy(boost=0.1)
RANKER = (FEATURES >> Learned(model="linear")).fit(Topics(QUERIES, PAIRS.assign(label=1))).parts[-1]


def length(row):
    return len(row["query"]) / 7


def shorter(row):
    return row["query"].split()[0]


def best(frame):
    return frame[frame["rank"] < 2]


PIPELINES = {
    "toy": toy(),
    "louder": Louder(),
    "cut": toy() % 2,
    "scale": -0.3 * toy(),
    "minmax": normalise(toy()),
    "zscore": normalise(toy(), "zscore"),
    "sum-to-one": normalise(toy(), "sum"),
    "drop": toy() >> Drop(pairs=PAIRS),
    "drop-self": toy() >> DropSelf(),
    "reset": Louder() >> toy() >> Reset(),
    "text": toy() >> TEXTS,
    "passages": toy() >> TEXTS >> Passages(size=2),
    "aggregate": toy() >> TEXTS >> Passages(size=2) >> Scale(weight=2) >> Aggregate(method="mean"),
    "sum": toy() + toy(boost=0.1) + (Louder() >> toy()),
    "union": toy() % 1 | (Louder() >> toy()),
    "intersection": toy() % 2 & (Louder() >> toy()),
    "append": toy() % 1 ^ (Louder() >> toy()),
    "features": FEATURES,
    "rrf": rrf(toy() % 2, Louder() >> toy()),
    "combmnz": combmnz(toy() % 2, Louder() >> toy()),
    "interpolate": interpolate(toy() % 2, Louder() >> toy(), 0.3),
    "learned": FEATURES >> RANKER,
    "parallel": toy().parallel(1),
    "rewrite": apply.rewrite(shorter, key="shorter"),
    "score": toy() >> apply.score(length, key="length"),
    "feature": toy() >> apply.feature(length, key="length"),
    "rerank": toy() >> apply.rerank(best, key="best"),
    "rerank-by-query": toy() >> apply.rerank(best, by_query=True, key="best"),
}

every = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


@every
def test_it_keeps_to_the_contract_of_stages(pipeline: Stage):
    check_stage(pipeline, QUERIES, named=False)
    assert len(pipeline(QUERIES)) > 3


@every
def test_it_takes_a_query_without_results(pipeline: Stage):
    out = pipeline(QUERIES[2:3].reset_index(drop=True))
    assert len(out) == (0 if pipeline.gives == "results" else 1)


@every
def test_it_can_be_sent_to_a_worker(pipeline: Stage):
    back = pickle.loads(pickle.dumps(pipeline))
    assert back == pipeline
    assert back.cacheable
    pd.testing.assert_frame_equal(back(QUERIES), pipeline(QUERIES), check_exact=True)


@every
def test_it_is_drawn_and_explained(pipeline: Stage):
    assert repr(pipeline)
    assert str(pipeline).startswith(f"{pipeline.takes}\n")
    assert pipeline._repr_svg_().startswith("<svg")
    found = pipeline.explain("heat wing", "d2")
    assert "d2" in str(found)
    assert len(found.frame()) >= len(found.steps)


@every
def test_it_goes_on_from_its_own_frame(pipeline: Stage):
    onward = Cut(k=2) >> Normalise() if pipeline.gives == "results" else toy()
    pd.testing.assert_frame_equal(onward(pipeline(QUERIES)), (pipeline >> onward)(QUERIES), check_exact=True)
