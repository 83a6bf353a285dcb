"""Tests of irkit.recipe.training."""

from __future__ import annotations

import re

import numpy as np
import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.learn.trainer import TrainerConfig
from irkit.recipe.recipe import Recipe
from irkit.recipe.training import TrainingRecipe, load_any, load_training
from irkit.wording import shown

TEXT = """\
name: tiny
about: A tiny model.
source: Nobody, 2000.
model: nade
config: {hidden_size: 4, order: random}
data: digits
binarise: sample
trainer:
  epochs: 2
  optimiser: {learning_rate: 0.01}
validate: false
test_rows: 9
"""


@pytest.fixture
def write(tmp_path):
    """Write a recipe file with some text replaced; returns its path."""

    def written(old: str = "", new: str = ""):
        assert old in TEXT
        path = tmp_path / "tiny.yaml"
        path.write_text(TEXT.replace(old, new, 1) if old else TEXT)
        return path

    return written


def recipe(**values) -> TrainingRecipe:
    return TrainingRecipe(**{"name": "tiny", "model": "nade", "data": "digits", **values})


# ------------------------------------------------------------------------------------------------- reading


def test_a_file_gives_its_values(write):
    path = write()
    found = load_training(path)
    assert (found.name, found.about, found.source) == ("tiny", "A tiny model.", "Nobody, 2000.")
    assert (found.model, found.config) == ("nade", {"hidden_size": 4, "order": "random"})
    assert (found.data, found.binarise, found.validates, found.test_rows) == ("digits", "sample", False, 9)
    assert found.evaluate == {}
    assert found.path == path
    assert found.build().config.hidden_size == 4


def test_words_among_the_arguments_of_the_evaluation_are_stated_and_read_back(tmp_path):
    model = {"model": "topicrnn", "data": "ptb", "evaluate": {"theta": "prior"}}
    stated = TrainingRecipe(name="tiny", **model).resolved()
    assert stated.evaluate == {"theta": "prior", "draws": 5, "seed": 1}
    (tmp_path / "tiny.yaml").write_text(stated.yaml())
    assert load_training(tmp_path / "tiny.yaml") == stated


def test_what_is_written_is_read_back(write, tmp_path):
    found = load_training(write())
    copy = tmp_path / "copy.yaml"
    for one in (found, found.resolved(), recipe()):
        copy.write_text(one.yaml())
        again = load_training(copy)
        assert again == one
        assert again.yaml() == one.yaml()
    assert recipe().yaml() == "name: tiny\nmodel: nade\ndata: digits\nbinarise: threshold\nvalidate: true\n"


def test_a_name_a_name_with_its_folder_and_a_path_are_one():
    found = load_training("nade-digits")
    assert load_training("generate/nade-digits") == load_training(found.path) == found


def test_either_kind_of_recipe_is_read_by_one_function(write):
    assert load_any(write()) == load_training(write())
    assert isinstance(load_any("bm25"), Recipe)


# ---------------------------------------------------------------------------------------------- the trainer


def test_the_trainer_is_the_models_own_with_single_settings_changed():
    own = recipe(model="rbm").rule()
    assert (own.optimiser.kind, own.optimiser.schedule, own.epochs) == ("sgd", "linear", 20)
    changed = recipe(model="rbm", trainer={"epochs": 3, "optimiser": {"learning_rate": 0.5}}).rule()
    assert (changed.optimiser.kind, changed.optimiser.schedule) == ("sgd", "linear")
    assert (changed.optimiser.learning_rate, changed.epochs) == (0.5, 3)


def test_the_arguments_of_the_evaluation_are_log_probs():
    assert recipe(model="vae", evaluate={"samples": 7}).arguments() == {"samples": 7, "seed": 1}
    assert recipe().arguments() == {}


# ------------------------------------------------------------------------------------------------- the hash


def test_the_hash_covers_what_is_done_and_nothing_else():
    base = recipe(config={"hidden_size": 4}, test_rows=5)
    same = [
        recipe(config={"hidden_size": 4}, test_rows=5, name="other", about="x", source="y"),
        recipe(config={"hidden_size": 4, "order": "given"}, test_rows=5),  # stated defaults
        recipe(config={"hidden_size": 4}, test_rows=5, trainer={"threads": 1, "device": "cpu", "progress": True}),
        base.resolved(),
    ]
    assert {one.hash for one in same} == {base.hash}
    other = [
        base.with_settings(change)
        for change in (
            {"config.hidden_size": 5},
            {"data": "mnist"},
            {"binarise": "sample"},
            {"trainer.epochs": 3},
            {"trainer.seed": 2},
            {"validate": False},
            {"test_rows": None},
        )
    ]
    assert len({base.hash, *(one.hash for one in other)}) == len(other) + 1
    sampled = recipe(model="vae")
    assert sampled.hash != sampled.with_settings({"evaluate.samples": 7}).hash
    assert sampled.hash == sampled.with_settings({"evaluate.samples": 100}).hash


def test_a_run_is_the_same_with_another_budget_or_evaluation():
    base = recipe(model="vae")
    for change in ({"trainer.epochs": 3}, {"trainer.patience": 2}, {"evaluate.samples": 9}, {"test_rows": 8}):
        assert base.with_settings(change).run_hash == base.run_hash
    for change in ({"trainer.seed": 3}, {"trainer.batch_size": 2}, {"config.latent_size": 9}, {"binarise": "sample"}):
        assert base.with_settings(change).run_hash != base.run_hash


# ------------------------------------------------------------------------------------------------- settings


def test_settings_are_changed_by_name(write):
    base = load_training(write())
    changed = base.with_settings(
        {"config.hidden_size": 7, "trainer.optimiser.schedule": "linear", "trainer.seed": 3, "test_rows": None}
    )
    assert changed.config == {"hidden_size": 7, "order": "random"}
    assert changed.rule().optimiser.schedule == "linear"
    assert changed.rule().optimiser.learning_rate == 0.01
    assert (changed.rule().seed, changed.test_rows) == (3, None)
    assert base.config == {"hidden_size": 4, "order": "random"}
    assert base.with_settings({}) == base


def test_settings_of_each_phases_optimiser_are_changed_by_name():
    base = recipe(trainer={"optimisers": {"net": {"momentum": 0.5}}})
    changed = base.with_settings({"trainer.optimisers.net.learning_rate": 0.25})
    assert changed.rule().optimisers == {"net": {"momentum": 0.5, "learning_rate": 0.25}}
    assert len({one.hash for one in (recipe(), base, changed)}) == 3
    with pytest.raises(ConfigError, match="learning_rate is not valid, got -1"):
        base.with_settings({"trainer.optimisers.net.learning_rate": -1})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 2}, "recipe 'tiny': there is no setting 'epochs'; did you mean trainer.epochs?"),
        ({"name": "x"}, "recipe 'tiny': there is no setting 'name'"),
        ({"data.seed": 1}, "recipe 'tiny': there is no setting 'data.seed'"),
        ({"trainer.epochs": 2, "trainer.epochs.more": 1}, "recipe 'tiny': there is no setting 'trainer.epochs.more'"),
        ({"config.hiden_size": 2}, "recipe 'tiny': nade: unknown field 'hiden_size'; did you mean hidden_size?"),
        ({"trainer.epochs": 0}, "recipe 'tiny': trainer: epochs is not valid, got 0"),
        ({"trainer.epochs": None}, "recipe 'tiny': trainer: training would never end; set epochs, steps or seconds"),
        ({"trainer.optimiser.kind": "adagrad"}, "trainer: optimiser.* is not valid, got 'adagrad'"),
        (
            {"binarise": "round"},
            "binarise is not valid, got 'round'; choose from dynamic, none, sample, threshold",
        ),
        ({"config": 3}, "config is not valid, got 3; it must be a mapping of names to values"),
        ({"evaluate.samples": 3}, "nade: log_prob has no argument 'samples'; it has no arguments"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(settings, message):
    import re

    with pytest.raises(ConfigError, match=message if ".*" in message else re.escape(message)):
        recipe().with_settings(settings)


# --------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("model: nade", "model: nad", 4, r"there is no model 'nad'; did you mean nade or eonade or docnade\?"),
        ("hidden_size: 4", "hiden: 4", 5, "nade: unknown field 'hiden'"),
        ("hidden_size: 4", "hidden_size: 0", 5, "nade: hidden_size is not valid, got 0"),
        ("  epochs: 2", "  epochs: two", 9, "trainer: epochs is not valid, got 'two'"),
        ("{learning_rate: 0.01}", "{learning_rate: -1}", 10, "trainer: optimiser: learning_rate is not valid, got -1"),
        (
            "binarise: sample",
            "binarise: no",
            7,
            "binarise is not valid, got 'no'; did you mean none?",
        ),
        ("validate: false", "validate: no", 11, "validate is not valid, got 'no'; it must be true or false"),
        (
            "test_rows: 9",
            "test_rows: 0",
            12,
            "test_rows is not valid, got 0; it must be 1 or more",
        ),
        ("test_rows: 9", "tset_rows: 9", 12, r"unknown field 'tset_rows'; did you mean test_rows\?"),
        ("name: tiny", "name: a b", 1, "name is not valid, got 'a b'; a name is letters, digits and . _ . -"),
        ("about: A tiny model.", "about: 5", 2, "about is not valid, got 5; it must be text"),
        ("model: nade\n", "", 1, "field 'model' is missing: name of the model"),
        ("data: digits\n", "", 1, "field 'data' is missing: name of the data set"),
        ("validate: false", "evaluate: {samples: 3}", 11, "nade: log_prob has no argument 'samples'"),
        ("source: Nobody, 2000.", "source: a: b", 3, "not YAML"),
    ],
)
def test_an_error_says_file_and_line(write, old, new, line, message):
    with pytest.raises((ConfigError, DataError, NotFoundError), match=rf"tiny\.yaml:{line}: {message}"):
        load_training(write(old, new))


@pytest.mark.parametrize("value", [0, True, "many", 1.5, None])
def test_an_argument_of_the_evaluation_is_a_whole_number(value):
    with pytest.raises(ConfigError, match=rf"evaluate.samples is not valid, got {re.escape(shown(value))}; "):
        recipe(model="vae", evaluate={"samples": value})


def test_a_word_of_the_evaluation_is_checked_before_anything_is_trained():
    recipe = load_training("topicrnn-ptb").with_settings({"evaluate.theta": "prior"})
    assert recipe.arguments()["theta"] == "prior"
    with pytest.raises(
        ConfigError, match=r"evaluate.theta is not valid, got 'oracle'; choose from causal, elbo, prior"
    ):
        recipe.with_settings({"evaluate.theta": "oracle"})


def test_a_pipeline_is_not_trained_and_a_misspelt_name_is_answered():
    with pytest.raises(ConfigError, match=r"bm25\.yaml:\d: is a pipeline, not something to train"):
        load_training("bm25")
    with pytest.raises(NotFoundError, match=r"there is no 'nade-digit'; did you mean nade-digits"):
        load_training("nade-digit")


def test_missing_data_says_what_is_missing_where_it_belongs_and_which_line_asks(write, monkeypatch, tmp_path):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    found = load_training(write("data: digits", "data: mnist"))
    with pytest.raises(
        NotFoundError,
        match=r"tiny\.yaml:6: mnist: the collection is not on this machine; run 'irkit data get mnist', or set",
    ):
        found.load_data()
    monkeypatch.setenv("IRKIT_DATA", str(tmp_path))
    with pytest.raises(NotFoundError, match=r"tiny\.yaml:6: mnist: .*that holds mnist/train-images-idx3-ubyte"):
        found.load_data()
    with pytest.raises(NotFoundError, match=r"recipe 'tiny': .*there is no file or set 'digit'; did you mean digits\?"):
        recipe(data="digit").load_data()


# -------------------------------------------------------------------------------------------------- fitting


def test_fitting_is_what_the_values_say(tmp_path):
    from irkit.generative import NADE
    from irkit.generative.nade import NADEConfig

    ours = recipe(config={"hidden_size": 4}, trainer={"epochs": None, "steps": 3}, binarise="sample")
    data = ours.load_data().cut(100, 20, 10)
    assert data.binarisation == "sample, seed 1"
    fitted = ours.fit(data, seed=5, folder=tmp_path)
    rule = TrainerConfig(epochs=None, steps=3, seed=5)
    theirs = NADE(NADEConfig(hidden_size=4)).fit(data.train, data.valid, trainer=rule)
    np.testing.assert_array_equal(fitted.log_prob(data.test).value, theirs.log_prob(data.test).value)
    assert fitted.training.best == theirs.training.best
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.jsonl", "checkpoint.safetensors"}
    again = ours.with_settings({"trainer.steps": 6}).fit(data, seed=5, folder=tmp_path, resume=True)
    assert again.training.steps == 6


def test_the_optimiser_of_a_phase_and_averages_can_be_set_and_count_where_they_are():
    plain = recipe(config={"hidden_size": 3}, trainer={"epochs": None, "steps": 2})
    slow = plain.with_settings({"trainer.optimisers.net.learning_rate": 1e-9})
    averaged = plain.with_settings({"trainer.average": 0.5})
    assert len({ours.run_hash for ours in (plain, slow, averaged)}) == 3
    assert len({ours.hash for ours in (plain, slow, averaged)}) == 3
    for unset in ({"trainer.optimisers": {}}, {"trainer.average": 0}, {"trainer.threads": 1}):
        assert (plain.with_settings(unset).hash, plain.with_settings(unset).run_hash) == (plain.hash, plain.run_hash)
    assert slow.resolved().hash == slow.hash
    data = plain.load_data().cut(50, 5, 5)
    rates = [row["value"] for row in slow.fit(data).training.rows if row["metric"] == "learning_rate.net"]
    assert set(rates) == {1e-9}
    wrong = slow.with_settings({"trainer.optimisers.nett.clip": 1.0})
    with pytest.raises(ConfigError, match=r"train: optimisers must name phases, got 'nett'; did you mean net\?"):
        wrong.fit(data)


def test_without_validation_the_last_weights_are_kept_and_dynamic_data_is_drawn_anew():
    ours = recipe(trainer={"epochs": None, "steps": 2}, validate=False, binarise="dynamic", config={"hidden_size": 3})
    data = ours.load_data().cut(50, 5, 5)
    assert data.dynamic
    assert ours.fit(data).training.best is None


def test_a_model_of_reals_is_trained_on_values_as_they_are_and_on_no_bits_made_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("reals.npy", np.random.default_rng(0).normal(3, 2, (60, 5)).astype(np.float32))
    model = {"name": "gauss", "model": "vae", "data": "reals.npy", "config": {"observed": "reals", "latent_size": 1}}
    message = "recipe 'gauss': vae is of reals, which binarise: threshold would make bits of; write binarise: none"
    with pytest.raises(ConfigError, match=message):
        TrainingRecipe(**model)
    recipe = TrainingRecipe(**model, binarise="none", trainer={"epochs": 1, "device": "cpu"})
    data = recipe.load_data()
    assert data.details == {"binarisation": "none"}
    assert data.train.mean() > 2
    assert recipe.fit(data).log_prob(data.test, samples=3).value.shape == (6,)
    with pytest.raises(DataError, match="scale them, or keep them as reals by binarise: none"):
        TrainingRecipe(name="bits", model="nade", data="reals.npy").load_data()
