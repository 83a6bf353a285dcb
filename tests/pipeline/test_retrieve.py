"""Tests of irkit.pipeline.retrieve, and of whole pipelines, on a real Lucene index."""

import pandas as pd
import pytest

from irkit.errors import ConfigError, NotFoundError
from irkit.lucene import build_index
from irkit.pipeline import Aggregate, DropSelf, LoadText, Passages, Retrieve, apply, normalise, rrf

# Pairs of documents with one text tie on every query.
TEXTS = [
    "wing flutter at high speed", "heat transfer in a wing", "heat and more heat", "the speed of sound",
    "the flutter of a flag in the wind", "a wing of a house",
]  # fmt: skip
DOCS = [(f"{letter}{i}", text) for i, text in enumerate(TEXTS) for letter in "ab"]
QUERIES = {"1": "wing speed", "2": "heat", "3": "unheard words only", "a0": "flutter of the wing", "4": ""}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    built = build_index(tmp_path_factory.mktemp("index") / "toy", DOCS)
    yield built
    built.close()


def rows(frame):
    return list(zip(frame["qid"], frame["docno"], frame["score"], strict=True))


def test_hits_come_with_their_queries_in_order(index):
    frame = Retrieve(index=index)(QUERIES)
    assert frame.columns.tolist() == ["qid", "query", "docno", "score", "rank"]
    assert frame["qid"].unique().tolist() == ["1", "2", "a0"]
    assert frame[frame["qid"] == "2"]["docno"].tolist() == ["b2", "a2", "b1", "a1"]
    assert rows(frame) == sorted(
        rows(frame), key=lambda row: (list(QUERIES).index(row[0]), -row[2], [-ord(c) for c in row[1]])
    )
    assert len(Retrieve(index=index).run(Retrieve(index=index).read(QUERIES)).queries) == 5


def test_ties_go_the_way_that_is_asked_for(index):
    frame = Retrieve(index=index, ties="anserini")({"2": "heat"})
    assert frame["docno"].tolist() == ["a2", "b2", "a1", "b1"]
    after = (Retrieve(index=index, ties="anserini") >> apply.score(lambda row: 1.0))({"2": "heat"})
    assert after["docno"].tolist() == ["a1", "a2", "b1", "b2"]


@pytest.mark.parametrize("model", ["bm25", "ql-dirichlet", "ql-jelinek-mercer", "lucene-qld", "lucene-qljm", "tf-idf"])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 50])
def test_a_cut_inside_the_retrieval_gives_the_same_as_one_after_it(index, model, k):
    stage = Retrieve(index=index, model=model)
    unfused = stage.run(stage.read(QUERIES)).cut(k).frame()
    pd.testing.assert_frame_equal((stage % k)(QUERIES), unfused, check_exact=True)


def test_weighted_terms_are_searched_as_they_are(index):
    frame = (apply.rewrite(lambda row: {"heat": 2.0, "flag": 0.5}) >> Retrieve(index=index))({"1": "wing"})
    plain = {docno: score for _, docno, score in rows(Retrieve(index=index)({"1": "heat"}))}
    assert frame["docno"].tolist()[:2] == ["b2", "a2"]
    assert frame["score"].iloc[0] == pytest.approx(2 * plain["b2"], rel=1e-6)
    assert {"a4", "b4"} < set(frame["docno"])


def test_no_query_is_fine(index):
    assert Retrieve(index=index)([]).empty
    assert (Retrieve(index=index) % 3 >> LoadText(index=index) >> Passages() >> Aggregate())([""]).empty


def test_an_explanation_adds_up_to_the_score(index):
    pipeline = 0.5 * Retrieve(index=index) + Retrieve(index=index, model="ql-dirichlet", mu=50)
    found = pipeline.explain("wing speed", "a0")
    bm25, ql = found.steps[0].parts
    for part in (bm25, ql):
        assert [term for term, _, _ in part[0].terms] in (["speed", "wing"], ["wing", "speed"])
        assert sum(share for _, _, share in part[0].terms) == pytest.approx(part[0].score, rel=1e-6)
    assert found.score == pytest.approx(0.5 * bm25[0].score + ql[-1].score, rel=1e-12)
    with pytest.raises(NotFoundError, match="there is no document 'a99'"):
        pipeline.explain("wing speed", "a99")


def test_a_whole_pipeline(index):
    first = rrf(Retrieve(index=index) % 8, Retrieve(index=index, model="ql-dirichlet") % 8)
    pipeline = first >> DropSelf() % 4 >> LoadText(index=index) >> Passages(size=3, stride=2)
    pipeline = normalise(pipeline >> apply.score(lambda row: row["text"].count("wing") + 0.1) >> Aggregate()) % 2
    frame = pipeline(QUERIES)
    assert [(q, d, s) for q, d, s in rows(frame) if q == "a0"] == [("a0", "b5", 1.0), ("a0", "b0", 1.0)]
    assert frame["text"].tolist()[0].count("wing") == 1
    assert pipeline.cacheable is False
    assert first.cacheable


def test_a_fingerprint_depends_on_the_content_of_the_index(index, tmp_path):
    stage = Retrieve(index=index)
    with build_index(tmp_path / "same", DOCS) as same, build_index(tmp_path / "less", DOCS[:-1]) as less:
        assert Retrieve(index=same) == stage
        assert Retrieve(index=less) != stage
    assert Retrieve(index=index, k1=1.2) != stage
    assert stage.cacheable


def test_parameters_of_another_model_are_refused(index):
    with pytest.raises(ConfigError, match="ql-dirichlet: unknown field 'k1'"):
        Retrieve(index=index, model="ql-dirichlet", k1=1.2)
    with pytest.raises(ConfigError, match="lucene: unknown field 'modle'; did you mean model"):
        Retrieve(index=index, modle="bm25")


@pytest.mark.slow
def test_workers_open_the_index_themselves(index):
    pipeline = Retrieve(index=index, model="ql-dirichlet") % 5 >> LoadText(index=index) >> Passages(size=2)
    many = {f"q{i}": text for i, text in enumerate(list(QUERIES.values()) * 4)}
    pd.testing.assert_frame_equal(pipeline.parallel(2)(many), pipeline(many), check_exact=True)


def test_where_and_how_it_searches_makes_no_other_stage(index):
    plain = Retrieve(index=index)
    for how in ({"threads": 2}, {"scorer": "taat"}):
        assert Retrieve(index=index, **how).fingerprint == plain.fingerprint
        assert Retrieve(index=index, **how).config.given() == how
    assert Retrieve(index=index, ties="anserini").fingerprint != plain.fingerprint
