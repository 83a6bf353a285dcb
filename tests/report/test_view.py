"""Tests of irkit.report.view."""

import copy

import pytest

from irkit.errors import DataError
from irkit.report.view import view
from tests.report.toy import density_result, tiny_result, tiny_system, toy_result


def ranked(*cells, measure="AP"):
    """Return system -> cell in the order shown, for systems a, b, ... with the given statistics."""
    systems = [tiny_system(name, {measure: cell}) for name, cell in zip("abcdefgh", cells, strict=False)]
    board = view(tiny_result(*systems, measures=(measure,))).boards[0]
    return {system.name: system.cells[measure] for system in board.systems}


def test_systems_are_ranked_by_the_first_measure_and_ties_keep_their_order():
    assert list(ranked({"mean": 0.2}, {"mean": 0.5}, {"mean": 0.1}, {"mean": 0.5})) == ["b", "d", "a", "c"]
    assert list(ranked({"mean": 0.9}, {"mean": 0.8}, measure="RMSE")) == ["b", "a"]


def test_marks_need_a_corrected_p_below_the_level_and_know_the_direction():
    cells = [
        {"mean": 0.5, "delta": 0.0},
        {"mean": 0.6, "delta": 0.1, "p": 0.01, "p_corrected": 0.0499},
        {"mean": 0.6, "delta": 0.1, "p": 0.01, "p_corrected": 0.05},
        {"mean": 0.4, "delta": -0.1, "p": 0.01, "p_corrected": 0.001},
        {"mean": 0.4, "delta": -0.1, "p": 0.001},
    ]
    marks = {name: cell.mark for name, cell in ranked(*cells).items()}
    assert marks == {"a": "", "b": "better", "c": "", "d": "worse", "e": ""}
    lower = ranked(*cells, measure="RMSE")
    assert (lower["b"].mark, lower["d"].mark) == ("worse", "better")


def test_best_values_are_those_that_print_alike():
    cells = ranked({"mean": 0.41234}, {"mean": 0.41229}, {"mean": 0.4})
    assert {name for name, cell in cells.items() if cell.best} == {"a", "b"}
    assert [name for name, cell in ranked({"mean": 0.9}, {"mean": 0.8}, measure="MAE").items() if cell.best] == ["b"]
    assert not any(cell.best for cell in ranked({"mean": 0.4}, {"mean": 0.4}).values())
    assert not ranked({"mean": 0.4})["a"].best


def test_facts_and_columns_that_are_unknown_are_left_out():
    board = view(tiny_result(tiny_system("a", {}), measures=(), documents=None, baseline=None)).boards[0]
    assert (board.facts, board.has_costs, board.has_memory, board.baseline) == (("1 query",), False, False, "")
    board = view(tiny_result(tiny_system("a", {}, ms_per_query=1.5), measures=(), split="test", queries=1400)).boards[0]
    assert (board.facts, board.has_costs) == (("350 documents", "1,400 queries", "split test"), True)


def test_a_baseline_that_is_not_on_the_board_is_no_baseline():
    assert view(tiny_result(tiny_system("a", {"AP": {"mean": 0.1}}), baseline="zzz")).boards[0].baseline == ""


def test_a_bound_and_an_estimate_say_so():
    board = view(density_result()).boards[0]
    cells = {system.name: system.cells["log p"] for system in board.systems}
    assert [(name, cell.shown) for name, cell in cells.items()] == [
        ("bound", "≥ -19.125 ± 0.062"),
        ("exact", "-19.250"),
        ("sampled", "~ -21.500 ± 0.250"),
        ("independent", "-25.500"),
        ("loose", "≥ -26.000"),
    ]
    assert [name for name, cell in cells.items() if cell.best] == ["bound"]
    # What a loose bound is a bound of may still be better than the baseline.
    assert {name: cell.mark for name, cell in cells.items()} == {
        "bound": "better",
        "exact": "better",
        "sampled": "better",
        "independent": "",
        "loose": "",
    }


def test_nothing_is_better_than_a_baseline_of_which_only_a_bound_is_known():
    result = density_result()
    result["boards"][0]["systems"][0]["measures"]["log p"]["kind"] = "lower_bound"
    assert {system.cells["log p"].mark for system in view(result).boards[0].systems} == {""}


def test_kinds_of_boards_have_their_own_words():
    board = view(density_result()).boards[0]
    assert board.facts == ("1,297 training rows", "250 test rows", "binarised by threshold")
    assert (board.has_fits, board.has_parameters, board.signs) == (True, True, {"≥", "~"})
    ratings = view(tiny_result(tiny_system("a", {}), measures=(), kind="ratings", split="u1", queries=459)).boards[0]
    assert ratings.facts == ("350 items", "459 users", "split u1")
    assert (ratings.has_fits, ratings.has_parameters, ratings.timed) == (False, False, "pair")


def test_boards_of_one_collection_are_told_apart_by_their_split():
    result = toy_result(systems=1)
    assert [board.title for board in view(result).boards] == ["lee", "cranfield"]
    for board, split in zip(result["boards"], ("u1", "u2"), strict=True):
        board |= {"collection": "ml", "split": split}
    assert [board.title for board in view(result).boards] == ["ml, u1", "ml, u2"]


def test_the_given_result_is_left_alone():
    result = toy_result()
    before = copy.deepcopy(result)
    view(result)
    assert result == before


@pytest.mark.parametrize("change", [{"schema": 2}, {"boards": None}, {"boards": [{}]}, {"surplus": 1}, {"seed": "x"}])
def test_other_shapes_are_refused_in_one_line(change):
    with pytest.raises(DataError, match=r"^report: [^\n]+$"):
        view({**toy_result(), **change})
