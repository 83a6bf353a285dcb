"""Tests of irkit.evaluate.controls."""

import pytest

from irkit.errors import ConfigError
from irkit.evaluate.board import Measure
from irkit.evaluate.controls import check_controls, gains
from irkit.evaluate.tasks.task import Measured

P5 = Measure(name="P@5")


def trials(*means, measure="P@5"):
    return [Measured({}, {measure: mean}) for mean in means]


def test_a_gain_that_no_control_has_is_said_to_be_so():
    found = {"game": trials(0.36, 0.35, 0.33), "start": trials(0.34, 0.34, 0.34), "other": trials(0.34, 0.35, 0.33)}
    assert gains("game", ["start", "other"], found, P5) == (
        "game gains +0.0067 P@5 over start (2 of 3 seeds); its controls: other +0.0000; none gains as much"
    )


def test_a_gain_that_a_control_has_too_is_not_shown_to_be_the_games():
    found = {"game": trials(0.35), "start": trials(0.34), "a": trials(0.33), "b": trials(0.36)}
    assert gains("game", ["start", "a", "b"], found, P5) == (
        "game gains +0.0100 P@5 over start; its controls: a -0.0100, b +0.0200; b gains as much, so the gain is not "
        "shown to be of what it leaves out"
    )


def test_where_less_is_better_a_gain_is_a_fall_and_a_start_without_seeds_counts_for_all():
    rmse = Measure(name="RMSE", lower=True)
    found = {"game": trials(0.9, 1.1, measure="RMSE"), "start": trials(1.0, measure="RMSE")}
    found["other"] = trials(1.2, 1.2, measure="RMSE")
    said = gains("game", ["start", "other"], found, rmse)
    assert (
        said == "game gains +0.0000 RMSE over start (1 of 2 seeds); its controls: other -0.2000; there is no gain to "
        "explain"
    )


def test_what_was_not_measured_is_not_spoken_of():
    found = {"game": trials(0.35), "start": trials(0.34)}
    assert gains("game", ["start", "other"], found, P5) is None
    assert gains("game", ["begin", "start"], found, P5) is None


def test_a_control_that_failed_is_named_and_none_is_not_said_of_it():
    found = {"game": trials(0.36), "start": trials(0.34), "a": trials(0.35)}
    assert gains("game", ["start", "a", "b", "c"], found, P5) == (
        "game gains +0.0200 P@5 over start; its controls: a +0.0100; none of these gains as much; not measured: b, c"
    )


@pytest.mark.parametrize(("others", "twice"), [(["start", "start"], "start"), (["start", "game"], "game")])
def test_a_start_or_the_system_itself_is_no_control(others, twice):
    with pytest.raises(ConfigError, match=f"controls: game is compared with {twice} twice or with itself; name other"):
        check_controls({"game": others}, ["game", "start"])


def test_controls_are_rows_of_the_suite():
    check_controls({"game": ("start", "other")}, ["game", "start", "other"])
    with pytest.raises(ConfigError, match="controls: there is no system 'othr'; did you mean other"):
        check_controls({"game": ("start", "othr")}, ["game", "start", "other"])
    with pytest.raises(
        ConfigError, match="controls: game needs its start and one control or more, got start; name both"
    ):
        check_controls({"game": ("start",)}, ["game", "start"])
