"""Tests of irkit.signature: every class with a config shows its settings."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from typing import Literal

import pytest
from pydantic import Field

from irkit.config import Config, Sizes
from irkit.expand import RM3
from irkit.learn.model import Model
from irkit.pipeline import Cut, Drop, Learned, LoadText, Retrieve, Stage, apply
from irkit.rank.dense import Dense, DenseConfig
from irkit.registry import MODELS, STAGES
from irkit.represent.lstm_classifier import LSTMClassifier, LSTMClassifierConfig
from irkit.signature import plain

KINDS = {f"{table.what} {name}": table.load(name) for table in (STAGES, MODELS) for name in table.shipped}


class SomeConfig(Config):
    units: Sizes = (3, 2)
    "Units of each layer."
    rate: float = Field(0.5, gt=0, le=1)
    "Rate."
    least: float | Literal["auto"] | None = Field(None, ge=0)
    "Least."
    k: int = Field(ge=1)
    "No default."


class Some(Stage):
    """Do something.

    And more.

    Parameters
    ----------
    parts : two pipelines
        In their order,
        which counts.
    config : SomeConfig

    Examples
    --------
    >>> 1 + 1
    2
    """

    name = "some"
    needs = ("index",)
    config_type = SomeConfig

    def __init__(self, parts, config=None, *, index, keep: int = 3, **settings):
        super().__init__(config, **settings)
        self.index, self.parts, self.keep = index, parts, keep


def words(text: str) -> str:
    return " ".join(text.replace("|", " ").split())


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_signature_is_the_config_field_by_field(name):
    kind = KINDS[name]
    shown = dict(inspect.signature(kind).parameters)
    assert not any(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in shown.values())
    assert list(shown)[: len(kind.needs) if issubclass(kind, Stage) else 0] == list(getattr(kind, "needs", ()))
    fields = kind.config_type.model_fields
    for setting, field in fields.items():
        one = shown.pop(setting)
        assert one.kind is one.KEYWORD_ONLY
        assert one.annotation == plain(field.annotation)
        expected = inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True)
        assert one.default == expected
    assert ("config" in shown) == bool(fields)
    assert set(shown) <= {"config", "parts", "estimator", "given", *getattr(kind, "needs", ())}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_help_says_each_setting_with_its_text(name):
    kind = KINDS[name]
    shown = words(pydoc.render_doc(kind, renderer=pydoc.plaintext))
    written = vars(kind).get("__doc__")
    assert written
    assert words(inspect.getdoc(kind)).startswith(words(inspect.cleandoc(written).partition("\n")[0]))
    for setting, field in kind.config_type.model_fields.items():
        assert field.description, f"{setting} has no text"
        assert f" {setting} : " in shown
        assert words(field.description) in shown


def test_help_of_rm3_reads_as_if_written_by_hand():
    assert inspect.getdoc(RM3) == (
        "Expand a query with the relevance model of its top documents.\n"
        "\n"
        "Parameters\n"
        "----------\n"
        "index : Index or path\n"
        "    Lucene index, or the folder of one, which the stage then opens for itself; what it opened is\n"
        "    closed when nothing uses it any more. Where several stages search one index, open it once and\n"
        "    give it to each.\n"
        "fb_docs : int >= 1, default 10\n"
        "    Feedback documents.\n"
        "fb_terms : int >= 1, default 30\n"
        "    Expansion terms kept.\n"
        "keep : float in [0, 1], default 0.5\n"
        "    Weight of the original query; 1 leaves the query unchanged.\n"
        "mu : float or {'auto'}, default 'auto'\n"
        "    Dirichlet prior mass for p(Q | D), in tokens; `auto` takes three times the mean document length.\n"
        "compatible : {'anserini'}, optional\n"
        "    Copy another toolkit's RM3 instead of the papers'.\n"
        "config : RM3Config, optional\n"
        "    All settings at once, instead of by name."
    )


def test_what_a_class_says_itself_of_a_parameter_stays():
    assert inspect.getdoc(Some) == (
        "Do something.\n"
        "\n"
        "And more.\n"
        "\n"
        "Parameters\n"
        "----------\n"
        "parts : two pipelines\n"
        "    In their order,\n"
        "    which counts.\n"
        "index : Index or path\n"
        "    Lucene index, or the folder of one, which the stage then opens for itself; what it opened is\n"
        "    closed when nothing uses it any more. Where several stages search one index, open it once and\n"
        "    give it to each.\n"
        "keep : int, optional\n"
        "units : tuple[int, ...], default (3, 2)\n"
        "    Units of each layer.\n"
        "rate : float in (0, 1], default 0.5\n"
        "    Rate.\n"
        "least : float or {'auto'}, >= 0, optional\n"
        "    Least.\n"
        "k : int >= 1\n"
        "    No default.\n"
        "config : SomeConfig, optional\n"
        "    All settings at once, instead of by name.\n"
        "\n"
        "Examples\n"
        "--------\n"
        ">>> 1 + 1\n"
        "2"
    )
    assert list(inspect.signature(Some).parameters) == [
        "parts",
        "index",
        "keep",
        "units",
        "rate",
        "least",
        "k",
        "config",
    ]


def test_classes_without_settings_show_what_they_take():
    assert list(inspect.signature(LoadText).parameters) == ["index"]
    assert str(inspect.signature(Stage)) == "()"
    assert "pairs : frame with `qid` and `docno`\n    Other columns" in inspect.getdoc(Drop)
    assert next(iter(inspect.signature(Learned).parameters)) == "estimator"
    assert inspect.signature(apply.Apply).parameters["config"].default is inspect.Parameter.empty


def test_a_class_without_a_docstring_shows_its_parameters_and_one_with_nothing_has_none():
    class Bare(Stage):
        name, config_type = "bare", SomeConfig

    class Nothing(Stage):
        name = "nothing"

    assert Bare.__doc__.startswith("Parameters\n----------\nunits : ")
    assert Nothing.__doc__ is None
    Nothing.__doc__ = "Do nothing."  # as cloudpickle does
    assert Nothing.__doc__ == "Do nothing."


def test_instances_and_bases_are_as_they_were():
    with pytest.raises(AttributeError):
        _ = Cut(k=1).__signature__
    assert list(inspect.signature(Cut(k=1)).parameters) == ["frame"]
    assert "k : int" in Cut.__doc__
    assert "model : " not in Model.__doc__


def test_a_class_of_ones_own_travels_to_workers():
    code = (
        "import cloudpickle, inspect, subprocess, sys\n"
        "from irkit.config import Config\n"
        "from irkit.pipeline import Stage\n"
        "class OwnConfig(Config):\n"
        "    k: int = 3\n"
        "class Own(Stage):\n"
        "    'Do it.'\n"
        "    name, config_type = 'own', OwnConfig\n"
        "load = 'import sys, pickle; one = pickle.load(sys.stdin.buffer); print(one.config.k, type(one).__doc__)'\n"
        "sys.exit(subprocess.run([sys.executable, '-c', load], input=cloudpickle.dumps(Own(k=5))).returncode)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 Do it.")


def test_retrieve_shows_its_settings_to_completion():
    assert {"k1", "b", "mu", "n"} <= set(inspect.signature(Retrieve).parameters)


@pytest.mark.parametrize(
    ("function", "before", "config_type"),
    [(Dense.load, ["path", "encoder"], DenseConfig), (LSTMClassifier.from_pretrained, ["model"], LSTMClassifierConfig)],
)
def test_other_ways_to_make_one_show_the_settings_too(function, before, config_type):
    shown = inspect.signature(function).parameters
    assert list(shown) == [*before, *config_type.model_fields]
    assert all(shown[name].default is ... for name in config_type.model_fields)


def test_no_stage_or_model_is_made_with_unnamed_settings():
    for name, kind in KINDS.items():
        for method, found in inspect.getmembers(kind, inspect.ismethod):
            parameters = inspect.signature(found).parameters
            assert not any(one.kind is one.VAR_KEYWORD and one.name == "settings" for one in parameters.values()), (
                f"{name}: {method}"
            )
