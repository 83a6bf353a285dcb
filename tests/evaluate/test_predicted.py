"""Tests of irkit.evaluate.predicted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from irkit.errors import FrameError
from irkit.evaluate.predicted import predicted_errors
from irkit.evaluate.ratings import rating_errors

TRUTH = pd.DataFrame({"user_id": list("aabbc"), "item_id": list("xyxzz"), "rating": [4.0, 2.0, 5.0, 1.0, 3.0]})
GUESS = TRUTH[["user_id", "item_id"]].assign(prediction=[3.0, 2.5, 5.0, 4.0, 3.0])


def test_errors_are_those_by_hand_whatever_the_order_of_lines():
    score, others = predicted_errors(TRUTH, GUESS.iloc[::-1])
    assert (score.pairs, others) == (5, 0)
    assert score.rmse == pytest.approx(np.sqrt((1 + 0.25 + 0 + 9 + 0) / 5), abs=1e-15)
    assert score.mae == pytest.approx(4.5 / 5, abs=1e-15)


def test_errors_and_intervals_are_those_of_a_model_that_predicts_the_same():
    both = TRUTH.assign(prediction=GUESS["prediction"], branch="user and item")
    assert predicted_errors(TRUTH, GUESS)[0] == rating_errors(both).parts["all"]


def test_predictions_of_other_pairs_are_counted_and_do_not_count():
    more = pd.concat([GUESS, pd.DataFrame({"user_id": ["a"], "item_id": ["z"], "prediction": [900.0]})])
    assert predicted_errors(TRUTH, more) == (predicted_errors(TRUTH, GUESS)[0], 1)


@pytest.mark.parametrize(
    ("truth", "guess", "message"),
    [
        (TRUTH, GUESS.iloc[1:], "1 rating of 5 without a prediction, such as item x of user a; predict all of them"),
        (TRUTH, pd.concat([GUESS, GUESS.iloc[3:4]]), "item z of user b is predicted twice; keep one line of it"),
        (TRUTH, GUESS.assign(prediction=[1, 2, np.inf, 4, 5]), "the prediction of item x of user b is not finite"),
        (TRUTH.iloc[:0], GUESS, "there is no rating to measure predictions by"),
    ],
)
def test_what_cannot_be_measured_is_refused(truth, guess, message):
    with pytest.raises(FrameError, match=message):
        predicted_errors(truth, guess)
