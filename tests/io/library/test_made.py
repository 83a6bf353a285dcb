"""Data sets made by code, under names of plug-ins."""

from __future__ import annotations

import numpy as np
import pytest

from irkit.cli import main
from irkit.errors import ConfigError, NotFoundError
from irkit.io import load_data
from irkit.io.kinds import DataSet, Ragged, Sequences
from tests.plugins import installed


def steps() -> DataSet:
    parts = (Sequences(Ragged.of([np.full((n, 2), n, dtype=np.float32)])) for n in (3, 2, 1))
    return DataSet("steps", *parts)


def misnamed() -> DataSet:
    return DataSet("other", *(steps().part(name) for name in ("train", "valid", "test")))


def nothing() -> None:
    return None


@pytest.fixture
def plugged(tmp_path):
    names = {"steps": "steps", "misnamed": "misnamed", "nothing": "nothing", "digits": "steps"}
    lines = "\n".join(f'{name} = "{__name__}:{made}"' for name, made in names.items())
    project = f'[project]\nname = "made"\nversion = "1.0"\n[project.entry-points."irkit.sets"]\n{lines}\n'
    (tmp_path / "pyproject.toml").write_text(project)
    with installed(tmp_path):
        yield


def test_a_set_made_by_code_is_found_by_its_name(plugged):
    data = load_data("steps")
    assert (data.name, str(data.spec)) == ("steps", "sequences of shape (2,)")
    assert data.test.x[0].tolist() == [[1.0, 1.0]]


def test_it_is_shown_like_a_set_with_a_card(plugged, capsys):
    assert main(["data", "show", "steps"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "name:     steps",
        "kind:     sequences",
        f"state:    made by {__name__}:steps",
        "holds:    1 training, 1 validation and 1 test sequences of 2 values a step",
    ]


@pytest.mark.parametrize("name", ["misnamed", "nothing", "digits"])
def test_what_is_no_set_of_its_name_or_takes_that_of_a_card_is_refused_in_one_line(plugged, name):
    with pytest.raises(ConfigError, match=name) as told:
        load_data(name)
    assert "\n" not in str(told.value)
    assert ";" in str(told.value)


def test_without_the_plug_in_there_is_no_such_set():
    with pytest.raises(NotFoundError, match="steps"):
        load_data("steps")
