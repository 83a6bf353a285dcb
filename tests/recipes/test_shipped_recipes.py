"""Every shipped recipe loads, says what it is, builds, runs and survives the way to Python and back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from irkit import locate
from irkit.documents import Document
from irkit.recipe import Recipe, list_recipes, load_recipe, setting_names, to_recipe
from irkit.recipe.shelf import TUNING
from irkit.yamlfile import read_yaml

PATHS = sorted(locate.shipped("pipelines").rglob("*.yaml"))
SPACES = [path for path in PATHS if path.parent.name == TUNING]
TRAININGS = [path for path in PATHS if path.parent.name in ("generate", "represent")]  # see test_training_recipes.py
RECIPES = [path for path in PATHS if path not in [*SPACES, *TRAININGS]]
OTHERS = ("rank", "recommend")  # see test_rank_recipes.py and test_recommend_recipes.py
RETRIEVAL = [path for path in RECIPES if path.parent.name not in OTHERS]
TEXTS = [
    "The slender wing flutters at high speed.",
    "Heat transfer through the boundary layer of a wing.",
    "The boundary layer over a flat plate heats up.",
    "Sugar prices rise while wheat prices fall.",
    "A plate of sugar and wheat, served with heat.",
    "High speed flow over wings and plates.",
]
QUERIES = pd.DataFrame({"qid": ["1", "2", "3"], "query": ["wing heat", "sugar price", "unheard"]}, dtype="str")


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    from irkit.lucene import build_index

    documents = [Document(f"d{i}", text) for i, text in enumerate(TEXTS)]
    with build_index(tmp_path_factory.mktemp("recipes") / "index", documents) as index:
        yield index


@pytest.fixture(scope="module")
def vectors():
    from irkit.text.vectors import Vectors

    words = sorted({word.strip(".,").lower() for text in TEXTS for word in text.split()} | {"price", "unheard"})
    return Vectors(words, np.random.default_rng(5).normal(size=(len(words), 8)))


@pytest.fixture(scope="module")
def encoder(index):
    from irkit.rank import IndexEncoder, bags_of_index, frequent_words
    from irkit.represent.docnade import DocNADE, DocNADEConfig

    model = DocNADE(DocNADEConfig(aggregate="idf"))  # it predicts words as well
    words = frequent_words(index, min_df=1)
    return IndexEncoder(model.fit(bags_of_index(index, words), trainer=model.trainer.changed(epochs=1)), index)


@pytest.fixture(scope="module")
def cross_encoder():
    from irkit.rank import CrossEncoder

    def score(query, texts):
        return [sum(word in text.lower() for word in query.split()) for text in texts]

    return CrossEncoder(score, name="words", keep=False)


@pytest.fixture(scope="module")
def train():
    from irkit.pipeline import Topics

    rows = [("1", "d1", 2), ("1", "d0", 1), ("2", "d3", 1)]
    return Topics(QUERIES, pd.DataFrame(rows, columns=["qid", "docno", "label"]))


@pytest.fixture
def ready(request):
    """Build a recipe with what it needs and fit it; a new kind of need needs a fixture of that name here."""

    def build(recipe):
        held = {need: request.getfixturevalue(need) for need in recipe.needs}
        train = held.pop("train", None)
        pipeline = recipe.build(**held)
        return pipeline if train is None else pipeline.fit(train)

    return build


def test_the_folders_hold_recipes_and_each_name_once():
    assert {"bm25", "ql-dirichlet", "rrf-bm25-ql"} <= {path.stem for path in RECIPES}
    assert len({path.stem for path in PATHS}) == len(PATHS)
    assert {row.name for row in list_recipes() if row.shipped} == {path.stem for path in [*RECIPES, *TRAININGS]}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_says_what_it_is(path):
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert load_recipe(recipe.name) == recipe
    assert len(recipe.about) > 20
    assert recipe.about.endswith(".")
    assert len(recipe.source) > 10
    assert path.parent.parent == locate.shipped("pipelines"), "one folder a kind"
    assert all(len(line) <= 120 for line in path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", RETRIEVAL, ids=lambda path: path.stem)
def test_a_recipe_builds_runs_and_comes_back(path, ready):
    recipe = load_recipe(path)
    pipeline = ready(recipe)
    results = pipeline(QUERIES)
    assert {"qid", "docno", "score", "rank"} <= set(results.columns)
    assert {"1", "2"} <= set(results["qid"])
    assert np.isfinite(results["score"]).all()
    assert results[(results["qid"] == "2") & (results["rank"] == 0)]["docno"].tolist() in (["d3"], ["d4"])
    again = to_recipe(pipeline, recipe.name, recipe.about, recipe.source)
    assert again.hash == recipe.hash
    assert ready(again) == pipeline


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_read_back_as_it_was_written(path, tmp_path):
    recipe = load_recipe(path)
    copy = tmp_path / path.name
    copy.write_text(recipe.yaml(), encoding="utf-8")
    assert load_recipe(copy) == recipe
    assert load_recipe(copy).yaml() == recipe.yaml()


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_a_tuning_space_names_settings_and_valid_values_of_its_recipe(path):
    space = read_yaml(path).value
    assert set(space) <= {"name", "about", "recipe", "parameters"}
    assert space["name"] == path.stem
    recipe = load_recipe(space["recipe"])
    for name, values in space["parameters"].items():
        for value in values:
            assert isinstance(recipe.with_settings({name: value}), Recipe)


def test_settings_of_shipped_recipes_are_reached_by_their_full_names():
    recipe = load_recipe("rrf-bm25-ql")
    assert {"0.k", "0.of.0.0.k1", "0.of.1.0.mu", "1.k"} <= set(setting_names(recipe.stages))
    changed = recipe.with_settings({"k1": 1.2, "mu": 500, "0.k": 10})
    assert changed.hash != recipe.hash
