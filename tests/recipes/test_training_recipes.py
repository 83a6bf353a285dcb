"""Every shipped training recipe loads, says what it is, and fits the data it names; the small ones learn."""

from __future__ import annotations

import pytest

from irkit import locate
from irkit.generative.base import Density
from irkit.generative.independent import independent_log_prob
from irkit.io import load_data
from irkit.io.kinds import Spec
from irkit.recipe import list_recipes, load_training
from irkit.registry import MODELS

FOLDERS = ("generate", "represent")
PATHS = sorted(path for kind in FOLDERS for path in (locate.shipped("pipelines") / kind).glob("*.yaml"))
SPECS = {
    **{
        name: Spec("rows", (size,))
        for name, size in {
            "digits": 64,
            "mnist": 784,
            "mnist-14": 196,
            "ring": 2,
            "four-points": 4,
            "debd/nltcs": 16,
            "debd/mushrooms": 112,
            "debd/dna": 180,
            "debd/nips": 500,
        }.items()
    },
    **{
        name: Spec("sequences", (size,))
        for name, size in {"piano/jsb": 88, "piano/nottingham": 88, "omniglot-strokes": 3, "waves": 3}.items()
    },
    **{name: Spec("sets", (size,)) for name, size in {"families": 1, "omniglot-sets": 784}.items()},
    **{
        name: Spec("captioned", (1, side, side), vocabulary=21, longest=12)
        for name, side in {"captioned-digits": 20, "captioned-mnist": 30, "captioned-mnist-shuffled": 30}.items()
    },
}
"What an example of the data of generative recipes looks like."
HERE = {"digits", "captioned-digits", "ring", "waves", "families", "four-points"}
"What is always here."
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

KINDS = {"rbm": "estimate", "dbm": "estimate", **dict.fromkeys(("eonade", "made", "nade"), "exact")}
"What log p of density models is, where it is no lower bound."

DIGITS = [
    path.stem
    for path in PATHS
    if path.stem.endswith("-digits")
    and issubclass(MODELS.load(load_training(path.stem).model), Density)
    and load_training(path.stem).binarise != "none"
]
"Recipes of density models on bits of digits."

LEAST = 0.25
"How much better than independent bits a small recipe must be, as a share of their nats."


def test_the_folder_holds_a_recipe_of_every_generative_model_on_data_that_is_always_here():
    recipes = [load_training(path.stem) for path in PATHS]
    here = {recipe.model for recipe in recipes if recipe.data in HERE}
    assert here == {name for name in MODELS if MODELS[name].startswith("irkit.generative.")}
    coders = {
        (one.config["encoder"], one.config.get("decoder", "mlp"))
        for one in recipes
        if one.model == "vae" and one.data == "digits"
    }
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
    else:
        spec = SPECS[recipe.data]
        assert recipe.build().build(spec).size == spec.size


@pytest.mark.slow
@pytest.mark.parametrize("name", DIGITS)
def test_a_small_recipe_learns_the_digits(name):
    recipe = load_training(name)
    data = recipe.load_data()
    found = recipe.fit(data).log_prob(data.test, **recipe.evaluate).mean()
    assert found.kind == KINDS.get(recipe.model, "lower_bound")
    value = found.value if found.kind != "estimate" else found.interval()[0]
    assert value >= (1 - LEAST) * independent_log_prob(data.train, data.test).mean()


@pytest.mark.parametrize("name", sorted(HERE))
def test_data_that_is_always_here_looks_as_it_was_said_to(name):
    assert SPECS[name].fits(load_data(name).spec)


@pytest.mark.data
@pytest.mark.parametrize("name", sorted({*SPECS} - HERE))
def test_other_data_looks_as_it_was_said_to(name, data_folder):
    assert SPECS[name].fits(load_data(name).spec)
