"""Tests of irkit.recipe.resources."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from irkit.documents import Document
from irkit.errors import ConfigError, NotFoundError
from irkit.lucene import build_index
from irkit.pipeline.stage import Stage
from irkit.recipe.resources import RESOURCES, check_words, in_python, is_index, open_resources
from irkit.recommend import EASE, RatingTable
from irkit.registry import OPENERS, STAGES
from irkit.text.vectors import Vectors


@pytest.fixture
def index(tmp_path, monkeypatch):
    """The folder of an index, in the folder the test works in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    build_index(tmp_path / "index", [Document("d1", "red fox"), Document("d2", "red dogs")]).close()
    return "index"


@pytest.mark.parametrize("need", RESOURCES)
def test_what_opens_a_resource_in_python_is_there(need):
    assert set(OPENERS) == set(RESOURCES)
    module, dotted = OPENERS[need], []
    while True:
        try:
            found = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            dotted.insert(0, last)
    for name in dotted:
        found = getattr(found, name)
    assert callable(found)
    assert in_python(need).startswith(f"{need}={OPENERS[need]}(")


def test_the_table_has_whatever_shipped_stages_need_but_pairs_and_nothing_else():
    needs = {need for name in STAGES.shipped for need in STAGES.load(name).needs}
    assert needs - {"pairs"} == set(RESOURCES) - {"train"}  # which stages learn from


def test_what_is_needed_is_opened_by_its_word(index, tmp_path):
    kept = Vectors(["red", "fox"], np.eye(2), analyzed=True)
    kept.save("stems.npz")
    held = open_resources(("vectors", "index"), {"index": index, "vectors": "stems.npz"}, who="run")
    assert list(held) == ["index", "vectors"]
    assert (len(held["index"]), held["vectors"].fingerprint) == (2, kept.fingerprint)
    assert open_resources((), {"index": index, "vectors": "nowhere"}, who="run") == {}


def test_ratings_are_opened_by_their_file(index, tmp_path):
    (tmp_path / "r.csv").write_text("user_id,item_id,rating\nu,i,3\nu,j,5\nv,i,4\n")
    train = open_resources(["train"], {"train": "r.csv"}, who="recommend")["train"]
    assert isinstance(train, RatingTable)
    assert len(train) == 3


def test_vectors_are_trained_on_a_collection_and_not_on_an_index(index):
    words = {"index": index, "vectors": "trained:ppmi-svd"}
    with pytest.raises(
        ConfigError, match=r"^explain: vectors: trained:ppmi-svd trains on a collection's documents, got"
    ):
        open_resources(["index", "vectors"], words, who="explain")
    with pytest.raises(NotFoundError, match=r"vectors: there is no file 'nowhere' here or below IRKIT_DATA"):
        open_resources(["vectors"], {"vectors": "nowhere"}, who="run")
    with pytest.raises(ConfigError, match=r"^run: vectors: trained:ppmi-svd are trained on the documents of a coll"):
        open_resources(["vectors"], {"vectors": "trained:ppmi-svd"}, who="run")


@pytest.mark.parametrize(
    ("need", "message"),
    [
        ("index", "run: index is needed, a Lucene index; name a collection or an index folder"),
        ("vectors", "run: vectors is needed, word vectors; give --vectors and a file, or --vectors trained:ppmi-svd"),
        ("train", "run: train is needed, the ratings to be fitted on; use irkit recommend"),
        ("pairs", "run: 'pairs' is needed, which has no word; in Python call build(pairs=...)"),
    ],
)
def test_what_has_no_word_is_said_before_anything_is_opened(need, message):
    for words in ({}, {"index": None, "vectors": None}):
        with pytest.raises(ConfigError) as caught:
            check_words([need], words, who="run")
        assert str(caught.value) == message


def test_a_folder_is_an_index_where_there_is_a_commit(index, tmp_path):
    (tmp_path / "empty").mkdir()
    assert [is_index(source) for source in ("index", "./index", "./empty", "./none", "lee", "irds:x")] == [
        True,
        True,
        *[False] * 4,
    ]


def test_a_path_in_the_place_of_a_resource_is_answered_by_what_opens_it():
    class Needy(Stage):
        name = "needy"
        needs = ("train",)

    with pytest.raises(ConfigError, match=r"needy: train must be open, got the path 'r'; write irkit.recommend.load_r"):
        Needy(train="r")
    assert EASE().name == "ease"
