"""Tests of irkit.recommend.base, rate and the bias baseline: what all recommenders share."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, FrameError, NotFittedError
from irkit.hits import rank_order
from irkit.recommend.base import Recommender
from irkit.recommend.baseline import bias_baseline
from irkit.recommend.bias import Bias
from irkit.recommend.lists import best, users_frame
from irkit.recommend.popularity import Popularity
from irkit.recommend.rate import Rate
from tests.recommend.ratings_toy import frame, random_table, table

ROWS = [("a", "x", 5.0), ("a", "y", 3.0), ("b", "x", 4.0), ("c", "z", 1.0)]


class Fixed(Recommender):
    """Scores items by a matrix given at construction."""

    name = "fixed"
    matrix = np.zeros((0, 0))

    def learn(self, train, valid):
        """Nothing."""

    def score(self, user, item, day):
        return self.matrix[user, item]


class Ranker(Fixed):
    predicts_ratings = False


class Timed(Fixed):
    """Scores a pair by its day."""

    uses_time = True

    def score(self, user, item, day):
        return day


def fixed(kind, rows, matrix, **settings):
    model = kind(**settings).fit(table(rows))
    model.matrix = np.array(matrix, dtype=float)
    return model


# ---------------------------------------------------------------- the bias baseline


def test_the_bias_baseline_on_paper():
    mean, b_u, b_i = bias_baseline(table(ROWS), damping=1.0)
    assert mean == pytest.approx(13 / 4)
    x = (5 - 3.25 + 4 - 3.25) / (1 + 2)
    y = (3 - 3.25) / (1 + 1)
    z = (1 - 3.25) / (1 + 1)
    np.testing.assert_allclose(b_i, [x, y, z], rtol=1e-14)
    a = (5 - 3.25 - x + 3 - 3.25 - y) / (1 + 2)
    np.testing.assert_allclose(b_u, [a, (4 - 3.25 - x) / 2, (1 - 3.25 - z) / 2], rtol=1e-14)


def test_without_damping_the_item_deviation_is_the_item_mean():
    ratings = random_table()
    mean, _, b_i = bias_baseline(ratings, damping=0.0)
    for item in range(len(ratings.items)):
        assert mean + b_i[item] == pytest.approx(ratings.rating[ratings.item == item].mean())


@given(shift=st.floats(-3, 3), seed=st.integers(0, 5))
@settings(max_examples=10)
def test_shifting_every_rating_shifts_only_the_mean(shift, seed):
    ratings = random_table(seed=seed, scale=(1, 5))
    moved = table([(u, i, r + shift) for u, i, r in ratings.frame().to_numpy()])
    for before, after, by in zip(bias_baseline(ratings, 5.0), bias_baseline(moved, 5.0), (shift, 0, 0), strict=True):
        np.testing.assert_allclose(np.asarray(after) - before, by, atol=1e-9)


# ---------------------------------------------------------------- predict


def test_each_branch_of_the_fall_back_and_its_label():
    model = Bias(damping=1.0).fit(table(ROWS, scale=(1, 5)))
    mean, b_u, b_i = model.mean_, model.user_bias_, model.item_bias_
    got = model.predict(frame([("b", "y", 0), ("new", "x", 0), ("b", "new", 0), ("new", "new", 0)]))
    want = [mean + b_u[1] + b_i[1], mean + b_i[0], mean + b_u[1], mean]
    np.testing.assert_allclose(got["prediction"], want, rtol=1e-14)
    assert got["branch"].tolist() == ["user and item", "item", "user", "neither"]


def test_predictions_are_clipped_to_the_scale():
    model = fixed(Fixed, ROWS, np.full((3, 3), 9.0))
    assert model.predict(frame([("a", "x", 0)]))["prediction"].tolist() == [5.0]
    model.matrix = -model.matrix
    assert model.predict(frame([("a", "x", 0)]))["prediction"].tolist() == [1.0]


def test_users_without_a_training_rating_are_unknown_even_if_the_table_numbers_them():
    whole = table(ROWS)
    model = Bias().fit(whole.kept(whole.user < 2))
    assert model.predict(frame([("c", "z", 0)]))["branch"].tolist() == ["neither"]


def test_no_pairs_give_no_predictions():
    assert Bias().fit(table(ROWS)).predict(frame([])).columns.tolist()[-2:] == ["prediction", "branch"]


def test_the_day_is_the_timestamp_or_the_last_in_training():
    model = Timed().fit(table([("a", "x", 1.0, 0.0), ("a", "y", 9.0, 5 * 86400.0)], time=True))
    pair = frame([("a", "x", 0)])
    assert model.predict(pair)["prediction"].tolist() == [5.0]
    assert model.predict(pair.assign(timestamp=3 * 86400.0))["prediction"].tolist() == [3.0]
    assert set(model.recommend(["a"], day=2.0)["score"]) == set()
    assert Timed(seen="keep").fit(model.fitted).recommend(["a"], day=2.0)["score"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (pd.DataFrame({"user_id": ["a"]}), "bias: a pairs frame needs the column 'item_id'"),
        (pd.DataFrame({"user_id": ["a", None], "item_id": ["x", "x"]}), "missing value in row 1"),
        (pd.DataFrame({"user_id": ["a", 3], "item_id": ["x", "x"]}), "must hold strings, got int, str"),
        (pd.DataFrame({"user_id": ["a"], "item_id": ["x"], "timestamp": [np.nan]}), "'timestamp' must be finite"),
    ],
)
def test_what_are_no_pairs_is_refused(pairs, message):
    with pytest.raises(FrameError, match=message):
        Bias().fit(table(ROWS)).predict(pairs)


def test_use_before_fit_and_predicting_with_a_ranker_are_errors():
    with pytest.raises(
        NotFittedError, match=r"bias: is not fitted; call pipeline.fit\(RatingTable.from_frame\(ratings"
    ):
        Bias().predict(frame([("a", "x", 0)]))
    with pytest.raises(ConfigError, match="popularity: ranks items and does not predict ratings"):
        Popularity().fit(table(ROWS)).predict(frame([("a", "x", 0)]))


def test_fit_asks_for_a_table_with_ratings_and_time_where_it_is_used():
    with pytest.raises(FrameError, match="bias: train must be a RatingTable, got DataFrame"):
        Bias().fit(frame(ROWS))
    with pytest.raises(FrameError, match="bias: valid holds no rating"):
        Bias().fit(table(ROWS), table(ROWS).kept(np.zeros(4, dtype=bool)))
    with pytest.raises(FrameError, match="fixed: uses time, but train has none"):
        Timed().fit(table(ROWS))


def test_fit_leaves_the_model_it_is_called_on_alone():
    model = Bias()
    assert model.fit(table(ROWS)).train is not None
    assert model.train is None


# ---------------------------------------------------------------- lists


def test_lists_are_in_order_ties_by_id_descending_and_seen_items_dropped():
    rows = [("a", "i1", 1.0), ("b", "i2", 1.0), ("b", "i3", 1.0), ("c", "i4", 1.0)]
    model = fixed(Ranker, rows, [[9, 1, 1, 2], [0, 0, 0, 0], [1, 2, 3, 4]])
    assert model.recommend(["a"])["docno"].tolist() == ["i4", "i3", "i2"]
    assert model.recommend(["b"])["docno"].tolist() == ["i4", "i1"]
    kept = fixed(Ranker, rows, model.matrix, seen="keep")
    assert kept.recommend(["a"])["docno"].tolist() == ["i1", "i4", "i3", "i2"]
    assert kept.recommend(["b"], 2)["docno"].tolist() == ["i4", "i3"]  # the cut comes after the tie rule


def test_ids_of_users_may_come_as_numpy_strings_and_anything_else_is_explained():
    model = Popularity().fit(table(ROWS))
    pd.testing.assert_frame_equal(model(np.array(["c", "b"])), model(["c", "b"]))
    pd.testing.assert_frame_equal(model(np.str_("c")), model("c"))
    with pytest.raises(FrameError, match=r"users: needs the ids of users, got int 3; write a list of strings"):
        model(3)


def test_scores_that_cannot_be_ranked_are_an_error():
    for broken in (np.nan, np.inf):
        model = fixed(Ranker, ROWS, [[0, 0, 0], [0, 0, broken], [0, 0, 0]])
        with pytest.raises(
            ConfigError, match=f"fixed: the score of item 'z' for user 'b' must be finite, got {broken}"
        ):
            model.recommend(["a", "b"])


def test_ratings_too_large_to_compute_with_are_refused():
    with pytest.raises(FrameError, match=r"bias: ratings must lie within \+-1e\+12, got one of size 2e\+12; divide"):
        Bias().fit(table([("a", "x", -2e12), ("b", "x", 1.0)]))


def test_an_unknown_user_gets_the_most_rated_items():
    got = fixed(Ranker, ROWS, np.zeros((3, 3))).recommend(["new", "a"])
    assert got[got["qid"] == "new"]["docno"].tolist() == ["x", "z", "y"]
    assert got[got["qid"] == "new"]["score"].tolist() == [2.0, 1.0, 1.0]
    assert got[got["qid"] == "a"]["docno"].tolist() == ["z"]


def test_one_row_of_scores_laid_out_for_everybody_is_not_written_into():
    class Same(Ranker):
        def scores(self, user, day=None):
            return np.broadcast_to(np.array([3.0, 2.0, 1.0]), (len(user), 3))

    got = Same().fit(table(ROWS)).recommend(["a", "b"])
    assert list(zip(got["qid"], got["docno"], strict=True)) == [("a", "z"), ("b", "y"), ("b", "z")]


def test_lists_in_batches_are_lists_at_once(monkeypatch):
    model = fixed(Ranker, [(f"u{i}", f"i{i % 5}", 1.0) for i in range(20)], np.random.default_rng(0).random((20, 5)))
    users = [f"u{i}" for i in range(20)]
    whole = model.recommend(users)
    monkeypatch.setattr("irkit.recommend.base.BATCH", 15)
    pd.testing.assert_frame_equal(model.recommend(users), whole)


def test_no_users_get_no_lists():
    assert len(Popularity().fit(table(ROWS)).recommend([])) == 0


def test_recommenders_read_user_ids_as_queries():
    model = Popularity().fit(table(ROWS))
    pd.testing.assert_frame_equal(model(["c"]), model.recommend(["c"]).assign(query="c")[model(["c"]).columns])
    pipeline = model % 1
    assert pipeline(["c", "b"])["qid"].tolist() == ["c", "b"]
    assert pipeline("c")["docno"].tolist() == ["x"]
    assert model(pd.DataFrame({"qid": ["c"]}))["docno"].tolist() == model("c")["docno"].tolist()
    with pytest.raises(FrameError, match="users: column 'qid' must hold strings, got int"):
        model([3])
    with pytest.raises(FrameError, match="users: 'a' is named twice"):
        users_frame(["a", "a"])


@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=4), st.integers(1, 8))
@settings(max_examples=30)
def test_best_selects_what_the_tie_rule_puts_first(rows, n):
    scores = np.array(rows, dtype=float)
    scores[:, 0] = -np.inf
    place = np.array([3, 0, 5, 1, 4, 2])
    row, column = best(scores, n, place)
    for r in range(len(scores)):
        order = rank_order(np.zeros(6, dtype=int), scores[r], place)
        assert set(column[row == r]) == set(order[scores[r][order] > -np.inf][:n])
        assert (row == r).sum() <= n


def test_limited_is_a_cut():
    model = fixed(Ranker, ROWS, np.arange(9).reshape(3, 3), seen="keep")
    pd.testing.assert_frame_equal((model % 2)(["a", "b"]), model(["a", "b"]).query("rank < 2").reset_index(drop=True))


# ---------------------------------------------------------------- as a stage


def test_the_rater_scores_given_pairs_and_falls_back_on_unknown_ones():
    model = fixed(Fixed, ROWS, [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    given_pairs = pd.DataFrame({"qid": ["a", "a", "new"], "docno": ["x", "new", "x"], "score": [0.0, 1.0, 2.0]})
    got = model.rater()(given_pairs).set_index(["qid", "docno"])["score"]
    assert got["a", "x"] == 1.0
    assert got["a", "new"] == pytest.approx(model.mean_ + model.user_bias_[0])
    assert got["new", "x"] == pytest.approx(model.mean_ + model.item_bias_[0])
    ranked = fixed(Ranker, ROWS, model.matrix).rater()(given_pairs).set_index(["qid", "docno"])["score"]
    assert ranked["a", "new"] == 0
    assert ranked["new", "x"] == 2  # ratings of x


def test_a_pipeline_of_recommenders_is_fitted_on_one_table():
    pipeline = Popularity(n=2) >> Bias().rater()
    got = pipeline.fit(table(ROWS))(["a"])
    assert got["docno"].tolist() == ["z"]
    direct = Bias().fit(table(ROWS)).predict(frame([("a", "z", 0)]))["prediction"]
    assert got["score"].tolist() == pytest.approx(direct.tolist())


def test_rate_holds_exactly_one_recommender():
    with pytest.raises(ConfigError, match="rate: holds one recommender, got none"):
        Rate(())


def test_making_one_from_plain_values_fits_nothing():
    model = Bias.make({"n": 7}, (), {})
    assert model == Bias(n=7)
    assert model.train is None
    with pytest.raises(ConfigError, match="bias: holds no pipelines"):
        Bias.make({}, (Popularity(),), {})


def test_the_fingerprint_follows_settings_and_data_and_held_out_data():
    first = Bias().fit(table(ROWS))
    assert first == Bias().fit(table(ROWS))
    assert first != Bias(damping=1.0).fit(table(ROWS))
    assert first != Bias().fit(table(ROWS[:3]))
    assert first != Bias().fit(table(ROWS), table(ROWS[:1]))
    assert first.cacheable
    assert Bias() == Bias()
    assert Bias() != first


def test_pipelines_of_recommenders_take_users_as_a_recommender_does():
    train = table(ROWS)
    one, other = Popularity().fit(train), Bias().fit(train)
    for pipeline in (one + other, one % 1, (one + other) % 1, one >> other.rater()):
        found = pipeline(["a", "new"])
        assert found["qid"].drop_duplicates().tolist() == ["a", "new"]
        pd.testing.assert_frame_equal(pipeline(users_frame(["a", "new"])), found)
    assert (one + other).search("a")["docno"].tolist() == ["z"]


def test_what_others_have_in_common_is_none_itself():
    with pytest.raises(ConfigError, match="Recommender: is what others have in common, and none itself; make one of"):
        Recommender()
