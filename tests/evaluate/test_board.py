"""Tests of irkit.evaluate.board, and of schema1, whose files are read too."""

from __future__ import annotations

import copy
import json
import os

import pytest
from pydantic import ValidationError

from irkit import locate
from irkit.errors import DataError, NotFoundError
from irkit.evaluate.board import Board, Row, as_result, read_results, results_folder, write_results
from irkit.evaluate.schema1 import lower_is_better

CELL = {"mean": 0.1 + 0.2, "low": 0.25, "high": 0.35, "delta": None, "p": None, "p_corrected": None}
CELL |= {"p_wilcoxon": None, "p_randomisation": 1.25e-17, "wins": 0, "ties": 0, "losses": 0, "robustness": 0.0}
SYSTEM = {"name": "bm25", "about": "a", "recipe": "bm25", "recipe_hash": "h", "recipe_yaml": "name: bm25\n"}
SYSTEM |= {"command": "irkit run bm25 lee", "measures": {"AP": CELL}, "ms_per_query": 0.4, "peak_memory_mb": 310.0}
SYSTEM |= {"notes": [], "per_query": {"AP": {"1": 1 / 3, "é": 1.0}}}
BOARD = {"collection": "lee", "about": "", "data_hash": "d", "documents": 300, "queries": 2, "split": None}
BOARD |= {"measures": ["AP"], "baseline": "bm25", "test": "paired t", "correction": "Holm"}
BOARD |= {"interval": "95 % bootstrap", "notes": ["n"], "systems": [SYSTEM]}
SAMPLES = {"name": "samples", "caption": "c", "media": "image/png", "content": "iVBORw0KGgo+/A=="}
RESULT = {"schema": 1, "suite": "tiny", "about": "", "date": "2026-11-21", "irkit": "0.1.0", "code": "c", "seed": 42}
RESULT |= {"machine": {"cpu": "x", "cores": 2, "python": "3.11.7", "platform": "Linux"}}
RESULT |= {"command": "irkit leaderboard tiny", "boards": [BOARD]}


def changed(**fields):
    result = copy.deepcopy(RESULT)
    result["boards"][0]["systems"][0] |= fields
    return result


def test_a_result_comes_back_with_per_query_values_rounded_and_all_else_in_full(tmp_path):
    path = write_results(RESULT, tmp_path / "tiny.json")
    want = as_result(changed(per_query={"AP": {"1": 0.333333, "é": 1.0}}), who="x")
    assert read_results(path) == want
    assert read_results(path).boards[0].rows[0].cells["AP"].mean == 0.1 + 0.2


def test_words_of_schema_1_become_those_of_the_kind():
    old = {**RESULT, "boards": [BOARD, {**BOARD, "kind": "density", "collection": "mnist", "split": "threshold"}]}
    lee, mnist = as_result(old, who="x").boards
    assert [str(size) for size in lee.sizes] == ["300 documents", "2 queries"]
    assert (lee.kind, lee.data, lee.timed, lee.conditions, lee.measures[0].lower) == (
        "retrieval",
        "lee",
        "query",
        {},
        False,
    )
    assert [str(size) for size in mnist.sizes] == ["300 training rows", "2 test rows"]
    assert (mnist.kind, mnist.timed, mnist.conditions) == ("likelihood", "row", {"binarised by": "threshold"})
    errors = {**BOARD, "kind": "ratings", "measures": ["MAE"], "systems": []}
    (board,) = as_result({**RESULT, "boards": [errors]}, who="x").boards
    assert (board.each, board.measures[0].lower, board.unit.one) == ("each user's own ", True, "user")


def test_a_system_without_figures_says_why_and_no_other_may_lack_them():
    board = as_result(RESULT, who="x").boards[0]
    failed = Row(name="broken", failed="out of memory")
    assert Board(**{**dict(board), "rows": [*board.rows, failed]}).rows[1].failed == "out of memory"
    with pytest.raises(ValidationError, match="cells of broken on lee has nothing, but the board's are AP"):
        Board(**{**dict(board), "rows": [Row(name="broken")]})


def test_the_file_is_short_and_one_line_per_group_of_plain_values(tmp_path):
    lines = write_results(RESULT, tmp_path / "tiny.json").read_text(encoding="utf-8").splitlines()
    assert any('"AP": {"1": 0.333333, "é": 1.0}' in line for line in lines)
    assert any(line.strip().startswith('"AP": {"mean": 0.30000000000000004') for line in lines)
    assert len(lines) < 60


def test_a_result_that_is_refused_leaves_the_old_file(tmp_path):
    path = write_results(RESULT, tmp_path / "tiny.json")
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"results: boards\.0\.rows\.0\.milliseconds is not valid, got nan"):
        write_results(changed(ms_per_query=float("nan")), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["tiny.json"]


def test_results_are_found_by_the_name_of_the_suite_users_first(tmp_path, monkeypatch):
    home, shipped = tmp_path / "home", tmp_path / "repo" / "eval"
    monkeypatch.setenv("IRKIT_HOME", str(home))
    for module in ("evaluate.board", "locate"):
        monkeypatch.setattr(f"irkit.{module}.shipped", lambda kind: shipped)
    (shipped / "suites").mkdir(parents=True)
    (shipped / "suites" / "tiny.yaml").write_text("name: tiny\n")
    assert write_results(RESULT) == shipped / "results" / "tiny.json"
    assert read_results("tiny").about == ""
    write_results({**RESULT, "about": "mine"}, home / "eval" / "results" / "tiny.json")
    assert read_results("tiny").about == "mine"
    with pytest.raises(NotFoundError, match=r"results: there are none of suite 'tinny'; did you mean tiny\?"):
        read_results("tinny")


def test_a_suite_of_one_s_own_is_kept_in_one_s_own_folder_even_in_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    own = tmp_path / "home" / "eval" / "results" / "tiny.json"
    assert write_results(RESULT) == own, "no suite of the checkout is called so"
    path = tmp_path / "quickstart.yaml"
    path.write_text("name: tiny\n")
    assert write_results({**RESULT, "command": f"irkit leaderboard {path}"}) == own
    (tmp_path / "home" / "eval" / "classic.yaml").write_text("name: classic\n")
    assert results_folder("classic") == own.parent, "the user's suite wins over the shipped one of its name"
    assert results_folder("quickstart") == locate.shipped("eval") / "results"
    assert results_folder(str(locate.find("eval", "quickstart"))) == locate.shipped("eval") / "results"


def test_a_wheel_writes_to_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("irkit.evaluate.board.shipped", lambda kind: tmp_path / "_shipped" / kind)
    assert write_results(RESULT) == tmp_path / "home" / "eval" / "results" / "tiny.json"


def test_pictures_come_back_as_they_were(tmp_path):
    pictures = [SAMPLES, {**SAMPLES, "name": "cat"}]
    found = read_results(write_results(changed(figures=pictures), tmp_path / "x.json"))
    assert [one.model_dump() for one in found.boards[0].rows[0].figures] == pictures


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (changed(extra=1), r"boards.0.rows.0.extra is unknown"),
        (changed(name=3), r"boards.0.rows.0.name is not valid, got 3"),
        (changed(measures={"AP": CELL, "RR": CELL}), r"cells of bm25 on lee has AP, RR, but the board's are AP"),
        (changed(per_query={}), r"values of bm25 on lee has nothing, but the board's are AP"),
        (changed(figures=[{**SAMPLES, "name": ""}]), r"figures.0.name is not valid, got ''; string should have at l"),
        (changed(figures=[{**SAMPLES, "media": "text/html"}]), r"figures.0.media is not valid, got 'text/html'"),
        (changed(figures=[{**SAMPLES, "content": "<svg />"}]), r"figures.0 is not valid, got .*; it is no image/png$"),
        (changed(figures=[{**SAMPLES, "content": 'iVBORw0K\n"'}]), r"figures.0 is not valid, .*; it is no image/png$"),
        (changed(figures=[{**SAMPLES, "media": "image/svg+xml"}]), r"figures.0 is not valid, .*; it is no image/svg"),
        (changed(figures=[{**SAMPLES, "content": "x" * 100_001}]), r"figures.0.content is not valid, got"),
        ({k: v for k, v in RESULT.items() if k != "seed"}, r"x: seed is missing"),
        ({**RESULT, "boards": "x" * 999}, r"^x: not a result file of schema 1, .* is missing or wrong$"),
        ({**RESULT, "schema": 2}, r"boards.0.\w+ is missing"),
        ({**RESULT, "schema": 3}, r"x: not a result file of schema 1 or 2, got 3"),
    ],
)
def test_other_shapes_are_refused_in_one_line(result, message):
    with pytest.raises(DataError, match=message) as caught:
        as_result(result, who="x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 1,\n oops}', r"x\.json:2: not JSON; expecting property name"),
        ("[]", r"x\.json: not a result file of schema 1 or 2, got 'list'"),
        ('{"schema": 7}', r"x\.json: not a result file of schema 1 or 2, got 7"),
        ('{"schema": 1}', r"x\.json: not a result file of schema 1, 'boards' is missing"),
        ("\udcff", r"x\.json: not UTF-8"),
        ("[" * 100_000, r"x\.json: not a result file, it is nested too deeply"),
    ],
)
def test_broken_files_are_explained(tmp_path, text, message):
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=message):
        read_results(path)


def test_a_missing_file_is_explained(tmp_path):
    with pytest.raises(NotFoundError, match="results: there is no file"):
        read_results(tmp_path / "none.json")


def test_the_file_is_json_for_others_too(tmp_path):
    path = write_results(RESULT, tmp_path / "tiny.json")
    assert json.loads(path.read_text(encoding="utf-8"))["boards"][0]["rows"][0]["name"] == "bm25"


@pytest.mark.parametrize("name", ["RMSE", "RMSE (cold)", "MAE/all", "perplexity", "nats", "test NLL", "bits per dim"])
def test_errors_and_costs_are_better_when_lower(name):
    assert lower_is_better(name)


@pytest.mark.parametrize("name", ["AP", "nDCG@10", "ERR@20", "P(rel=2)@5", "RR", "log-likelihood", "Bpref", "Rprec"])
def test_other_measures_are_better_when_higher(name):
    assert not lower_is_better(name)
