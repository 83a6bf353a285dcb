"""Tests of irkit.pipeline.explain."""

import pandas as pd
import pytest

from irkit.errors import FrameError, NotFoundError
from irkit.pipeline import Aggregate, Cut, LoadText, Passages, Reset, apply, combmnz, combsum, rrf
from irkit.pipeline.operators import Normalise
from tests.pipeline.toy import DOCS, Louder, ToyIndex, given, toy


def test_the_trail_of_a_chain():
    found = (toy() % 3 >> Normalise()).explain("wing flutter speed", "d5")
    assert [(step.label, step.rank, step.score) for step in found.steps] == [
        ("toy()", 1, 1.0), ("cut(k=3)", 1, 1.0), ("normalise()", 1, 0.0),
    ]  # fmt: skip
    assert found.steps[0].terms == [("flutter", 1.0, 1.0)]
    assert (found.rank, found.score) == (1, 0.0)


def test_the_trail_ends_where_the_document_is_lost():
    found = (toy() % 1).explain("wing flutter speed", "d4")
    assert [(step.rank, step.score) for step in found.steps] == [(2, 1.0), (None, None)]
    assert (found.rank, found.score) == (None, None)
    assert "cut(k=1)  not among the results" in str(found)


def test_a_retriever_says_why_it_did_not_give_a_document():
    found = toy(n=1).explain("wing flutter speed", "d4")
    assert found.score is None
    assert found.steps[0].terms == [("speed", 1.0, 1.0)]
    assert toy().explain("wing", "d3").steps[0].terms == []


def test_an_operator_shows_the_trail_of_each_part():
    found = (0.5 * toy() + (Louder() >> toy(boost=2))).explain("heat wing", "d2")
    (step,) = found.steps
    assert (step.label, step.rank, step.score) == ("sum()", 1, 0.5 * 2 + 2 * 3)
    first, second = step.parts
    assert [(s.label, s.rank, s.score) for s in first] == [("toy()", 1, 2.0), ("scale(weight=0.5)", 1, 1.0)]
    assert [(s.label, s.rank, s.score, s.query) for s in second] == [
        ("louder()", None, None, "heat wing heat"), ("toy(boost=2.0)", 1, 6.0, None),
    ]  # fmt: skip
    assert second[1].terms == [("heat", 2.0, 4.0), ("wing", 1.0, 2.0)]


def test_a_part_that_lacks_the_document_says_what_was_counted_for_it_and_why():
    lists = {"1": {"d1": -2.0, "d2": -5.0}}
    held, logs, nothing = toy(), given(lists), given({})
    joined = held + logs + -0.5 * logs + nothing

    def said(pipeline):
        (step,) = pipeline.explain({"1": "heat"}, "d3").steps
        return step.score, [part[-1].counted for part in step.parts]

    assert said(joined) == (3.0 - 5 + 2.5, [
        "", "counts -5, the lowest of its list", "counts 2.5, the lowest of its list before the weight",
        "counts 0, its list is empty",
    ])  # fmt: skip
    assert said(held + toy(boost=2) % 1 + given({"1": {"d1": 2.0}}))[1] == [
        "", "", "counts 0, its list has no negative score",
    ]  # fmt: skip
    assert said(held + -1 * given({"1": {"d1": 2.0}}))[1][1] == (
        "counts 0, its list has no negative score before the weight"
    )
    assert said(combsum(held, 0.5 * logs, missing=-8))[1][1] == "counts -4 as missing=-8 says, times the weight 0.5"
    assert said(combmnz(held, logs, missing="lowest"))[1][1] == "counts -5, the lowest of its list"
    made = logs >> apply.feature(lambda row: [1.0, row["score"]])
    assert said(held**made)[1][1] == "counts 0, -5, the lowest of its list"
    assert "not among the results; counts -5, the lowest of its list" in str(joined.explain({"1": "heat"}, "d3"))
    # Nothing is counted for a document that no part gives.
    assert said(given({}) + logs) == (None, ["", ""])


def test_scores_in_the_trail_are_those_of_the_pipeline():
    pipelines = [
        rrf(toy(), toy(boost=2) % 2) % 4 >> Normalise(),
        toy() ** toy(boost=2) >> apply.score(lambda row: row["features"] @ [1, 10]),
        toy() ** toy() >> Normalise() ** Cut(k=2) >> apply.score(lambda row: row["features"].sum()),
        toy() >> Reset() >> toy(boost=3),
        (toy() % 3).parallel(1) >> Normalise(),
    ]
    for pipeline in pipelines:
        frame = pipeline("wing flutter speed")
        for docno, score, rank in zip(frame["docno"], frame["score"], frame["rank"], strict=True):
            found = pipeline.explain("wing flutter speed", docno)
            assert (found.score, found.rank) == (score, rank)


def test_a_document_is_followed_into_its_best_passage_and_back():
    index = ToyIndex(DOCS)
    passages = toy() >> LoadText(index=index) >> Passages(size=2, stride=2)
    pipeline = passages >> apply.score(lambda row: row["text"].count("speed")) >> Aggregate()
    found = pipeline.explain("wing flutter", "d1")
    assert [step.docno for step in found.steps] == ["d1", "d1", "d1%p2", "d1%p2", "d1"]
    assert found.score == 1.0
    assert "score 1.0  (d1%p2)" in str(found)


def test_an_explanation_prints_as_an_indented_trail():
    found = (0.5 * toy() + (Louder() >> toy(boost=2)) >> Cut(k=9)).explain("heat wing", "d2")
    assert str(found) == (
        "document d2 for the query 'heat wing'\n"
        "  sum()                  rank 2  score 7.0\n"
        "      toy()              rank 2  score 2.0\n"
        "              1.0000  1 x heat\n"
        "              1.0000  1 x wing\n"
        "      scale(weight=0.5)  rank 2  score 1.0\n"
        "      louder()           query 'heat wing heat'\n"
        "      toy(boost=2.0)     rank 2  score 6.0\n"
        "              4.0000  2 x heat\n"
        "              2.0000  1 x wing\n"
        "  cut(k=9)               rank 2  score 7.0"
    )


def test_an_explanation_is_a_frame_too():
    found = (toy() + (Louder() >> toy(boost=2)) >> Cut(k=1)).explain("heat wing", "d2")
    frame = found.frame()
    assert frame["step"].tolist() == ["1", "1.1.1", "1.2.1", "1.2.2", "2"]
    assert frame["stage"].tolist() == ["sum()", "toy()", "louder()", "toy(boost=2.0)", "cut(k=1)"]
    assert frame["score"].isna().tolist() == [False, False, True, False, True]
    assert frame["rank"].dropna().tolist() == [1, 1, 1]
    terms = found.terms()
    assert list(zip(terms["step"], terms["term"], terms["contribution"], strict=True)) == [
        ("1.1.1", "heat", 1.0), ("1.1.1", "wing", 1.0), ("1.2.2", "heat", 4.0), ("1.2.2", "wing", 2.0),
    ]  # fmt: skip


def test_weighted_terms_are_shown_heaviest_first():
    weights = {f"t{i}": float(i + 1) for i in range(14)}
    found = (apply.rewrite(lambda row: weights) >> toy()).explain("heat", "d3")
    assert found.steps[0].query.startswith("t13^14 t12^13 ")
    assert found.steps[0].query.endswith("t2^3 and 2 more")
    assert found.query == "heat"


def test_results_are_explained_from_where_they_are():
    results = toy()("wing flutter speed")
    found = (Cut(k=2) >> Normalise()).explain(results, "d1")
    assert [(step.label, step.rank, step.score) for step in found.steps] == [
        ("cut(k=2)", 0, 3.0),
        ("normalise()", 0, 1.0),
    ]


def test_one_query_at_a_time():
    with pytest.raises(FrameError, match="explain: explains one query at a time, got 2; pass one row of the queries"):
        toy().explain(["heat", "wing"], "d1")
    with pytest.raises(FrameError, match="explain: explains one query at a time, got 0"):
        toy().explain(pd.DataFrame({"qid": [], "query": []}, dtype="str"), "d1")


def test_a_document_that_does_not_exist_is_refused():
    with pytest.raises(NotFoundError, match="docno: there is no document 'd9'"):
        toy().explain("heat", "d9")


def test_features_are_shown_again_where_their_values_changed():
    made = toy() ** toy(boost=2)
    found = (made >> Normalise(what="features") >> Cut(k=9)).explain("heat wing", "d2")
    raw, normalised, cut = (step.features for step in found.steps)
    hits = (made >> Normalise(what="features"))("heat wing").set_index("docno")
    assert dict(normalised) == dict(zip(dict(raw), hits.loc["d2", "features"], strict=True))
    assert raw != normalised
    assert cut == ()
    lost = (made >> Normalise(what="features") >> Cut(k=1)).explain("heat wing", "d3")
    assert [len(step.features) for step in lost.steps] == [2, 2, 0]


def test_features_are_shown_by_name_where_they_are_made():
    several = apply.feature(lambda row: [1.0, len(row["docno"])])
    pipeline = toy() % 3 >> Normalise() ** several
    found = pipeline.explain("heat wing", "d2")
    step = found.steps[-1]
    score = step.parts[0][-1].score
    assert step.features == (("feature 1", score), ("feature 2", 1.0), ("feature 3", 2.0))
    assert step.parts[1][-1].features == ()
    assert "2.0000  feature 3\n" in str(found)
    one = toy() >> apply.feature(len) >> Cut(k=1)
    name, value = one.explain("heat wing", "d2").steps[1].features[0]
    assert (name, value > 3) == ("apply.feature(len)", True)
    assert one.explain("heat wing", "d2").steps[2].features == ()
    assert found.features()["step"].tolist() == ["3"] * 3
    assert toy().explain("heat wing", "d2").features().empty
