"""Trials of all that a run writes: a disk that is full, read-only or forbidden costs one line and nothing else."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from irkit.errors import DataError
from irkit.learn.metrics import read_metrics
from irkit.recipe.runfolder import open_model, train_run
from irkit.recipe.training import TrainingRecipe

TROUBLE = {"full": errno.ENOSPC, "read-only": errno.EROFS, "forbidden": errno.EACCES}
WRITTEN = (
    *("config.yaml", "metrics.jsonl", "checkpoint.safetensors", "model.safetensors", "RESULT.json"),
    *("learning-curve.svg", "learning-curve.csv", "samples.png", "samples.csv"),
)


def recipe(epochs: int = 2) -> TrainingRecipe:
    trainer = {"epochs": epochs, "batch_size": 500, "optimiser": {"learning_rate": 0.01}}
    return TrainingRecipe(name="tiny", model="nade", config={"hidden_size": 2}, data="digits", trainer=trainer)


def numbers(folder) -> tuple:
    """What a run says of itself, without times."""
    result = json.loads((folder / "RESULT.json").read_text())
    rows = [(row["step"], row["metric"], row["value"]) for row in read_metrics(folder / "metrics.jsonl")]
    return {key: result[key] for key in ("measures", "epochs", "budget", "recipe_hash", "valid")}, rows


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuse(monkeypatch, name: str, number: int, *, appended: bool = False) -> None:
    """Let the system refuse to write one file: as it is put in its place, or as lines are appended to it."""
    replaced, opened = os.replace, Path.open

    def replace(fresh, target):
        if Path(target).name == name and not appended:
            raise OSError(number, os.strerror(number), str(target))
        return replaced(fresh, target)

    def open_file(path, mode="r", *rest, **options):
        if path.name == name and appended and mode == "ab":
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, mode, *rest, **options)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(Path, "open", open_file)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What undisturbed runs of two and of three epochs say of themselves."""
    folder = tmp_path_factory.mktemp("runs")
    return {epochs: numbers(train_run(recipe(epochs), folder / str(epochs)).folder) for epochs in (2, 3)}


@pytest.mark.parametrize(
    ("name", "trouble", "appended"),
    [
        *((name, "full", False) for name in WRITTEN),
        *((name, trouble, False) for trouble in ("read-only", "forbidden") for name in WRITTEN[1:4:2]),
        ("metrics.jsonl", "full", True),
    ],
)
def test_a_run_that_cannot_write_goes_on_when_it_can(done, tmp_path, monkeypatch, name, trouble, appended):
    place = tmp_path / "run"
    with monkeypatch.context() as broken:
        refuse(broken, name, TROUBLE[trouble], appended=appended)
        with pytest.raises(DataError, match=f"{name}: cannot write: .*; check free space and permissions$") as caught:
            train_run(recipe(), place)
    assert "\n" not in str(caught.value)
    left = files(place)
    assert not [path for path in left if path.endswith(".tmp")]
    assert name not in left or appended or name == "metrics.jsonl"
    begun = {"config.yaml", "checkpoint.safetensors"} & set(left)
    train_run(recipe(), place, resume=bool(begun))
    assert numbers(place) == done[2]


@pytest.mark.parametrize("name", WRITTEN[:5])
def test_a_run_that_goes_on_and_cannot_write_keeps_what_it_had(done, tmp_path, monkeypatch, name):
    train_run(recipe(), tmp_path)
    before = files(tmp_path)
    with monkeypatch.context() as broken:
        refuse(broken, name, errno.ENOSPC)
        with pytest.raises(DataError, match=f"{name}: cannot write: No space left on device"):
            train_run(recipe(3), tmp_path, resume=True)
    after = files(tmp_path)
    assert after.keys() == before.keys()
    assert after[name] == before[name]
    assert after["RESULT.json"] == before["RESULT.json"]
    if name != "RESULT.json":  # its result is still that of its model
        assert after["model.safetensors"] == before["model.safetensors"]
    assert open_model(tmp_path).recipe is not None
    train_run(recipe(3), tmp_path, resume=True)
    assert numbers(tmp_path) == done[3]


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_a_place_where_nothing_can_be_made_is_refused_in_one_line(tmp_path, monkeypatch, trouble, call):
    number = TROUBLE[trouble]

    def refuse(*given, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(*((Path, "mkdir") if call == "mkdir" else (os, "open")), refuse)
    with pytest.raises(DataError, match=f"train: cannot write in .*run: {os.strerror(number)}; choose another folder$"):
        train_run(recipe(), tmp_path / "run")
    monkeypatch.undo()
    assert files(tmp_path) == {}
