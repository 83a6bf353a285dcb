"""Tests of irkit.cli.predicted."""

from __future__ import annotations

import json

import pytest

from irkit.recommend import load_ratings


@pytest.fixture
def files(tmp_path, monkeypatch, irkit):
    monkeypatch.chdir(tmp_path)
    frame = load_ratings("planted-factors").frame()
    frame.iloc[::2].to_csv("train.csv", index=False)
    frame.iloc[1::2].to_csv("test.csv", index=False)
    for name in ("bias", "biased-mf"):
        irkit("recommend", "train.csv", "--recipe", name, "--pairs", "test.csv", "-o", f"{name}.csv")
    return tmp_path


def test_written_predictions_are_measured(irkit, files):
    _, out, _ = irkit("evaluate", "test.csv", "bias.csv", "biased-mf.csv", "-m", "RMSE MAE", "-o", "table.csv")
    head, first, second = out.splitlines()[:3]
    assert head.split() == ["predictions", "pairs", "RMSE", "95", "%", "MAE", "95", "%"]
    assert [first.split()[0], second.split()[0]] == ["bias.csv", "biased-mf.csv"]
    lines = (files / "table.csv").read_text().splitlines()
    assert lines[0].startswith("predictions,pairs,RMSE,RMSE low,RMSE high")
    _, out, _ = irkit("evaluate", "test.csv", "bias.csv", "-m", "RMSE", "--json")
    found = json.loads(out)
    assert f"{found['measures']['RMSE']:.4f}" == first.split()[2]
    low, high = found["intervals"]["RMSE"]
    assert low < found["measures"]["RMSE"] < high


def test_of_other_pairs_a_line_is_printed(irkit, files):
    lines = (files / "test.csv").read_text().splitlines(keepends=True)
    (files / "few.csv").write_text("".join(lines[:11]))
    _, out, _ = irkit("evaluate", "few.csv", "bias.csv", "-m", "MAE")
    assert out.splitlines()[-1] == (
        f"bias.csv: {len(lines) - 11:,} predictions of pairs that are not among the ratings left out"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-m", "RMSE AP"), "evaluate: RMSE is of predicted ratings, and AP of lists; measure one kind at a time"),
        (("-m", "rmse"), "measures: there is no measure 'rmse'; did you mean RMSE?"),
        (("-m", "MAE", "--per-query"), "evaluate: --per-query is for runs, and RMSE and MAE are of predicted ratings"),
        (("-m", "MAE", "--train", "x"), "evaluate: --train is for runs, and RMSE and MAE are of predicted ratings"),
    ],
)
def test_mistakes_are_one_line(irkit, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    for name in ("test.csv", "bias.csv"):
        (tmp_path / name).write_text("user_id,item_id,rating,prediction\na,x,4,3\n")
    _, _, err = irkit("evaluate", "test.csv", "bias.csv", *words, status=2)
    assert err.startswith(f"irkit: {message}")


def test_a_file_without_predictions_names_the_column_that_is_needed(irkit, files):
    _, _, err = irkit("evaluate", "test.csv", "test.csv", "-m", "RMSE", status=2)
    assert "test.csv:1: predictions need a line of names with user, item and prediction" in err


@pytest.mark.parametrize("name", ["est", "score", "prediction"])
def test_predictions_of_other_tools_are_read_by_their_column(irkit, folder, name):
    (folder / "test.csv").write_text("user,item,rating\na,x,4\nb,x,2\n")
    (folder / "other.csv").write_text(f"uid,iid,r_ui,{name}\na,x,4,3\nb,x,2,2\n")
    done = irkit("evaluate", "test.csv", "other.csv", "-m", "MAE", "--json")
    assert json.loads(done.out)["measures"] == {"MAE": 0.5}


def test_predictions_without_names_and_without_a_measure_say_what_to_do(irkit, folder):
    (folder / "test.csv").write_text("user,item,rating\na,x,4\n")
    (folder / "bare.csv").write_text("a,x,4\n")
    done = irkit("evaluate", "test.csv", "bare.csv", "-m", "MAE", status=2)
    assert "bare.csv:1: predictions need a line of names with user, item and prediction or est or score" in done.err
    (folder / "p.csv").write_text("user,item,prediction\na,x,4\n")
    done = irkit("evaluate", "test.csv", "p.csv", status=2)
    assert (
        done.err == 'irkit: p.csv: holds no lists, which have a score; for errors of predictions write -m "RMSE MAE"\n'
    )


def test_the_test_part_of_a_folder_is_meant_and_pairs_that_were_learned_from_are_said(irkit, folder):
    rows = [f"u{u},i{i},{1 + u * i % 5}" for u in range(6) for i in range(8)]
    (folder / "mine").mkdir()
    for name, some in (("train", rows[::2]), ("test", rows[1::2])):
        (folder / "mine" / f"{name}.csv").write_text("\n".join(["user,item,rating", *some]) + "\n")
    done = irkit("recommend", "mine", "--recipe", "bias", "--pairs", "mine/test.csv", "-o", "p.csv")
    assert "bias: 24 of 24 pairs are among the ratings that it learned from: these predictions test nothing" in done.err
    done = irkit("recommend", "mine/train.csv", "--recipe", "bias", "--pairs", "mine/test.csv", "-o", "p.csv")
    assert "learned from" not in done.err
    assert irkit("evaluate", "mine", "p.csv", "-m", "RMSE").out.splitlines()[1].split()[:2] == ["p.csv", "24"]
