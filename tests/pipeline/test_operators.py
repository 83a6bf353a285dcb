"""Tests of irkit.pipeline.operators: hand-worked numbers, slow oracles, laws, messages."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from irkit.errors import CompositionError, ConfigError, FrameError
from irkit.frames import queries_frame
from irkit.hits import Hits
from irkit.pipeline import Cut, apply, combmnz, combsum, features, interpolate, normalise, rrf
from irkit.pipeline.operators import Append, Features, Normalise, Scale, Sum
from tests.oracles import joins
from tests.pipeline.toy import DOCS, Louder, ask, given, ranked_lists, toy

QIDS = ("1", "2", "3")
A = {"1": {"a": 3.0, "b": 2.0, "c": 1.0}, "2": {"a": 1.0}}
B = {"1": {"c": 5.0, "d": 2.0, "b": 1.0}, "3": {"a": 7.0}}


def near(found, expected):
    assert found.keys() == expected.keys()
    for qid, docs in expected.items():
        assert [docno for docno, _ in found[qid]] == [docno for docno, _ in docs]
        assert [score for _, score in found[qid]] == pytest.approx([score for _, score in docs], rel=1e-12, abs=1e-12)


def laws(**strategies):
    """A property test over random results, with few examples: each runs whole pipelines."""
    return lambda test: settings(max_examples=25, deadline=None)(hypothesis_given(**strategies)(test))


# ---------------------------------------------------------------- by hand


def test_fusion_by_hand():
    a, b = given(A), given(B)
    assert ask(a + b, *QIDS) == {
        "1": [("c", 6.0), ("b", 3.0), ("a", 3.0), ("d", 2.0)], "2": [("a", 1.0)], "3": [("a", 7.0)],
    }  # fmt: skip
    assert ask(combmnz(a, b), "1") == {"1": [("c", 12.0), ("b", 6.0), ("a", 3.0), ("d", 2.0)]}
    assert ask(a | b, "1") == {"1": [("c", 5.0), ("a", 3.0), ("d", 2.0), ("b", 2.0)]}
    assert ask(a & b, *QIDS) == {"1": [("c", 5.0), ("b", 2.0)]}
    assert ask(a ^ b, *QIDS) == {
        "1": [("a", 3.0), ("b", 2.0), ("c", 1.0), ("d", 0.0)], "2": [("a", 1.0)], "3": [("a", 7.0)],
    }  # fmt: skip
    near(ask(rrf(a, b), "1"), {"1": [
        ("c", 1 / 63 + 1 / 61), ("b", 1 / 62 + 1 / 63), ("a", 1 / 61), ("d", 1 / 62),
    ]})  # fmt: skip
    assert ask(interpolate(a, b, 0.75), "1") == {"1": [("a", 2.25), ("c", 2.0), ("b", 1.75), ("d", 0.5)]}
    assert ask(2 * a, "1") == {"1": [("a", 6.0), ("b", 4.0), ("c", 2.0)]}
    assert ask(-1 * a, "1") == {"1": [("c", -1.0), ("b", -2.0), ("a", -3.0)]}
    assert ask(normalise(a), *QIDS) == {"1": [("a", 1.0), ("b", 0.5), ("c", 0.0)], "2": [("a", 1.0)]}
    near(ask(normalise(a, "sum"), "1"), {"1": [("a", 2 / 3), ("b", 1 / 3), ("c", 0.0)]})


def test_features_by_hand():
    frame = (given(A) ** given(B) ** (2 * given(A)))({"1": "x", "2": "y", "3": "z"})
    assert list(zip(frame["qid"], frame["docno"], frame["score"], map(list, frame["features"]), strict=True)) == [
        ("1", "a", 3.0, [3.0, 0.0, 6.0]),
        ("1", "b", 2.0, [2.0, 1.0, 4.0]),
        ("1", "c", 1.0, [1.0, 5.0, 2.0]),
        ("2", "a", 1.0, [1.0, 0.0, 2.0]),
    ]


# ---------------------------------------------------------------- against loops


@laws(a=ranked_lists, b=ranked_lists, c=ranked_lists)
def test_operators_equal_loops_over_dicts(a, b, c):
    x, y, z = given(a), given(b), given(c)
    near(ask(x + y + z, *QIDS), joins.combsum(a, b, c))
    near(ask(combmnz(x, y, z), *QIDS), joins.combmnz(a, b, c))
    near(ask(rrf(x, y, z, k=10), *QIDS), joins.rrf(a, b, c, k=10))
    assert ask(x | y | z, *QIDS) == joins.union(a, b, c)
    assert ask(x & y & z, *QIDS) == joins.intersection(a, b, c)
    found = {qid: [docno for docno, _ in docs] for qid, docs in ask(x ^ y, *QIDS).items()}
    assert found == joins.append(a, b)
    frame = (x**y**z)({qid: qid for qid in QIDS})
    rows = {qid: list(zip(f["docno"], map(list, f["features"]), strict=True)) for qid, f in frame.groupby("qid")}
    assert rows == joins.features(a, b, c)


# ---------------------------------------------------------------- laws


@laws(a=ranked_lists, b=ranked_lists)
def test_what_commutes(a, b):
    x, y = given(a), given(b)
    assert ask(x + y, *QIDS) == ask(y + x, *QIDS)
    assert ask(x | y, *QIDS) == ask(y | x, *QIDS)
    assert ask(x & y, *QIDS) == ask(y & x, *QIDS)
    assert ask(rrf(x, y), *QIDS) == ask(rrf(y, x), *QIDS)
    assert ask(combmnz(x, y), *QIDS) == ask(combmnz(y, x), *QIDS)


@laws(a=ranked_lists, b=ranked_lists, c=ranked_lists)
def test_what_associates(a, b, c):
    x, y, z = given(a), given(b), given(c)
    assert ask((x | y) | z, *QIDS) == ask(x | (y | z), *QIDS)
    assert ask((x & y) & z, *QIDS) == ask(x & (y & z), *QIDS)
    assert ask((x + y) + z, *QIDS) == ask(x + (y + z), *QIDS)
    assert (x + y) + z == x + (y + z)
    assert (x**y) ** z == x ** (y**z)
    docnos = lambda found: {qid: [docno for docno, _ in docs] for qid, docs in found.items()}  # noqa: E731
    assert docnos(ask((x ^ y) ^ z, *QIDS)) == docnos(ask(x ^ (y ^ z), *QIDS))


@laws(a=ranked_lists)
def test_a_list_joined_with_itself(a):
    x = given(a)
    assert ask(x | x, *QIDS) == ask(x & x, *QIDS) == ask(x ^ x, *QIDS) == ask(x, *QIDS)
    assert ask(x + x, *QIDS) == ask(2 * x, *QIDS)


@laws(a=ranked_lists, b=ranked_lists, weight=st.floats(1e-3, 1e3))
def test_rrf_looks_at_ranks_alone(a, b, weight):
    x, y = given(a), given(b)
    stretched = {qid: {docno: weight * score + 7 for docno, score in docs.items()} for qid, docs in a.items()}
    if joins.ranked(stretched).keys() and [[d for d, _ in docs] for docs in joins.ranked(stretched).values()] != [
        [d for d, _ in docs] for docs in joins.ranked(a).values()
    ]:
        return  # rounding made a tie
    assert ask(rrf(given(stretched), y), *QIDS) == ask(rrf(x, y), *QIDS)


def test_weights_of_fusions_are_those_worked_by_hand():
    a, b = given({"1": {"x": 4.0, "y": 2.0}}), given({"1": {"y": 9.0, "z": 5.0}})
    assert dict(ask(rrf([a, b], weights=[3, 1]), "1")["1"]) == pytest.approx(
        {"x": 3 / 61, "y": 3 / 62 + 1 / 61, "z": 1 / 62}
    )
    assert dict(ask(combsum([a, b], weights=(0.5, 2)), "1")["1"]) == {"x": 2, "y": 19, "z": 10}
    assert dict(ask(combmnz(a, b, weights=(0.5, 2)), "1")["1"]) == {"x": 2, "y": 38, "z": 10}
    assert ask(rrf(a, b, weights=[1, 1]), "1") == ask(rrf(a, b), "1")
    assert combsum(a, b, weights=[0.5, 2]) == 0.5 * a + 2 * b


@pytest.mark.parametrize("fuse", [rrf, combsum, combmnz])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, float("nan")], "weights.1 is not valid, got nan; it must be a finite number"),
        ([1], "needs a weight for each pipeline, got 1 for 2; give 2"),
        ([1, -1], "numbers of 0 or more, one for each pipeline"),
        ([1, "a"], "weights"),
    ],
)
def test_weights_that_make_no_sense_are_refused(fuse, weights, message):
    with pytest.raises(ConfigError, match=rf"^{fuse.__name__}: .*{message}"):
        fuse(given({"1": {"x": 1.0}}), given({"1": {"x": 1.0}}), weights=weights)


@laws(a=ranked_lists, power=st.integers(-8, 8))
def test_a_positive_weight_keeps_the_order(a, power):
    # Powers of two change no digit, so that no tie can arise.
    x = given(a)
    expected = {qid: [(docno, score * 2.0**power) for docno, score in docs] for qid, docs in ask(x, *QIDS).items()}
    assert ask(2.0**power * x, *QIDS) == expected


@laws(a=ranked_lists, b=ranked_lists)
def test_appending_keeps_the_first_list_as_it_is(a, b):
    above, both = ask(given(a), *QIDS), ask(given(a) ^ given(b), *QIDS)
    for qid, docs in above.items():
        assert both[qid][: len(docs)] == docs


@laws(a=ranked_lists, b=ranked_lists, k=st.integers(1, 5))
def test_union_and_intersection_split_the_documents(a, b, k):
    x, y = given(a), given(b)
    names = lambda stage: {(qid, docno) for qid, docs in ask(stage, *QIDS).items() for docno, _ in docs}  # noqa: E731
    assert names(x | y) == names(x) | names(y)
    assert names(x & y) == names(x) & names(y)
    assert names(x & (x % k)) == names(x % k)
    assert names(x + y) == names(rrf(x, y)) == names(combmnz(x, y)) == names(x ^ y) == names(x | y)


@laws(a=ranked_lists)
def test_normalised_scores_keep_order_and_ties(a):
    for method in ("minmax", "zscore", "sum"):
        found = ask(normalise(given(a), method), *QIDS)
        for qid, docs in ask(given(a), *QIDS).items():
            scores = dict(found[qid])
            for (one, high), (two, low) in pairwise(docs):
                assert scores[one] >= scores[two]
                assert high != low or scores[one] == scores[two]


def test_ties_go_by_docno_in_every_join():
    x, y = given({"1": {"a": 1.0, "b": 2.0}}), given({"1": {"a": 2.0, "b": 1.0, "c": 3.0}})
    assert [docno for docno, _ in ask(x + y, "1")["1"]] == ["c", "b", "a"]
    assert [docno for docno, _ in ask(x & y, "1")["1"]] == ["b", "a"]
    assert [docno for docno, _ in ask(rrf(x, y % 2, k=1), "1")["1"]] == ["a", "c", "b"]


# ---------------------------------------------------------------- scores at the edge of float64


def test_appending_far_up_keeps_both_orders():
    x, y = given({"1": {"a": 2e17, "b": 1e17}}), given({"1": {"c": 0.3, "d": 0.2, "z": 0.2}})
    found = ask(x ^ y, "1")["1"]
    assert [docno for docno, _ in found] == ["a", "b", "c", "z", "d"]
    assert found[3][1] == found[4][1] < found[2][1] < 1e17


def test_a_score_that_overflows_is_refused():
    with pytest.raises(FrameError, match="results: the score of docno 'a' for qid '1' must be finite, got inf"):
        ask(1e300 * given({"1": {"a": 1e300}}), "1")


# ---------------------------------------------------------------- what travels along


def test_parts_with_tables_of_their_own_are_joined_by_docno():
    other = dict(reversed(list(DOCS.items())))
    from tests.pipeline.toy import Toy, ToyIndex

    left, right = toy(), Toy(index=ToyIndex(other))
    assert (left + right)(["heat", "wing"])["score"].tolist() == (2 * left)(["heat", "wing"])["score"].tolist()


def test_a_part_that_finds_nothing_does_no_harm():
    nothing = given({})
    for pipeline in (toy() + nothing, nothing + toy(), toy() | nothing, nothing ^ toy(), toy() ^ nothing):
        assert pipeline("heat")["docno"].tolist() == ["d3", "d2"]
    assert (toy() & nothing)("heat").empty
    assert [list(f) for f in (toy() ** nothing)("heat")["features"]] == [[3.0, 0.0], [1.0, 0.0]]
    assert (nothing ** toy())("heat").empty


def test_the_queries_are_those_of_the_input():
    joined = (Louder() >> toy()) + toy()
    frame = joined("heat wing")
    assert set(frame["query"]) == {"heat wing"}
    assert frame["score"].tolist() == [3.0 * 3, 2.0 + 3.0, 1.0 + 1.0]


def test_a_part_may_return_the_queries_in_another_order_or_leave_some_out():
    def backwards(queries):
        return pd.DataFrame({"qid": ["2", "1"], "docno": ["d1", "d2"], "score": [1.0, 2.0]})

    shuffled = apply.feedback(lambda results: results[["qid", "query"]].drop_duplicates()[::-1])
    frame = (toy() + (toy() >> shuffled >> apply.retrieve(backwards)))({"1": "heat", "2": "flag", "3": "xyz"})
    assert list(zip(frame["qid"], frame["docno"], frame["score"], strict=True)) == [
        ("1", "d3", 3.0), ("1", "d2", 3.0), ("2", "d5", 1.0), ("2", "d1", 1.0),
    ]  # fmt: skip


def test_columns_that_all_parts_have_are_carried():
    texts = toy() >> apply.rerank(lambda frame: frame.assign(text=frame["docno"] + "!", left=1))
    more = toy(boost=3) >> apply.rerank(lambda frame: frame.assign(text=frame["docno"] + "?"))
    for joined in (texts + more, texts | more, texts & more, rrf(texts, more), texts ^ more):
        frame = joined("heat")
        assert frame["text"].tolist() == ["d3!", "d2!"]
        assert "left" not in frame
    assert (texts**more)("heat")["left"].tolist() == [1, 1]


def test_features_of_the_input_are_replaced_not_repeated():
    twice = toy() ** toy(boost=2) >> Scale(weight=1) ** Scale(weight=10)
    assert [list(f) for f in twice("heat")["features"]] == [[3.0, 30.0], [1.0, 10.0]]
    inside = (toy() ** toy(boost=2)) ** (toy() ** toy(boost=3))
    assert [list(f) for f in inside("heat")["features"]] == [[3, 6, 3, 9], [1, 2, 1, 3]]
    made = toy() ** ((toy() >> apply.feature(lambda row: [row["rank"], 8])) % 1) ** toy()
    assert [list(f) for f in made("heat")["features"]] == [[3, 0, 8, 3], [1, 0, 0, 1]]


def test_features_line_up_whatever_the_order_of_the_other_lists():
    rng = np.random.default_rng(3)
    names = [f"d{i}" for i in range(40)]
    runs = [
        {
            str(q): {name: float(rng.normal()) for name in rng.permutation(names)[: rng.integers(0, 40)]}
            for q in range(6)
        }
        for _ in range(3)
    ]
    frame = (given(runs[0]) ** given(runs[1]) ** given(runs[2]))({str(q): "x" for q in range(6)})
    rows = {qid: list(zip(f["docno"], map(list, f["features"]), strict=True)) for qid, f in frame.groupby("qid")}
    assert rows == joins.features(*runs)


# ---------------------------------------------------------------- precedence


def test_pythons_precedence_is_what_the_guide_says():
    a, b, c = toy(), toy(boost=2), toy(boost=3)
    rerank = Normalise()
    assert a + b >> rerank == (a + b) >> rerank
    assert a >> rerank % 3 == (a >> rerank) % 3
    assert a + b % 3 == a + (b % 3)
    assert 0.5 * a + b == (0.5 * a) + b
    assert 0.5 * a**b == 0.5 * (a**b)
    assert a % 3 * 0.5 == (a % 3) * 0.5
    assert a**b % 3 == (a**b) % 3
    assert a & b >> rerank == a & (b >> rerank)
    assert a ^ b & c == a ^ (b & c)
    assert a | b ^ c == a | (b ^ c)
    assert a | b & c == a | (b & c)
    assert a + b | c == (a + b) | c


def test_nesting_is_flattened_where_it_makes_no_difference():
    a, b, c = toy(), toy(boost=2), toy(boost=3)
    assert len((a + b + c).parts) == 3
    assert len((a + (b + c)).parts) == 3
    assert len(combsum(a, b + c, missing=0).parts) == len((combsum(a, b, missing="lowest") + c).parts) == 2
    assert len((a ^ b ^ c).parts) == 3
    assert len((a**b**c).parts) == len(((a**b) ** c).parts) == 3
    assert Sum((Sum((a, b)), c)) == a + b + c
    assert len(rrf(rrf(a, b), c).parts) == 2
    assert len((a % 2 + b).parts) == 2


# ---------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("join", "message"),
    [
        (lambda: toy() + 1, "+: needs a stage on both sides, got int 1"),
        (lambda: 1 + toy(), "+: needs a stage on both sides, got int 1"),
        (lambda: sum([toy(), toy()]), "+: needs a stage on both sides, got int 0"),
        (lambda: toy() | "bm25", "|: needs a stage on both sides, got str 'bm25'; a recipe is built first: irkit.load"),
        (lambda: None & toy(), "&: needs a stage on both sides, got NoneType"),
        (lambda: toy() ^ [], "^: needs a stage on both sides, got list"),
        (lambda: toy() ** 2, "**: needs a stage on both sides, got int 2"),
        (lambda: toy() + ask, "+: ask is a plain function; say what it does, as in irkit.pipeline.apply.rerank(ask)"),
        (lambda: toy() + Louder(), "+: joins results, but louder gives queries; write louder >> retriever"),
        (lambda: Louder() | toy(), "|: joins results, but louder gives queries; write louder >> retriever"),
        (lambda: toy() + Cut(k=1), "+: toy takes queries but cut takes results; both sides must start from the same"),
        (lambda: Cut(k=1) ** toy(), "**: cut takes results but toy takes queries; both sides"),
        (lambda: rrf(toy()), "rrf: joins two pipelines or more, got 1"),
        (lambda: rrf(), "rrf: joins two pipelines or more, got 0"),
        (lambda: rrf([toy(), toy()], toy()), "rrf: needs a stage on both sides, got list"),
        (lambda: rrf([toy()]), "rrf: joins two pipelines or more, got 1"),
        (
            lambda: queries_frame("heat") >> toy(),
            ">>: needs a stage on both sides, got DataFrame of queries; a pipeline is called on them",
        ),
        (lambda: combmnz(toy(), 3), "combmnz: needs a stage on both sides, got int 3"),
        (lambda: normalise("bm25"), "normalise: needs a stage on both sides, got str 'bm25'"),
        (lambda: normalise(Louder()), ">>: louder gives queries but normalise takes results"),
    ],
)
def test_what_cannot_be_joined_is_refused(join, message):
    with pytest.raises(CompositionError) as error:
        join()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("join", "message"),
    [
        (lambda: rrf(toy(), toy(), k=0), "rrf: k is not valid, got 0; it must be above 0"),
        (lambda: normalise(toy(), "max"), "normalise: method is not valid, got 'max'; did you mean minmax?"),
        (lambda: interpolate(toy(), toy(), 1.5), "interpolate: weight must be a number in [0, 1], got 1.5"),
        (lambda: interpolate(toy(), toy(), "x"), "interpolate: weight must be a number in [0, 1], got 'x'"),
        (lambda: interpolate(toy(), toy(), float("nan")), "interpolate: weight must be a number in [0, 1], got nan"),
        (
            lambda: combsum(toy(), toy(), missing="zero"),
            "fusion: missing is not valid, got 'zero'; it must be auto, lowest or a number",
        ),
        (
            lambda: combmnz(toy(), toy(), missing=float("nan")),
            "fusion: missing is not valid, got nan; it must be auto, lowest or a finite number",
        ),
        (lambda: features(toy(), toy(), missing=True), "fusion: missing must be a number, got true"),
        (lambda: Append.make({"k": 1}, (toy(), toy()), {}), "append: has no settings, got k"),
    ],
)
def test_a_wrong_parameter_is_refused(join, message):
    with pytest.raises(ConfigError) as error:
        join()
    assert str(error.value).startswith(message)


def test_joins_can_be_given_results_that_are_there():
    queries = toy().read("heat")
    one, two = toy().run(queries), toy(boost=2).run(queries)
    joined = (toy() + toy(boost=2)).join([one, two])
    assert isinstance(joined, Hits)
    assert joined.frame().equals((toy() + toy(boost=2))("heat"))
    assert isinstance(Features((toy(), toy())), Features)


@pytest.mark.parametrize(("method", "found"), [("minmax", [0.0, 1.0, 0.25]), ("zscore", []), ("sum", [0.0, 0.8, 0.2])])
def test_a_missing_feature_is_passed_over_where_features_are_normalised(method, found):
    frame = pd.DataFrame({"qid": ["1"] * 4 + ["2"], "docno": list("abcda"), "score": [4.0, 3, 2, 1, 1]})
    frame["features"] = [np.array([one]) for one in (1.0, np.nan, 5.0, 2.0, np.nan)]
    first, missing, *rest, alone = np.concatenate(list(Normalise(method=method, what="features")(frame)["features"]))
    assert np.isnan([missing, alone]).all()
    deviation = np.std([1, 5, 2])
    wanted = [(one - 8 / 3) / deviation for one in (1, 5, 2)] if method == "zscore" else found
    assert [first, *rest] == pytest.approx(wanted)


def test_features_are_normalised_column_by_column_and_query_by_query():
    a, b = given(A), given({"1": {"a": 4.0, "b": 4.0, "c": 6.0}, "2": {"a": -7.0}})
    pipeline = normalise(a**b, what="features")
    frame = pipeline({qid: qid for qid in QIDS})
    assert [(row.docno, row.score, row.features.tolist()) for row in frame.itertuples()] == [
        ("a", 3.0, [1.0, 0.0]), ("b", 2.0, [0.5, 0.0]), ("c", 1.0, [0.0, 1.0]), ("a", 1.0, [1.0, 1.0]),
    ]  # fmt: skip
    assert pipeline({"9": "9"}).empty
    with pytest.raises(FrameError, match="normalise: needs the column 'features', got results without; write"):
        normalise(a, what="features")({"1": "1"})
