"""Tests of irkit.evaluate.ratings."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from irkit.errors import FrameError
from irkit.evaluate.ratings import compare_errors, evaluate_ratings, rating_errors
from irkit.recommend.bias import Bias
from irkit.recommend.guards import LOOKS
from irkit.recommend.splits import random_split, time_split
from tests.recommend.ratings_toy import random_table

ROWS = pd.DataFrame(
    {
        "user_id": ["a", "a", "b", "c", "c"],
        "item_id": ["x", "y", "x", "x", "z"],
        "rating": [5.0, 3.0, 4.0, 1.0, 2.0],
        "prediction": [4.0, 3.0, 2.0, 2.0, 5.0],
        "branch": ["user and item", "user", "user and item", "item", "neither"],
    }
)


def test_each_part_on_paper():
    got = rating_errors(ROWS)
    assert got.rmse == pytest.approx(np.sqrt((1 + 0 + 4 + 1 + 9) / 5))
    assert got.mae == pytest.approx((1 + 0 + 2 + 1 + 3) / 5)
    assert got.parts["warm"].rmse == pytest.approx(np.sqrt((1 + 4) / 2))
    assert got.parts["cold user"].mae == pytest.approx((1 + 3) / 2)
    assert got.parts["cold item"].rmse == pytest.approx(np.sqrt(9 / 2))
    assert {name: part.pairs for name, part in got.parts.items()} == {
        "all": 5,
        "warm": 2,
        "cold user": 2,
        "cold item": 2,
    }
    assert got.branches == {"user and item": 0.4, "item": 0.2, "user": 0.2, "neither": 0.2}


def test_a_part_without_pairs_is_absent():
    assert list(rating_errors(ROWS[:1]).parts) == ["all", "warm"]


def test_values_are_those_of_scikit_learn_and_intervals_hold_them():
    split = random_split(random_table(users=60, items=30), 0.3)
    got = evaluate_ratings(Bias().fit(split.train), split)
    predicted = Bias().fit(split.train).predict(split.test.frame())
    assert got.rmse == pytest.approx(root_mean_squared_error(predicted["rating"], predicted["prediction"]), rel=1e-12)
    assert got.mae == pytest.approx(mean_absolute_error(predicted["rating"], predicted["prediction"]), rel=1e-12)
    one = got.parts["all"]
    assert one.rmse_low < one.rmse < one.rmse_high
    assert one.mae_low < one.mae < one.mae_high
    assert got.split_hash == split.hash


def test_columns_stay_aligned_on_a_wide_scale():
    got = rating_errors(ROWS.assign(rating=ROWS["rating"] * 100, prediction=ROWS["prediction"] * 100)[:3])
    assert [line[:26] for line in str(got).splitlines()] == [
        "           pairs      RMSE",
        "all            3  129.0994",
        "warm           2  158.1139",
        "cold item      1    0.0000",
        "predicted from user and it",
    ]


def test_intervals_draw_whole_users():
    # Ten users whose twenty errors are all alike: only users vary.
    user = np.repeat(np.arange(10), 20)
    frame = pd.DataFrame({"user_id": user.astype(str), "item_id": "x", "rating": 0.0, "prediction": user * 1.0})
    clustered = rating_errors(frame.assign(branch="user and item")).parts["all"]
    loose = frame.assign(user_id=np.arange(200).astype(str), branch="user and item")
    single = rating_errors(loose).parts["all"]
    assert clustered.rmse_high - clustered.rmse_low > 3 * (single.rmse_high - single.rmse_low)


def test_every_look_at_a_test_part_is_counted():
    split = time_split(random_table(users=17, items=7, time=True), fraction=0.2)
    model = Bias().fit(split.train)
    first, second = evaluate_ratings(model, split), evaluate_ratings(model, split)
    assert (first.looks, second.looks) == (1, 2)
    assert LOOKS.note(split) == "test part looked at 2 times"
    assert "looked at 2 times" in str(second)
    assert "looked at" not in str(first)


def test_users_shares_of_the_error_on_paper():
    user = np.array([3, 3, 5, 9])
    errors = {"base": np.array([[2.0, 0.0, 2.0, 1.0]]), "new": np.array([[1.0, -1.0, 2.0, 0.0]])}
    cells, per_user = compare_errors(errors, user, squared=True, baseline="base")
    got = cells["new"]
    assert got.mean == pytest.approx(np.sqrt(6 / 4))
    assert got.delta == pytest.approx(np.sqrt(6 / 4) - np.sqrt(9 / 4))
    assert per_user["new"].tolist() == pytest.approx([1, 2, 0])
    # Two users err less, one as much; both signs of the two differences are as extreme in half of the cases.
    assert (got.wins, got.ties, got.losses, got.robustness) == (2, 1, 0, pytest.approx(2 / 3))
    assert got.p_randomisation == 0.5
    # Shares 3/4 of (-2, 0, -1): mean -3/4, the difference of 6/4 and 9/4.
    share = np.array([-1.5, 0, -0.75])
    assert got.p == pytest.approx(ttest_1samp(share, 0).pvalue)
    assert cells["base"].p is None
    assert cells["base"].delta == 0
    absolute, per_user = compare_errors(errors, user, squared=False, baseline=None)
    assert absolute["new"].mean == 1
    assert absolute["new"].delta is None
    assert per_user["base"].tolist() == [1, 2, 1]


def test_systems_with_several_seeds_are_means_over_them():
    rng = np.random.default_rng(0)
    user, one, two = np.repeat(np.arange(8), 5), *rng.normal(size=(2, 40))
    both, _ = compare_errors({"a": np.stack([one, two])}, user, squared=True, baseline=None)
    single = [compare_errors({"a": e[None]}, user, squared=True, baseline=None)[0]["a"].mean for e in (one, two)]
    assert both["a"].mean == pytest.approx(np.mean(single))
    twice, _ = compare_errors({"a": np.stack([one, one])}, user, squared=True, baseline=None)
    once, _ = compare_errors({"a": one[None]}, user, squared=True, baseline=None)
    assert (twice["a"].low, twice["a"].high) == pytest.approx((once["a"].low, once["a"].high))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (ROWS.drop(columns="branch"), "need the column 'branch'"),
        (ROWS[:0], "there is no prediction"),
        (ROWS.assign(prediction=[1, 2, np.nan, 3, 4]), "row 2 is not finite"),
    ],
)
def test_what_are_no_predictions_is_refused(frame, message):
    with pytest.raises(FrameError, match=message):
        rating_errors(frame)
