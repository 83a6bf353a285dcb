"""Data sets made by code, under names of plug-ins."""

from __future__ import annotations

import re

import numpy as np
import pytest

from irkit.cli import main
from irkit.errors import ConfigError, NotFoundError
from irkit.io import load_collection, load_data, load_rows
from irkit.io.kinds import DataSet, Pictures, Ragged, Sequences, Sets
from irkit.io.library.catalogue import broken_data, collections, load_any
from tests.plugins import installed

BROKEN = ["misnamed", "nothing", "fails", "digits"]


def steps() -> DataSet:
    """Steps that say how many they are.

    Three, two and one.
    """
    parts = (Sequences(Ragged.of([np.full((n, 2), n, dtype=np.float32)])) for n in (3, 2, 1))
    return DataSet("steps", *parts)


def misnamed() -> DataSet:
    return DataSet("other", *(steps().part(name) for name in ("train", "valid", "test")))


def nothing() -> None:
    return None


def fails() -> DataSet:
    raise ValueError("no such\nfile")


def bunches() -> DataSet:
    """Bunches of points."""
    parts = (Sets(Ragged.of([np.ones((n, 3)) for _ in range(n)])) for n in (4, 2, 1))
    return DataSet("bunches", *parts)


def grey() -> DataSet:
    return DataSet("grey", *(Pictures(np.zeros((n, 1, 2, 5))) for n in (3, 0, 2)))


@pytest.fixture
def plugged(tmp_path):
    names = {"digits": "steps"} | {name: name for name in ("steps", "bunches", "grey", *BROKEN[:-1])}
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
        "about:    Steps that say how many they are.",
        f"state:    made by {__name__}:steps",
        "holds:    1 training, 1 validation and 1 test sequences of 2 values a step, 6 steps in all",
    ]


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_set_of_its_name_or_takes_that_of_a_card_is_refused_in_one_line(plugged, name):
    with pytest.raises(ConfigError, match=name) as told:
        load_data(name)
    assert "\n" not in str(told.value)
    assert ";" in str(told.value)


def test_what_fails_inside_the_plug_in_is_said_to_be_the_plug_ins(plugged):
    message = f"fails: {__name__}:fails cannot make it, ValueError: no such file; repair or uninstall it"
    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        load_data("fails")


def test_sets_made_by_code_are_listed_as_those_of_cards_are(plugged):
    listed = collections()
    assert listed["steps"] == (
        *("sequences", "Steps that say how many they are.", "made"),
        *({"train": 1, "valid": 1, "test": 1, "steps": 6}, (), (2,)),
    )
    assert listed["bunches"] == ("sets", "Bunches of points.", "made", {"train": 4, "valid": 2, "test": 1}, (), (3,))
    assert listed["grey"] == ("pictures", "", "made", {"train": 3, "valid": 0, "test": 2}, (), (2, 5))
    assert listed["digits"].state == "here", "the card, whatever a plug-in calls so"
    assert not {"misnamed", "nothing", "fails"} & listed.keys()
    assert {*collections("sequences")} == {name for name, one in listed.items() if one.kind == "sequences"}
    assert "bunches" in collections("sets")
    assert "steps" not in collections("texts") | collections("ratings") | collections("rows")


def test_a_set_of_a_collection_that_is_not_here_says_how_to_get_it_and_is_not_broken(monkeypatch, tmp_path):
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path))
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path))
    with pytest.raises(NotFoundError, match="omniglot: the collection is not on this machine; run 'irkit data get omn"):
        load_data("omniglot-sets")
    assert "omniglot-sets" not in collections("sets") | broken_data()


def test_sets_that_cannot_be_made_are_told_with_the_cards_that_cannot_be_read(plugged):
    broken = broken_data()
    assert [*broken] == sorted(BROKEN)
    assert broken["misnamed"].endswith("misnamed must return a DataSet of that name, got other; correct it")


def test_there_is_a_kind_only_while_something_is_of_it():
    with pytest.raises(NotFoundError, match="data: there is no kind 'features'; "):
        collections("features")


@pytest.mark.parametrize("load", [load_any, load_rows, load_collection])
def test_a_door_for_files_says_that_there_are_none(plugged, load):
    with pytest.raises(
        NotFoundError, match=r"^steps: is made by code and has no files \(.*:steps\); use load_data, or"
    ):
        load("steps")


def test_without_the_plug_in_there_is_no_such_set():
    with pytest.raises(NotFoundError, match="steps"):
        load_data("steps")
