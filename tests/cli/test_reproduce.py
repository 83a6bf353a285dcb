"""Tests of irkit reproduce: kept rows are run again, and it is said whether their numbers are the same."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

SUITE = """\
name: mine
ratings: [{name: planted-factors, split: {kind: random, fraction: 0.3, seed: 1}}]
measures: RMSE MAE
baseline: bias
systems: [bias, {name: heavy, recipe: bias, settings: {damping: 50.0}}]
"""


@pytest.fixture
def kept(irkit, folder):
    """A suite of the user's, and its result among those kept."""
    home = Path(os.environ["IRKIT_HOME"]) / "eval"
    for place in ("suites", "results"):
        (home / place).mkdir(parents=True, exist_ok=True)
    (home / "suites" / "mine.yaml").write_text(SUITE)
    irkit("leaderboard", "mine", "--json", home / "results" / "mine.json")
    return home / "results" / "mine.json"


def test_every_row_is_made_again_to_the_last_digit(irkit, kept):
    lines = irkit("reproduce", "mine").lines
    title = "planted-factors:random, fraction 0.3, seed 1"
    assert [line.partition(": RMSE")[0] for line in lines] == [
        f"OK      mine {title} {name}" for name in ("bias", "heavy")
    ]
    assert len(irkit("reproduce", "mine", "heavy").lines) == 1
    assert len(irkit("reproduce", "mine", "--skip", "heavy", "--only", "planted-factors").lines) == 1
    assert "reproduce: mine has no row 'hevy'; did you mean heavy?" in irkit("reproduce", "mine", "hevy", status=2).err


def test_a_suite_that_was_given_by_path_is_found_again(irkit, folder):
    Path("suite-file.yaml").write_text(SUITE)
    irkit("leaderboard", "suite-file.yaml", "--json", "out.json")
    assert [line.split()[0] for line in irkit("reproduce", "out.json").lines] == ["OK", "OK"]


def test_boards_of_one_title_are_each_compared_with_their_own(irkit, folder):
    indexes = [f"{{name: lee, repeats: 1, index: {{analyzer: {name}}}}}" for name in ("english", "whitespace")]
    Path("twice.yaml").write_text(f"name: t\ncollections: [{', '.join(indexes)}]\nmeasures: AP\nsystems: [bm25]\n")
    out = irkit("leaderboard", "twice.yaml", "--json", "out.json").out
    assert out.count("indexed by the analyser whitespace") == 1
    assert "analyser english" not in out
    boards = json.loads(Path("out.json").read_text())["boards"]
    assert len({board["rows"][0]["cells"]["AP"]["mean"] for board in boards}) == 2
    assert [line.split()[0] for line in irkit("reproduce", "out.json").lines] == ["OK", "OK"]


def test_rows_on_ratings_of_a_folder_are_made_again_by_the_command_that_stands_on_them(irkit, folder):
    (folder / "meals").mkdir()
    rows = [f"u{u},i{i},{1 + (u * i + u) % 5}" for u in range(8) for i in range(8)]
    (folder / "meals" / "all.csv").write_text("\n".join(["user_id,item_id,rating", *rows]) + "\n")
    (folder / "meals" / "card.yaml").write_text(
        "name: kitchen\nabout: Meals.\nkind: ratings\nratings: {file: all.csv, format: csv}\n"
    )
    Path("suite-file.yaml").write_text(SUITE.replace("name: planted-factors", "name: ./meals"))
    irkit("leaderboard", "suite-file.yaml", "--json", "out.json")
    assert [line.split()[0] for line in irkit("reproduce", "out.json").lines] == ["OK", "OK"]
    row = json.loads(Path("out.json").read_text())["boards"][0]["rows"][1]
    again = irkit(*shlex.split(row["command"])[1:]).lines
    assert any(line.startswith("heavy ") for line in again)


def test_numbers_that_differ_are_shown_beside_those_kept(irkit, kept):
    result = json.loads(kept.read_text())
    rows = result["boards"][0]["rows"]
    rows[0]["cells"]["RMSE"]["mean"] *= 1 + 1e-8
    rows[1]["cells"]["MAE"]["mean"] += 0.01
    rows[1]["recipe_hash"] = "0" * 32
    kept.write_text(json.dumps(result))
    close, differs = irkit("reproduce", "mine", status=1).lines
    assert (close.split()[0], differs.split()[0]) == ("close", "differs")
    assert f"(kept: {rows[1]['cells']['MAE']['mean']:.10g})" in differs
    assert "of another recipe, " in differs
    assert "of other data" not in differs


def test_a_measure_that_the_suite_has_no_more_differs(irkit, folder):
    Path("s.yaml").write_text(SUITE)
    irkit("leaderboard", "s.yaml", "--json", "out.json")
    Path("s.yaml").write_text(SUITE.replace("RMSE MAE", "RMSE"))
    lines = irkit("reproduce", "out.json", "bias", status=1).lines
    assert len(lines) == 1
    assert lines[0].startswith("differs ")
    assert "MAE is not measured any more (kept: " in lines[0]


def test_other_data_than_those_of_the_kept_result_are_named(irkit, folder):
    (folder / "own.csv").write_text("user_id,item_id,rating\n" + "".join(f"u{u},i{u % 3},{u % 5}\n" for u in range(30)))
    Path("s.yaml").write_text(SUITE.replace("planted-factors", "./own.csv"))
    irkit("leaderboard", "s.yaml", "--json", "out.json")
    (folder / "own.csv").write_text((folder / "own.csv").read_text().replace("i0,0", "i0,3"))
    was = json.loads(Path("out.json").read_text())["boards"][0]["data_hash"][:8]
    lines = irkit("reproduce", "out.json", status=1).lines
    assert all(line.startswith("differs ") and f"(kept: {was})" in line for line in lines)
    assert "of other data, " in lines[0]


def test_a_row_that_cannot_be_run_differs(irkit, kept):
    suite = kept.parents[1] / "suites" / "mine.yaml"
    suite.write_text(SUITE.replace("name: heavy", "name: light"))
    lines = irkit("reproduce", "mine", status=1).lines
    assert lines[1].startswith("differs mine ")
    assert "cannot be run: suite mine: there is no system 'heavy' in it" in lines[1]
