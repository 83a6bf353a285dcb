"""Packages of somebody else add stages, models, tasks, measures and readers; what is broken in one harms no other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from irkit.cli import main
from irkit.errors import ConfigError
from irkit.evaluate import read_results
from irkit.evaluate.suite import SystemChoice
from irkit.generative.saved import load_model
from irkit.io import load_rows
from irkit.recipe import load_training
from irkit.registry import MODELS, STAGES, TASKS
from irkit.testing import check_model, check_stage, check_task, toy_rows
from tests.plugins import installed

TINY = Path(__file__).parent / "tiny_plugin"

PROJECT = """
[project]
name = "small-plugin"
version = "1.0"

[project.entry-points."irkit.stages"]
small-broken = "small_plugin.broken:Nothing"
small-missing = "small_plugin.measures:Missing"
small-slip = "small_plugin.slips:Slip"
cut = "small_plugin.measures:Tenth"

[project.entry-points."irkit.models"]
small-odd = "small_plugin.models:Odd"

[project.entry-points."irkit.measures"]
Tenth = "small_plugin.measures:Tenth"
Ninth = "small_plugin.measures:Tenth"

[project.entry-points."irkit.documents"]
small-lines = "small_plugin.readers:documents"
"""

MODEL = """
from irkit.generative import MADE


class Odd(MADE):
    name = "made"
"""

TAIL = "stages: [{use: tiny-tail, k: 2}]\n"

SUITE = """
name: lengths-of-toys
lengths: [toy]
measures: [results]
baseline: one
systems:
  - {name: one, recipe: ./tail.yaml, settings: {k: 1}}
  - {name: two, recipe: ./tail.yaml}
"""

SLIP = """
from irkit.pipeline import Stage


class Slip(Stage):
    name = "small-slip"

    def run(self, flow):
        return flow["score"]
"""

MEASURE = """
import ir_measures

Tenth = ir_measures.define_byquery(lambda qrels, run: len(run) / 10, name="Tenth")
"""

READER = """
from irkit.documents import Document


def documents(path, reading):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield Document(f"d{number}", line, f"{path}:{number}")
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder to work in."""
    (work := tmp_path / "work").mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    return work


@pytest.fixture
def tiny(work):
    """One package that adds a stage, a model and a task, installed, and a folder to work in."""
    with installed(TINY):
        yield work


@pytest.fixture
def plugin(tiny, tmp_path):
    """Another one beside it, with a measure, a reader, and things that are broken."""
    package = tmp_path / "site"
    (package / "small_plugin").mkdir(parents=True)
    (package / "pyproject.toml").write_text(PROJECT)
    modules = {
        "models": MODEL,
        "slips": SLIP,
        "measures": MEASURE,
        "readers": READER,
        "broken": "1 / 0",
        "__init__": "",
    }
    for name, text in modules.items():
        (package / "small_plugin" / f"{name}.py").write_text(text)
    with installed(package):
        yield tiny


def told(capsys, *arguments: str, status: int = 0) -> str:
    assert main([*arguments]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def test_one_package_of_at_most_sixty_lines_is_found_by_what_its_metadata_says(tiny):
    assert len((TINY / "tiny_plugin.py").read_text().splitlines()) <= 60
    assert (STAGES.plugged(), MODELS.plugged(), TASKS.plugged()) == (["tiny-tail"], ["tiny-bits"], ["lengths"])
    assert STAGES["tiny-tail"] == "tiny_plugin:Tail"
    assert "tiny_plugin" not in sys.modules, "nothing is imported until a name is used"
    assert STAGES.load("tiny-tail").run is sys.modules["tiny_plugin"].Tail.run


def test_its_stage_model_and_task_keep_to_the_contracts_in_five_lines(tiny, tmp_path):
    tail, bits, lengths = STAGES.load("tiny-tail"), MODELS.load("tiny-bits"), TASKS.load("lengths")
    check_stage(tail(k=2), others=[tail(k=1)])
    check_model(bits(), toy_rows(), tmp_path / "model")
    (tiny / "tail.yaml").write_text(TAIL)
    check_task(lengths(name="toy"), [SystemChoice(name="tail", recipe="./tail.yaml")])


def test_its_task_stands_on_a_board_with_its_stage_in_the_recipes(tiny, capsys):
    (tiny / "tail.yaml").write_text(TAIL)
    (tiny / "suite.yaml").write_text(SUITE)
    printed = told(capsys, "leaderboard", "suite.yaml", "--json", "board.json")
    (board,) = read_results(tiny / "board.json").boards
    # The toys have 3, 2, 0 and 1 results a query.
    assert {row.name: [*row.values["results"].values()] for row in board.rows} == {
        "two": [2.0, 2.0, 0.0, 1.0],
        "one": [1.0, 1.0, 0.0, 1.0],
    }
    assert [(row.name, row.cells["results"].mean) for row in board.rows] == [("one", 0.75), ("two", 1.25)]
    assert printed.startswith("toy (4 queries, data 0)")
    assert "one (baseline)" in printed


def test_its_model_is_trained_from_the_command_line_and_opened_by_its_name(tiny, capsys):
    recipe = "model: tiny-bits\ndata: digits\ntrainer: {epochs: 1, batch_size: 400}\n"
    (tiny / "bits.yaml").write_text(recipe)
    assert "log p" in told(capsys, "train", "bits.yaml", "--run", "run")
    opened, again = load_model(tiny / "run" / "model.safetensors"), load_training(tiny / "bits.yaml").fit()
    assert type(opened) is type(again) is MODELS.load("tiny-bits")
    rows = load_rows("digits").test
    assert opened.log_prob(rows).value.tolist() == again.log_prob(rows).value.tolist()
    again.save(tiny / "model")
    assert load_model(tiny / "model").log_prob(rows).value.tolist() == again.log_prob(rows).value.tolist()


def test_a_stage_and_a_reader_are_used_by_name_from_the_command_line(plugin, capsys):
    (plugin / "texts").write_text("storm\nstorm damage\nstorm damage here\n")
    (plugin / "q.tsv").write_text("q1\tstorm\n")
    (plugin / "tail.yaml").write_text("needs: [index]\nstages: [{use: lucene, n: 9}, {use: tiny-tail, k: 2}]\n")
    (plugin / "judged").write_text("q1 0 d1 1\n")
    told(capsys, "index", "texts", "--format", "small-lines", "--to", "here")
    told(capsys, "run", "tail.yaml", "here", "--queries", "q.tsv", "-o", "a.run")
    assert [line.split()[2] for line in (plugin / "a.run").read_text().splitlines()] == ["d3", "d2"]
    told(capsys, "run", "tail.yaml", "here", "--queries", "q.tsv", "-o", "a.run", "--set", "k=1")
    assert told(capsys, "evaluate", "judged", "a.run", "-m", "Tenth RR").splitlines()[1].split()[-2:] == [
        "0.1000",
        "0.0000",
    ]
    assert "(small_plugin.measures:Tenth) names itself 'Tenth'; use one name in both places" in told(
        capsys, "evaluate", "judged", "a.run", "-m", "Ninth Tenth", status=2
    )


def test_what_a_plugin_raises_is_not_said_to_be_a_defect_of_irkit(plugin, capsys):
    (plugin / "texts").write_text("storm\n")
    (plugin / "q.tsv").write_text("q1\tstorm\n")
    (plugin / "slip.yaml").write_text("needs: [index]\nstages: [{use: lucene}, {use: small-slip}]\n")
    told(capsys, "index", "texts", "--format", "small-lines", "--to", "here")
    line = SLIP[: SLIP.index('return flow["score"]')].count("\n") + 1
    assert told(capsys, "run", "slip.yaml", "here", "--queries", "q.tsv", status=1) == (
        f"irkit: a defect in the plug-in small_plugin.slips (line {line}), not in your input: "
        "TypeError: 'Hits' object is not subscriptable; --debug shows the trace\n"
    )


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("small-broken", "cannot be loaded, ZeroDivisionError: division by zero; repair or uninstall it"),
        (
            "small-missing",
            "cannot be loaded, AttributeError: module 'small_plugin.measures' has no attribute 'Missing'",
        ),
    ],
)
def test_what_is_broken_is_one_line_that_names_the_plugin(plugin, capsys, name, reason):
    (plugin / "x.yaml").write_text(f"stages: [{{use: {name}}}]\n")
    message = told(capsys, "pipelines", "show", "./x.yaml", status=2)
    assert message.count("\n") == 1
    assert f"x.yaml:1: stage '{name}': the plug-in small-plugin (small_plugin." in message
    assert reason in message


def test_what_is_broken_takes_nothing_else_down(plugin, capsys):
    assert "bm25" in told(capsys, "pipelines", "list")
    assert STAGES.load("scale").name == "scale"
    assert {"tiny-tail", "small-broken"} <= set(STAGES)
    with pytest.raises(
        ConfigError, match=r"stage 'cut': claimed by irkit .* and small-plugin \(small_plugin\.measures:T"
    ):
        STAGES.load("cut")
    with pytest.raises(
        ConfigError, match=r"model 'small-odd': the plug-in .* names itself 'made'; use one name in both"
    ):
        MODELS.load("small-odd")
    assert MODELS.load("made").__module__ == "irkit.generative.made"


def test_the_doctor_tells_each_plugin_and_which_of_them_are_broken(plugin, capsys):
    main(["doctor"])
    lines = [line.split(None, 2) for line in capsys.readouterr().out.splitlines() if line.split()[1] == "plug-in"]
    found = {text.split("'")[1]: state for state, _, text in lines}
    broken = {"cut", "small-broken", "small-missing", "small-odd", "Ninth"}
    assert found == {name: "problem" if name in broken else "ok" for name in found}
    assert set(found) == broken | {"tiny-tail", "small-slip", "tiny-bits", "lengths", "Tenth", "small-lines"}


def test_without_it_its_names_are_gone():
    assert "tiny-tail" not in STAGES
    assert "tiny-bits" not in MODELS
    assert "lengths" not in TASKS
    assert STAGES.load("cut").__module__ == "irkit.pipeline.chain"
