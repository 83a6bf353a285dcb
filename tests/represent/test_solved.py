"""Tests of irkit.represent.solved: what is solved is a model in files, folders and recipes as what is trained."""

import json
from dataclasses import replace

import numpy as np
import pytest

from irkit.cli.runpage import facts
from irkit.cli.train import summary
from irkit.errors import ConfigError, DataError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import TrainerConfig, checkpoint
from irkit.learn.neighbours import label_values
from irkit.recipe import load_training
from irkit.recipe.runfolder import open_model, train_run
from irkit.represent import LSA
from irkit.represent.solved import SolverConfig, count_matrix, frequencies
from irkit.testing import check_model

WORDS = tuple("abcdefghi")


def documents(n=12, seed=0, words=WORDS):
    rng = np.random.default_rng(seed)
    return Tokens(Ragged.of([rng.integers(9, size=rng.integers(1, 8)) for _ in range(n)]), 9, words=words)


PARTS = (documents(), documents(4, 1), documents(5, 2))
DATA = DataSet("toy", *PARTS)


def test_counts_are_those_of_documents_and_a_term_of_none_has_the_largest_weight():
    counts = count_matrix(Tokens(Ragged.of([[2, 0, 2], [], [1]]), 4))
    np.testing.assert_array_equal(counts.toarray(), [[1, 0, 2, 0], [0, 0, 0, 0], [0, 1, 0, 0]])
    np.testing.assert_allclose(frequencies(counts), np.log([3, 3, 3, 3]))


def test_it_keeps_to_the_contract_of_models(tmp_path):
    fitted = check_model(LSA(dimensions=3), DATA, tmp_path, trainer=SolverConfig(threads=1))
    assert (fitted.training.stopped, fitted.training.steps) == ("solved", 1)
    assert LSA.load(tmp_path / "saved").words == WORDS
    assert LSA.load(tmp_path / "saved").fingerprint == fitted.fingerprint
    best, worst = fitted.topics(2)[0]
    axis = fitted.net.array("axes")[:, 0]
    assert best == [WORDS[at] for at in np.argsort(-axis)[:2]]
    assert worst == [WORDS[at] for at in np.argsort(axis)[:2]]


@pytest.mark.parametrize(
    ("setting", "value"), [("epochs", 4), ("steps", 3), ("batch_size", 9), ("patience", 1), ("device", "cuda")]
)
def test_settings_of_steps_have_no_meaning(setting, value):
    message = f"solver: {setting} has no meaning for a model that is solved and not trained, on the CPU; leave it out"
    with pytest.raises(ConfigError, match=message):
        SolverConfig(**{setting: value})
    if setting not in ("steps", "device"):
        with pytest.raises(ConfigError, match=message):
            LSA(dimensions=3).fit(DATA, trainer=TrainerConfig(**{setting: value}))
    with pytest.raises(ConfigError, match=f"recipe 'lsa': {message}"):
        load_training("lsa").with_settings({f"trainer.{setting}": value})


def test_a_run_that_was_solved_is_taken_up_and_another_is_refused(tmp_path):
    model = LSA(dimensions=3)
    fitted = model.fit(DATA, folder=tmp_path)
    place = tmp_path / "checkpoint.safetensors"
    tree = checkpoint.load(place, "run")
    tree["seconds"] = {"wall": 1234.0, "cpu": 1.0}
    checkpoint.save(place, "run", tree)
    again = model.fit(DATA, folder=tmp_path, resume=True)
    assert again.training.wall == 1234, "it is not solved again"
    assert again.fingerprint == fitted.fingerprint
    other = DataSet("other", documents(seed=5), DATA.valid, DATA.test)
    for wrong, data, trainer in (
        (LSA(dimensions=2), DATA, None),
        (model, other, None),
        (model, DATA, SolverConfig(seed=2)),
    ):
        with pytest.raises(ConfigError, match="belongs to another run; resume with what it was"):
            wrong.fit(data, folder=tmp_path, resume=True, trainer=trainer)
    tree["net"] = {}
    checkpoint.save(place, "run", tree)
    with pytest.raises(DataError, match="does not fit this version's model"):
        model.fit(DATA, folder=tmp_path, resume=True)


def test_a_recipe_is_run_into_a_folder_and_gone_on_with(tmp_path, monkeypatch):
    parts = (replace(part, labels=np.arange(len(part)) % 2 - (at == 0)) for at, part in enumerate(PARTS))
    data = DataSet("labelled", *parts)
    monkeypatch.setattr("irkit.recipe.training.load_data", lambda name, binarise: data)
    recipe = load_training("lsa").with_settings({"config.dimensions": 3})
    done = train_run(recipe, tmp_path / "run")
    result = json.loads((tmp_path / "run" / "RESULT.json").read_text())
    assert result["stopped"] == "solved"
    own = label_values(done.model, data.train, data.test)
    assert {name: one["value"] for name, one in result["measures"].items()} == {
        name: pytest.approx(one.mean().value, abs=1e-6) for name, one in own.items()
    }
    first = f"label precision .02 {own['label precision .02'].mean().value:.2f} (exact) on 5 test documents; solved in"
    assert f"run: {first} " in summary(done.folder, done.result)
    assert facts(result)["Trained"] == "at once"
    opened = open_model(tmp_path / "run")
    np.testing.assert_array_equal(opened.model.encode(DATA.test), done.model.encode(DATA.test))
    again = train_run(recipe, tmp_path / "run", resume=True)
    assert again.model.fingerprint == done.model.fingerprint


def test_no_document_has_no_vector():
    fitted = LSA(dimensions=3).fit(DATA)
    assert fitted.encode(DATA.test.cut(0)).shape == (0, 3)
