"""Tests of irkit.rank.aggregation."""

import numpy as np
import pandas as pd
import pytest

from irkit.errors import FrameError
from irkit.rank import AggregateRanks
from irkit.rank.aggregation import ranks
from irkit.testing import check_stage

NAN = float("nan")


def results(rows, qid="q"):
    names = [f"d{number}" for number in range(len(rows))]
    return pd.DataFrame({"qid": qid, "docno": names, "score": 0.0, "features": list(map(np.array, rows))})


def scores(stage, frame):
    out = stage(frame)
    return dict(zip(out["docno"], out["score"], strict=True))


ROWS = results([[1.0, 30.0], [2.0, NAN], [4.0, 10.0], [NAN, NAN]])


def test_ranks_start_anew_in_each_query_and_equal_values_share_theirs():
    x = np.array([[3.0, 1.0], [1.0, 1.0], [2.0, NAN], [9.0, 5.0], [8.0, 5.0]])
    found = ranks(np.array([0, 3, 3, 5]), x, lowest=False)
    np.testing.assert_array_equal(found, [[1, 1.5], [3, 1.5], [2, NAN], [1, 1.5], [2, 1.5]])


@pytest.mark.parametrize(
    ("method", "by_hand"),
    [
        # Of 4 candidates the first ranking lists 3 (ranks 1, 2, 3), the second 2 (ranks 2, 1).
        ("borda", {"d0": 3 + 2, "d1": 2 + 0.5, "d2": 1 + 3, "d3": 0 + 0.5}),
        ("rrf", {"d0": 1 / 61 + 1 / 62, "d1": 1 / 62, "d2": 1 / 63 + 1 / 61, "d3": 0}),
        ("combmnz", {"d0": 2 * (1 + 1 / 2), "d1": 2 / 3, "d2": 2 * (1 / 3 + 1), "d3": 0}),
        ("mean", {"d0": (1 + 1 / 2) / 2, "d1": 2 / 3, "d2": (1 / 3 + 1) / 2, "d3": 0}),
    ],
)
def test_rankings_are_joined_as_on_paper(method, by_hand):
    assert scores(AggregateRanks(method=method, best="lowest"), ROWS) == pytest.approx(by_hand)


def test_borda_gives_away_all_points_of_every_ranking():
    rng = np.random.default_rng(1)
    x = np.where(rng.random((7, 5)) < 0.4, NAN, rng.random((7, 5)))
    x[:, 2] = NAN  # one that ranks nothing
    total = sum(scores(AggregateRanks(), results(list(x))).values())
    assert total == pytest.approx(5 * 7 * 6 / 2)


def test_highest_is_lowest_turned_round():
    turned = ROWS.assign(features=[-row for row in ROWS["features"]])
    for method in ("borda", "rrf", "combmnz", "mean"):
        assert scores(AggregateRanks(method=method), turned) == scores(
            AggregateRanks(method=method, best="lowest"), ROWS
        )


def test_results_without_features_are_refused():
    with pytest.raises(FrameError, match="aggregate-ranks: needs the column 'features'"):
        AggregateRanks()(ROWS.drop(columns="features"))


def test_it_is_a_stage():
    check_stage(AggregateRanks(method="rrf", k=10), ROWS)
