"""Models judged by what they draw: boards, controls, untrained nets, and other data of the same test part."""

import json

import numpy as np
import pytest

from irkit.cli.reproduce import reproduce
from irkit.cli.train import summary
from irkit.errors import ConfigError, IrkitError
from irkit.evaluate import load_suite, run_suite, write_results
from irkit.recipe import load_training
from irkit.recipe.runfolder import train_run
from irkit.report import html, table

RECIPE = """name: {name}
model: vae
config: {{hidden_size: 8, observed: reals}}
data: {data}
binarise: none
judge: modes
trainer: {{steps: 30, epochs: null, batch_size: 50, every: 30}}
"""


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "toy.yaml").write_text(RECIPE.format(name="toy", data="ring"))
    path = tmp_path / "suite.yaml"
    path.write_text(
        "name: toys\njudged: [{name: ring, judge: modes}]\nbaseline: untrained\nsystems:\n"
        f"  - {{name: toy, recipe: {tmp_path}/toy.yaml}}\n"
        f"  - {{name: untrained, recipe: {tmp_path}/toy.yaml, settings: {{untrained: true}}}}\n"
    )
    return path


def test_a_board_with_its_control_and_an_untrained_net(suite, tmp_path):
    result = run_suite(suite)
    (board,) = result.boards
    assert [row.name for row in board.rows] == ["real data", "toy", "untrained"]
    real, toy, untrained = board.rows
    assert real.cells["modes"].mean == 8
    assert real.cells["share"].mean > 0.98 > 0.5 > toy.cells["share"].mean
    assert len(toy.values["share"]) == 5
    assert untrained.cells["share"].mean != toy.cells["share"].mean
    assert [str(size) for size in board.sizes] == ["50,000 training rows", "5 batches"]
    assert "a mode counts if 1% of 10,000 samples" in board.notes[0]
    assert board.title == "ring:modes"
    text = table(result)
    assert "real data" in text
    assert "real data" in html(result)
    kept = run_suite(suite, runs=tmp_path / "runs")
    assert kept.boards[0].rows[1].cells == toy.cells
    assert kept.boards[0].rows[2].cells == untrained.cells


def test_of_parts_on_one_set_under_other_conditions_the_board_that_is_named_is_run(suite, tmp_path):
    other = tmp_path / "other.yaml"
    text = suite.read_text().replace("judged: [{name: ring, judge: modes}]", "data: [ring]").replace("toys", "other")
    other.write_text(text.replace("baseline: untrained", "measures: [elbo]"))
    whole = tmp_path / "whole.yaml"
    whole.write_text(f"name: whole\nparts: [{suite}, {other}]\n")
    (board,) = run_suite(whole, only=["ring:modes"], systems=["untrained"]).boards
    assert (board.title, [row.name for row in board.rows]) == ("ring:modes", ["real data", "untrained"])
    with pytest.raises(ConfigError, match="suite whole: there is no board 'ring:moods' in it; did you mean ring:modes"):
        run_suite(whole, only=["ring:moods"])


def test_a_run_folder_states_what_its_judge_says(suite, tmp_path):
    recipe = load_training(tmp_path / "toy.yaml")
    run = train_run(recipe, tmp_path / "run")
    written = json.loads((tmp_path / "run" / "RESULT.json").read_text())["measures"]
    board = run_suite(suite).boards[0]
    assert list(written)[:2] == ["share", "modes"]
    assert written["share"]["value"] == pytest.approx(board.rows[1].cells["share"].mean, abs=1e-6)
    assert np.isfinite(run.result["measures"]["log p"]["value"])
    assert (written["share"]["of"], "of" in written["log p"]) == ("5 batches", False)
    assert "on 5 batches; " in summary(tmp_path / "run", run.result)
    single = np.array(list(board.rows[1].values["share"].values()))
    assert (written["share"]["kind"], "interval" in written["share"]) == ("estimate", False)
    assert written["share"]["stderr"] == pytest.approx(single.std(ddof=1) / np.sqrt(5), abs=1e-6)


def test_what_cannot_be_judged_says_so(suite, tmp_path):
    with pytest.raises(IrkitError, match="there is no judge 'moods'; did you mean modes"):
        load_training(tmp_path / "toy.yaml").with_settings({"judge": "moods"})
    with pytest.raises(ConfigError, match="toy is to stay untrained; that is a control of suites"):
        train_run(load_training(tmp_path / "toy.yaml").with_settings({"untrained": True}), tmp_path / "run")
    path = tmp_path / "other.yaml"
    path.write_text(suite.read_text().replace("name: toys", "name: toys\nmeasures: [likeness]"))
    with pytest.raises(ConfigError, match="modes does not measure 'likeness'"):
        run_suite(path)
    path.write_text(suite.read_text().replace("judge: modes", "judge: moods"))
    with pytest.raises(IrkitError, match=r"other\.yaml:\d+: .*there is no judge 'moods'; did you mean modes"):
        load_suite(path)
    path.write_text(suite.read_text().replace("name: ring", "name: digits"))
    with pytest.raises(ConfigError, match="the modes of digits are not known"):
        run_suite(path)


def test_a_system_that_is_called_as_a_control_is_refused(suite):
    suite.write_text(suite.read_text().replace("name: toy,", "name: real data,"))
    with pytest.raises(ConfigError, match="suite toys: a system is called 'real data', as is a row that stands on"):
        run_suite(suite)


def test_an_untrained_net_is_not_taken_up_from_a_folder_of_its_name(suite, tmp_path):
    (tmp_path / "runs" / "untrained").mkdir(parents=True)
    (tmp_path / "runs" / "untrained" / "checkpoint.safetensors").write_bytes(b"of another training")
    row = run_suite(suite, runs=tmp_path / "runs").boards[0].rows[2]
    assert not row.failed
    assert not any("taken up" in note for note in row.notes)


def test_a_kept_control_is_run_again(suite, tmp_path, capsys):
    result = run_suite(suite, systems=["real data", "untrained"])
    assert [row.name for row in result.boards[0].rows] == ["real data", "untrained"]
    write_results(result, tmp_path / "kept.json")
    assert reproduce(str(tmp_path / "kept.json"), "real data") == 0
    assert capsys.readouterr().out.startswith("OK ")
    with pytest.raises(
        ConfigError, match=r"suite toys: there is no system 'unreal data' in it; did you mean real data"
    ):
        run_suite(suite, systems=["unreal data"])
