"""A package of somebody else adds a stage, a model, a measure and a reader; what is broken in it harms nothing else."""

from __future__ import annotations

import pytest

from irkit.cli import main
from irkit.errors import ConfigError
from irkit.generative.saved import load_model
from irkit.recipe import load_training
from irkit.registry import MODELS, STAGES
from irkit.testing import check_stage
from tests.plugins import installed

PROJECT = """
[project]
name = "small-plugin"
version = "1.0"

[project.entry-points."irkit.stages"]
small-tail = "small_plugin.stages:Tail"
small-broken = "small_plugin.broken:Nothing"
small-missing = "small_plugin.stages:Missing"
cut = "small_plugin.stages:Tail"

[project.entry-points."irkit.models"]
small-made = "small_plugin.models:Small"
small-odd = "small_plugin.models:Odd"

[project.entry-points."irkit.measures"]
Tenth = "small_plugin.measures:Tenth"
Ninth = "small_plugin.measures:Tenth"

[project.entry-points."irkit.documents"]
small-lines = "small_plugin.readers:documents"
"""

STAGE = """
from irkit.config import Config
from irkit.pipeline import Stage


class TailConfig(Config):
    k: int = 1


class Tail(Stage):
    name = "small-tail"
    config_type = TailConfig

    def run(self, flow):
        return flow.rescored(-flow.score).cut(self.config.k)
"""

MODEL = """
from irkit.generative import MADE


class Small(MADE):
    name = "small-made"


class Odd(MADE):
    name = "made"
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
def plugin(tmp_path, monkeypatch):
    """The package, installed, and a folder to work in."""
    package = tmp_path / "site"
    (package / "small_plugin").mkdir(parents=True)
    (package / "pyproject.toml").write_text(PROJECT)
    for name, text in {
        "stages": STAGE,
        "models": MODEL,
        "measures": MEASURE,
        "readers": READER,
        "broken": "1 / 0",
    }.items():
        (package / "small_plugin" / f"{name}.py").write_text(text)
    (package / "small_plugin" / "__init__.py").write_text("")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    with installed(package):
        yield work


def told(capsys, *arguments: str, status: int = 0) -> str:
    assert main([*arguments]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def test_a_stage_and_a_reader_are_used_by_name_from_the_command_line(plugin, capsys):
    (plugin / "texts").write_text("storm\nstorm damage\nstorm damage here\n")
    (plugin / "q.tsv").write_text("q1\tstorm\n")
    (plugin / "tail.yaml").write_text("needs: [index]\nstages: [{use: lucene, n: 9}, {use: small-tail, k: 2}]\n")
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


def test_a_stage_keeps_to_the_contract_in_five_lines(plugin):
    kind = STAGES.load("small-tail")
    check_stage(kind(k=2), others=[kind(k=1)])


def test_a_model_is_trained_by_name_and_opened_again(plugin):
    recipe = "model: small-made\nconfig: {hidden_sizes: [4]}\ndata: digits\ntrainer: {epochs: 1, batch_size: 400}\n"
    (plugin / "small.yaml").write_text(recipe)
    fitted = load_training(plugin / "small.yaml").fit()
    fitted.save(plugin / "model")
    assert type(fitted) is type(load_model(plugin / "model")) is MODELS.load("small-made")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("small-broken", "cannot be loaded, ZeroDivisionError: division by zero; repair or uninstall it"),
        ("small-missing", "cannot be loaded, AttributeError: module 'small_plugin.stages' has no attribute 'Missing'"),
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
    assert {"small-tail", "small-broken"} <= set(STAGES)
    with pytest.raises(
        ConfigError, match=r"stage 'cut': claimed by irkit .* and small-plugin \(small_plugin\.stages:T"
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
    assert set(found) == broken | {"small-tail", "small-made", "Tenth", "small-lines"}


def test_without_it_its_names_are_gone():
    assert "small-tail" not in STAGES
    assert STAGES.load("cut").__module__ == "irkit.pipeline.chain"
