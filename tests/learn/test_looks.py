"""Tests of irkit.learn.looks; that a curve survives a stop is tested with every game that is learned."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.learn.looks import curve, look
from tests.learn.test_game import Game, GameConfig, Table


@pytest.mark.parametrize(
    ("settings", "ranks"),
    [
        ({}, "generator"),
        ({"ranker": "discriminator"}, "discriminator"),
        ({"control": "discriminator"}, "discriminator"),
        ({"control": "positives", "ranker": "discriminator"}, "generator"),
    ],
)
def test_both_players_are_measured_and_the_score_is_that_of_the_one_that_ranks(settings, ranks):
    net = Game(Table([[1.0]]), Table([[2.0]]), GameConfig(**settings), 1)
    found = look(net, "P@5", lambda player: player.scores.item())
    values = {name: one.value for name, one in found.items()}
    wanted = {"generator": 2.0, "discriminator": 1.0}
    assert values == {"score": wanted[ranks], "generator.P@5": 2.0, "discriminator.P@5": 1.0}
    assert {one.kind for one in found.values()} == {"exact"}


def test_a_curve_is_read_from_the_rows_of_a_training():
    rows = [
        {"epoch": epoch, "metric": metric, "value": value}
        for epoch in (1.0, 3.0)
        for metric, value in (
            ("generator.loss", 9.0),
            ("score", epoch),
            ("generator.P@5", epoch),
            ("discriminator.P@5", 2 * epoch),
            ("discriminator.AP", 7.0),
        )
    ]
    np.testing.assert_array_equal(curve(rows, "P@5"), [[1, 1, 2], [3, 3, 6]])
    assert curve([], "P@5").shape == curve(rows[:1], "P@5").shape == (0, 3)
