"""Tests of irkit.evaluate.toplists: equal to ir-measures and to a slow loop, ties included."""

import ir_measures
import numpy as np
import pandas as pd
import pytest

from irkit.docnos import Docnos
from irkit.errors import ConfigError, ShapeError
from irkit.evaluate import evaluate
from irkit.evaluate.measures import parse_measures
from irkit.evaluate.toplists import top_n_task
from irkit.recommend.als import ALS
from irkit.recommend.dns import DNS
from irkit.recommend.ease import EASE
from irkit.recommend.popularity import Popularity
from irkit.recommend.splits import random_split
from irkit.recommend.table import RatingTable
from tests.recommend.ratings_toy import random_table, table

MEASURES = "P@3 P@5 P@10 nDCG@3 nDCG@5 nDCG@10 nDCG AP AP@5 RR RR@2 R@5"
SPLIT = random_split(random_table(users=25, items=30, density=0.5), 0.4)


def by_ir_measures(task, scores, measures):
    """Hand every candidate to ir-measures, in irkit's order of ties."""
    ids = task.items.names.to_pylist()
    run, qrels = [], []
    for u, user in enumerate(task.users.names.to_pylist()):
        candidates = [i for i in range(len(ids)) if not task.excluded[u, i]]
        candidates = sorted(candidates, key=lambda i: ids[i], reverse=True)
        candidates.sort(key=lambda i: -scores[u, i])  # stable: ties keep ids descending
        run += [(user, ids[i], float(-place)) for place, i in enumerate(candidates)]
        qrels += [(user, ids[i], 1) for i in np.flatnonzero(task.relevant[u])]
    columns = ["query_id", "doc_id", "score"]
    parsed = parse_measures(measures)
    values = ir_measures.iter_calc(
        parsed,
        pd.DataFrame(qrels, columns=["query_id", "doc_id", "relevance"]),
        pd.DataFrame(run, columns=columns),
    )
    return {(value.query_id, str(value.measure)): value.value for value in values}


@pytest.mark.parametrize("kind", ["distinct", "ties", "constant"])
@pytest.mark.parametrize("exclude", ["positives", "rated"])
def test_every_value_is_that_of_ir_measures(kind, exclude):
    task = top_n_task(SPLIT.train, SPLIT.test, exclude=exclude)
    rng = np.random.default_rng(0)
    scores = rng.normal(size=task.relevant.shape)
    if kind == "ties":
        scores = np.round(scores)
    if kind == "constant":
        scores = np.zeros(scores.shape)
    got = task.evaluate(scores, MEASURES)
    want = by_ir_measures(task, scores, MEASURES)
    for measure in got.measures:
        for user in got.per_query.index:
            assert got.per_query.loc[user, measure] == pytest.approx(want[user, measure], abs=1e-9), (measure, user)
        assert got.means[measure] == pytest.approx(got.per_query[measure].mean())


def test_one_user_on_paper():
    train = table([("a", "w", 5.0), ("a", "v", 1.0)])
    test = table([("a", "x", 5.0), ("a", "z", 4.0), ("a", "y", 2.0), ("b", "x", 3.0)])
    task = top_n_task(train, test, items=Docnos(["v", "w", "x", "y", "z"]))
    assert task.users.names.to_pylist() == ["a"]  # b has no positive
    scores = np.array([[5.0, 9.0, 4.0, 3.0, 2.0]])  # w is out: v, x, y, z
    got = task.evaluate(scores, "P@3 RR AP nDCG@3").means
    assert got["P@3"] == pytest.approx(1 / 3)
    assert got["RR"] == pytest.approx(1 / 2)
    assert got["AP"] == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert got["nDCG@3"] == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    strict = top_n_task(train, test, items=Docnos(["v", "w", "x", "y", "z"]), exclude="rated")
    assert strict.evaluate(scores, "RR").means["RR"] == 1.0
    assert strict.hash != task.hash


def test_ann_of_the_guide_on_paper_on_a_board_and_in_evaluate():
    train = table([("bob", name, 5.0) for name in ("cake", "rice", "soup", "tea")])
    test = table([("ann", name, 5.0) for name in ("tea", "soup", "cake")] + [("cid", "rice", 1.0)])
    task = top_n_task(train, test, items=Docnos(["cake", "rice", "soup", "tea"]))
    scores = np.array([[1.0, 2.0, -np.inf, 3.0]])  # tea, rice, cake; soup is not listed
    by_hand = {
        "AP@3": (1 / 1 + 2 / 3) / 3,
        "AP@2": (1 / 1) / 3,  # over all she likes, not the two there is room for
        "nDCG@3": (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3) + 1 / np.log2(4)),
        "nDCG@2": 1 / (1 + 1 / np.log2(3)),  # of the best list of two
        "P@3": 2 / 3,
        "R@3": 2 / 3,
        "Success@3": 1.0,
    }
    assert task.evaluate(scores, list(by_hand)).means == pytest.approx(by_hand)
    listed = pd.DataFrame({"qid": "ann", "docno": ["tea", "rice", "cake"], "score": [3.0, 2.0, 1.0]})
    likes = pd.DataFrame({"qid": "ann", "docno": ["tea", "soup", "cake"], "label": 1})
    nobody = pd.DataFrame({"qid": ["cid"], "docno": "rice", "label": 0})
    assert evaluate(listed, likes, list(by_hand)).means == pytest.approx(by_hand)
    assert task.users.names.to_pylist() == ["ann"]  # cid likes nothing: no user of the task, and 0 in evaluate
    assert evaluate(listed, pd.concat([likes, nobody]), "AP@3").per_query["AP@3"]["cid"] == 0.0
    alone = evaluate(listed, likes.head(1), "AP@3 nDCG@3").means  # one relevant item, at the first place
    assert alone == {"AP@3": 1.0, "nDCG@3": 1.0}


@pytest.mark.parametrize("tied", [False, True])
def test_success_is_that_of_ir_measures(tied):
    task = top_n_task(SPLIT.train, SPLIT.test)
    scores = np.random.default_rng(0).normal(size=task.relevant.shape)
    scores = np.round(scores) if tied else scores
    got = task.evaluate(scores, "Success@1 HitRate@3")
    want = by_ir_measures(task, scores, "Success@1 Success@3")
    for measure in ("Success@1", "Success@3"):
        assert got.per_query[measure].to_dict() == {user: want[user, measure] for user in got.per_query.index}


def test_ties_go_by_item_id_descending_and_minus_infinity_is_not_listed():
    task = top_n_task(table([("b", "i1", 1.0)]), table([("a", "i2", 5.0)]), items=Docnos(["i1", "i2", "i3"]))
    assert task.ranks(np.array([[1.0, 1.0, 1.0]]))[0].tolist() == [2.0]
    for unlisted in ([1.0, -np.inf, 2.0], [-np.inf, -np.inf, -np.inf]):
        scores = np.array([unlisted])
        assert task.ranks(scores)[0].tolist() == [np.inf]
        assert set(task.evaluate(scores, MEASURES).means.values()) == {0.0}
    assert task.evaluate(np.full((1, 3), -np.inf), "AP").counts["without_results"] == 1


def test_lists_end_after_n_items():
    task = top_n_task(SPLIT.train, SPLIT.test)
    scores = np.random.default_rng(0).normal(size=task.relevant.shape)
    whole, cut = task.evaluate(scores, MEASURES), task.evaluate(scores, MEASURES, n=3)
    for measure in ("P@3", "nDCG@3", "RR@2"):
        assert cut.means[measure] == whole.means[measure]
    listed = np.full(scores.shape, -np.inf)
    for row in range(len(scores)):
        candidates = np.flatnonzero(~task.excluded[row])
        first = candidates[np.argsort(-scores[row, candidates])[:3]]
        listed[row, first] = scores[row, first]
    pd.testing.assert_frame_equal(cut.per_query, task.evaluate(listed, MEASURES).per_query)


def test_batches_of_users_change_nothing(monkeypatch):
    task = top_n_task(SPLIT.train, SPLIT.test)
    scores = np.random.default_rng(0).normal(size=task.relevant.shape)
    whole = task.evaluate(scores, "AP").per_query
    monkeypatch.setattr("irkit.evaluate.toplists.CELLS", 70)
    pd.testing.assert_frame_equal(task.evaluate(scores, "AP").per_query, whole)


def test_a_model_is_measured_as_its_scores_are():
    model = EASE(reg=5.0, threshold=4.0).fit(SPLIT.train)
    task = top_n_task(SPLIT.train, SPLIT.test)
    scores = task.scores_of(model)
    pd.testing.assert_frame_equal(task.evaluate(model, "AP").per_query, task.evaluate(scores, "AP").per_query)
    row, item = model.fitted.users.rows(task.users.names), model.fitted.items.rows(task.items.names)
    np.testing.assert_array_equal(scores, model.scores(row)[:, item])


def test_unknown_users_get_what_is_popular_and_unknown_items_come_last():
    model = Popularity().fit(table([("a", "x", 5.0), ("b", "x", 5.0), ("b", "y", 5.0)]))
    task = top_n_task(table([("a", "x", 5.0)]), table([("new", "z", 5.0), ("new", "y", 5.0)]))
    scores = dict(zip(task.items.names.to_pylist(), task.scores_of(model)[0].tolist(), strict=True))
    assert scores == {"x": 2.0, "y": 1.0, "z": 0.0}
    assert task.evaluate(model, "RR").means["RR"] == 0.5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: t.evaluate(np.zeros((2, 2)), "AP"), ShapeError, "scores must be .* users by items, got \\(2, 2\\)"),
        (lambda t: t.evaluate(np.full(t.relevant.shape, np.nan), "AP"), ShapeError, "got NaN or inf"),
        (lambda t: t.evaluate(np.zeros(t.relevant.shape), "ERR@5"), ConfigError, "computes P, R, nDCG, AP, RR"),
        (lambda t: t.evaluate(np.zeros(t.relevant.shape), "P(rel=2)@5"), ConfigError, "got P\\(rel=2\\)@5"),
        (lambda t: top_n_task(SPLIT.train, SPLIT.test, threshold=9), ConfigError, "no test rating is 9 or more"),
        (
            lambda t: top_n_task(SPLIT.train, SPLIT.test, exclude="all"),
            ConfigError,
            "exclude is one of positives, rated",
        ),
        (lambda t: top_n_task(SPLIT.train, SPLIT.test, items=Docnos(["i1"])), ConfigError, "list all of them"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(top_n_task(SPLIT.train, SPLIT.test))


@pytest.mark.slow
def test_943_users_and_1682_items_are_evaluated():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(np.argwhere(rng.random((943, 1682)) < 0.06), columns=["user_id", "item_id"]).astype("str")
    whole = RatingTable.from_frame(rows.assign(rating=5.0), scale=(1, 5))
    split = random_split(whole, 0.2)
    task = top_n_task(split.train, split.test)
    scores = rng.normal(size=task.relevant.shape)
    task.evaluate(scores, "P@3 P@5 P@10 nDCG@3 nDCG@5 nDCG@10 AP RR")
    assert len(task.users) == 943


# ---------------------------------------------------------------- real data


def movielens(folder, name):
    columns = ["user_id", "item_id", "rating", "timestamp"]
    frame = pd.read_csv(folder / "ml-100k" / name, sep="\t", names=columns, dtype={"user_id": str, "item_id": str})
    return RatingTable.from_frame(frame, scale=(1, 5))


@pytest.mark.slow
@pytest.mark.data
def test_the_protocol_of_irgan_gives_the_measured_figures(data_folder):
    train, test = (movielens(data_folder, f"u1.{part}") for part in ("base", "test"))
    task = top_n_task(train, test)
    assert len(task.users) == 456
    measures = "P@3 P@5 P@10 nDCG@3 nDCG@5 nDCG@10 AP RR"
    expected = {
        Popularity(threshold=4): [0.2624, 0.2338, 0.2050, 0.2793, 0.2568, 0.2403, 0.1516, 0.4657],
        EASE(threshold=4, reg=500): [0.4620, 0.4167, 0.3572, 0.4874, 0.4572, 0.4293, 0.2837, 0.6835],
    }
    for model, row in expected.items():
        got = task.evaluate(model.fit(train), measures).means
        np.testing.assert_allclose(list(got.values()), row, atol=1.01e-4, err_msg=model.name)
    for size, figure in ((5, 0.3768), (16, 0.4149)):
        model = ALS(embedding_size=size, reg=0.01, threshold=4).fit(train)
        assert task.evaluate(model, "P@5").means["P@5"] == pytest.approx(figure, abs=0.005)
    assert task.evaluate(ALS(threshold=4).fit(train), "P@5").means["P@5"] >= 0.37
    dns = [task.evaluate(DNS(threshold=4, seed=seed).fit(train), "P@5 nDCG@5").means for seed in (1, 2, 3)]
    assert np.mean([one["P@5"] for one in dns]) >= 0.325
    assert np.mean([one["nDCG@5"] for one in dns]) >= 0.355
