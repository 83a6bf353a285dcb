"""Tests of irkit.pipeline.pyterrier, with the real package."""

import sys

import pandas as pd
import pytest

from irkit.errors import CompositionError, ConfigError, FrameError, MissingExtraError
from irkit.pipeline import Cut, Reset, from_pyterrier, rrf, to_pyterrier
from irkit.pipeline.operators import Normalise
from irkit.pipeline.pyterrier import enable_operators
from tests.pipeline.toy import Louder, toy

pt = pytest.importorskip("pyterrier")

# PyTerrier itself still uses what pandas 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

QUERIES = pd.DataFrame({"qid": ["1", "2", "3"], "query": ["heat", "wing speed", "nothing"]}, dtype="str")
RUN = pd.DataFrame(
    [["1", "d2", 3.0], ["1", "d5", 7.0], ["2", "d1", 1.0]], columns=["qid", "docno", "score"]
)  # fmt: skip
source = pt.Transformer.from_df(RUN)
shout = pt.apply.query(lambda row: row["query"] + " heat")
longer = pt.apply.doc_score(lambda row: float(len(row["query"])) + float(row["docno"][1:]))


def rows(frame):
    return list(zip(frame["qid"], frame["docno"], frame["score"], strict=True))


def test_pyterrier_started_no_jvm():
    assert not pt.java.started()


# ---------------------------------------------------------------- transformers as stages


def test_a_transformer_may_follow_a_stage():
    pipeline = toy() >> longer
    assert (pipeline.takes, pipeline.gives) == ("queries", "results")
    frame = pipeline(QUERIES)
    assert rows(frame) == [
        ("1", "d3", 7.0), ("1", "d2", 6.0), ("2", "d4", 14.0), ("2", "d2", 12.0), ("2", "d1", 11.0),
    ]  # fmt: skip
    assert frame["rank"].tolist() == [0, 1, 0, 1, 2]
    assert rows((pipeline % 1)(QUERIES)) == [("1", "d3", 7.0), ("2", "d4", 14.0)]


def test_a_transformer_may_rewrite_before_a_stage():
    assert rows((Louder() >> shout >> toy() % 1)({"1": "wing"})) == [("1", "d3", 3.0)]
    assert rows((from_pyterrier(shout) >> toy() % 1)({"1": "wing"})) == [("1", "d3", 3.0)]


def test_a_transformer_may_retrieve():
    pipeline = Louder() >> source >> Cut(k=1)
    assert rows(pipeline(QUERIES)) == [("1", "d5", 7.0), ("2", "d1", 1.0)]
    assert pipeline.run(QUERIES).queries["qid"].tolist() == ["1", "2", "3"]
    assert rows(from_pyterrier(source)(QUERIES)) == [("1", "d5", 7.0), ("1", "d2", 3.0), ("2", "d1", 1.0)]


def test_a_transformer_may_be_fused_with_a_stage():
    expected = [("1", "d5", 7.0), ("1", "d2", 4.0), ("1", "d3", 3.0)]
    assert rows((toy() + source)(QUERIES[:1])) == expected
    assert len(rrf(toy(), from_pyterrier(source)).parts) == 2
    features = (toy() ** from_pyterrier(source))(QUERIES[:1])["features"]
    assert [list(values) for values in features] == [[3.0, 0.0], [1.0, 3.0]]


def test_a_transformer_may_go_back_to_queries():
    back = pt.apply.generic(lambda frame: frame[["qid", "query"]].drop_duplicates("qid"))
    pipeline = toy() >> from_pyterrier(back, takes="results", gives="queries") >> toy(boost=2)
    assert rows(pipeline(QUERIES[:1])) == rows((2 * toy())(QUERIES[:1]))


def test_further_columns_travel_along():
    pipeline = toy() >> pt.apply.generic(lambda frame: frame.assign(docid=7)) >> Normalise()
    assert pipeline(QUERIES)["docid"].tolist() == [7] * 5


def test_pipelines_of_transformers_are_one_stage():
    stage = from_pyterrier(shout >> source, takes="queries", gives="results")
    assert rows(stage(QUERIES)) == [("1", "d5", 7.0), ("1", "d2", 3.0), ("2", "d1", 1.0)]
    assert repr(stage).startswith("from_pyterrier(")
    assert "0x" not in repr(stage)


def test_nothing_in_is_nothing_out():
    assert (toy() >> longer)(["unknown"]).empty
    assert from_pyterrier(source)([]).empty


def test_ties_are_broken_by_irkits_rule():
    tied = pt.Transformer.from_df(pd.DataFrame([["1", "a", 1.0], ["1", "b", 1.0]], columns=["qid", "docno", "score"]))
    assert from_pyterrier(tied)(QUERIES)["docno"].tolist() == ["b", "a"]


# ---------------------------------------------------------------- stages as transformers


def test_a_stage_is_a_real_transformer():
    transformer = to_pyterrier(toy())
    assert isinstance(transformer, pt.Transformer)
    assert rows(transformer(QUERIES)) == rows(toy()(QUERIES))
    assert rows(transformer.search("heat")) == rows(toy()("heat"))
    assert repr(transformer) == "toy()"


def test_pyterriers_operators_take_a_stage():
    toy_ = to_pyterrier(toy())
    assert rows((shout >> toy_)(QUERIES[:1])) == rows(toy()({"1": "heat heat"}))
    assert rows((toy_ >> to_pyterrier(Cut(k=1)))(QUERIES)) == rows((toy() % 1)(QUERIES))
    assert rows((toy_ % 1)(QUERIES)) == rows((toy() % 1)(QUERIES))
    assert {(q, d): s for q, d, s in rows((2 * toy_ + toy_)(QUERIES))} == {
        (q, d): 3 * s for q, d, s in rows(toy()(QUERIES))
    }


def test_a_compiled_cut_goes_into_the_stage():
    compiled = (to_pyterrier(toy()) % 2).compile()
    assert repr(compiled) == "toy() % 2"
    assert rows(compiled(QUERIES)) == rows((toy() % 2)(QUERIES))


def test_pyterrier_can_look_into_a_stage():
    results = ["qid", "query", "docno", "score", "rank"]
    assert pt.inspect.transformer_inputs(to_pyterrier(toy())) == [["qid", "query"]]
    assert pt.inspect.transformer_outputs(to_pyterrier(toy()), ["qid", "query"]) == results
    assert pt.inspect.transformer_outputs(to_pyterrier(toy()), ["qid", "query", "lang"]) == [*results, "lang"]
    assert set(to_pyterrier(toy())(QUERIES.assign(lang="en"))) == {*results, "lang"}
    assert pt.inspect.transformer_inputs(to_pyterrier(Cut(k=1))) == [["qid", "docno", "score"]]
    assert pt.inspect.transformer_outputs(to_pyterrier(Cut(k=1)), [*results, "docid"]) == [*results, "docid"]
    assert pt.inspect.transformer_outputs(to_pyterrier(Reset()), results) == ["qid", "query"]


def test_a_retriever_reads_the_queries_of_results():
    again = to_pyterrier(toy()) >> to_pyterrier(toy(boost=2))
    assert rows(again(QUERIES)) == rows(toy(boost=2)(QUERIES[:2]))


def test_there_and_back_is_the_same_object():
    stage = toy()
    assert from_pyterrier(to_pyterrier(stage)) is stage
    assert to_pyterrier(from_pyterrier(source)) is source
    assert (Louder() >> to_pyterrier(stage)) == Louder() >> stage


def test_pyterrier_measures_a_stage():
    qrels = pd.DataFrame({"qid": ["1", "2"], "docno": ["d3", "d2"], "label": [1, 1]})
    frame = pt.Experiment([to_pyterrier(toy())], QUERIES, qrels, ["map"], names=["toy"])
    assert frame["map"].tolist() == [pytest.approx((1 + 1 / 3) / 2)]


# ---------------------------------------------------------------- a transformer on the left


def test_a_transformer_on_the_left_is_pyterriers_to_refuse_until_enabled(monkeypatch):
    with pytest.raises(ValueError, match="cannot be coerced into a transformer"):
        shout >> toy()
    for name in ("__rshift__", "__add__", "__or__", "__and__", "__xor__", "__pow__"):
        monkeypatch.setattr(pt.Transformer, name, getattr(pt.Transformer, name))
    enable_operators()
    once = pt.Transformer.__rshift__
    enable_operators()
    assert pt.Transformer.__rshift__ is once
    pipeline = shout >> toy() % 1
    assert repr(pipeline).endswith(" >> toy() % 1")
    assert rows(pipeline({"1": "wing"})) == [("1", "d3", 3.0)]
    assert rows((source + toy())(QUERIES[:1])) == rows((toy() + source)(QUERIES[:1]))
    assert rows((source | toy())(QUERIES[:1])) == rows((toy() | source)(QUERIES[:1]))
    assert len((source ** toy()).parts) == len((source ^ toy()).parts) == len((source & toy()).parts) == 2
    assert isinstance(shout >> source, pt.Transformer)
    with pytest.raises(ValueError, match="cannot be coerced into a transformer"):
        shout >> "text"


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: from_pyterrier(3), CompositionError, "from_pyterrier: needs a pyterrier Transformer, got int"),
        (
            lambda: from_pyterrier(pt.Transformer.identity()),
            CompositionError,
            "from_pyterrier: cannot tell what <pyterrier.transformer.IdentityTransformer object at",
        ),
        (
            lambda: from_pyterrier(longer),
            CompositionError,
            "from_pyterrier: cannot tell what pt.apply.doc_score() takes",
        ),
        (
            lambda: (toy() >> longer).spec(),
            ConfigError,
            "pyterrier: a recipe cannot hold from_pyterrier(pt.apply.doc_sc",
        ),
        (
            lambda: (toy() >> from_pyterrier(longer, takes="results", gives="queries"))(QUERIES),
            FrameError,
            "pyterrier: from_pyterrier(pt.apply.doc_score()): qid '1' occurs twice",
        ),
        (
            lambda: (Louder() >> from_pyterrier(shout, takes="queries", gives="results"))(QUERIES),
            FrameError,
            "pyterrier: from_pyterrier(pt.apply.query()): a results frame needs the column 'docno', 'score'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, kind, message):
    with pytest.raises(kind) as error:
        make()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_transformer_is_not_cached():
    assert not (toy() >> longer).cacheable
    assert (toy() >> longer) != (toy() >> longer)


def test_without_pyterrier_the_command_is_printed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyterrier", None)
    with pytest.raises(MissingExtraError, match="pyterrier: is not installed; pip install python-terrier"):
        from_pyterrier(source)
