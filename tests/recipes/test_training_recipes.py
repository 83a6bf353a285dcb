"""Every shipped training recipe loads, says what it is, and fits the data it names; the small ones learn."""

from __future__ import annotations

import pytest

from irkit import locate
from irkit.generative.base import Density
from irkit.generative.independent import independent_log_prob
from irkit.io import load_data, load_rows
from irkit.io.kinds import Spec
from irkit.recipe import list_recipes, load_training
from irkit.registry import MODELS

FOLDERS = ("generate", "represent")
PATHS = sorted(path for kind in FOLDERS for path in (locate.shipped("pipelines") / kind).glob("*.yaml"))
DIGITS = [path.stem for path in PATHS if path.stem.endswith("-digits")]
WIDTHS = {"digits": 64, "mnist": 784, "debd/nltcs": 16, "debd/mushrooms": 112, "debd/dna": 180, "debd/nips": 500}
STEPS = {"piano/jsb": 88, "piano/nottingham": 88, "omniglot-strokes": 3, "waves": 3}
SETS = {"families": 1, "omniglot-sets": 784}
"Values of an element."
TERMS = {
    "docnade-sets/20NSshort": 1448,
    "20newsgroups": 2000,
    "ptb": 9999,
    "medline": 5000,
    "cranfield": 3000,
    "imdb": 20000,
    "ptb/40": 9999,
    "imdb/paragraphs": 5000,
}

LEAST = 0.25
"How much better than independent bits a small recipe must be, as a share of their nats."


def test_the_folder_holds_a_small_recipe_of_every_density_model():
    recipes = [load_training(name) for name in DIGITS]
    densities = {
        name for name in MODELS if issubclass(MODELS.load(name), Density) and "rows" in MODELS.load(name).takes
    }
    assert {recipe.model for recipe in recipes} == densities
    coders = {(one.config["encoder"], one.config.get("decoder", "mlp")) for one in recipes if one.model == "vae"}
    assert coders == {("mlp", "mlp"), ("lstm", "mlp"), ("gru", "mlp"), ("conv", "mlp"), ("gru", "gru")}
    assert {row.name for row in list_recipes() if row.kind in FOLDERS} == {path.stem for path in PATHS}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_recipe_says_what_it_is_and_fits_its_data(path):
    recipe = load_training(path)
    assert recipe.name == path.stem
    assert load_training(recipe.name) == recipe
    assert len(recipe.about) > 20
    assert recipe.about.endswith(".")
    assert len(recipe.source) > 10
    assert all(len(line) <= 120 for line in path.read_text(encoding="utf-8").splitlines())
    if path.parent.name == "represent":
        n = TERMS[recipe.data]
        spec = Spec("tokens", (), vocabulary=n, classes=2, words=(".", *map(str, range(1, n))))
        assert len(getattr(recipe.build().build(spec), "topics", range(n))) == n
    elif recipe.data in STEPS:
        size = STEPS[recipe.data]
        assert recipe.build().build(Spec("sequences", (size,))).size == size
    elif recipe.data in SETS:
        size = SETS[recipe.data]
        assert recipe.build().build(Spec("sets", (size,))).size == size
    else:
        size = WIDTHS[recipe.data]
        assert recipe.build().build(Spec("rows", (size,))).size == size


@pytest.mark.slow
@pytest.mark.parametrize("name", DIGITS)
def test_a_small_recipe_learns_the_digits(name):
    recipe = load_training(name)
    data = recipe.load_data()
    found = recipe.fit(data).log_prob(data.test, **recipe.evaluate).mean()
    kinds = {"rbm": "estimate", "dbm": "estimate", "darn": "lower_bound", "vae": "lower_bound", "draw": "lower_bound"}
    assert found.kind == kinds.get(recipe.model, "exact")
    value = found.value if found.kind != "estimate" else found.interval()[0]
    assert value >= (1 - LEAST) * independent_log_prob(data.train, data.test).mean()


@pytest.mark.data
@pytest.mark.parametrize("name", sorted({*WIDTHS} - {"digits"}))
def test_the_data_is_as_wide_as_it_was_said_to_be(name, data_folder):
    assert load_rows(name).train.shape[1] == WIDTHS[name]


@pytest.mark.data
@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_as_wide_as_it_was_said_to_be(name, data_folder):
    assert load_data(name).spec.shape == (STEPS[name],)
