"""Tests of irkit.recipe.encoders: what a word means, what is fitted to an index, what is kept, errors."""

import os

import numpy as np
import pandas as pd
import pytest

from irkit.documents import Document
from irkit.errors import ConfigError, IrkitError, NotFoundError
from irkit.evaluate.leftovers import leftovers
from irkit.io.kinds import Bags, Ragged, Tokens
from irkit.lucene import build_index
from irkit.rank import Dense, bags_of_index, frequent_words
from irkit.rank.bags import tokens_of_index
from irkit.recipe import load_training
from irkit.recipe.encoders import encoder_identity, index_data, open_encoder, unknown_words
from irkit.recipe.resources import open_resources
from irkit.represent import LSA
from irkit.text.vectors import Vectors

TEXTS = {"d1": "wings and birds, wings", "d2": "a bird flutters", "d3": "wings flutter", "d4": "", "d5": "birds, wings"}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with build_index(tmp_path_factory.mktemp("birds") / "index", [Document(*one) for one in TEXTS.items()]) as built:
        yield built


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    recipes = tmp_path / "home" / "pipelines"
    recipes.mkdir(parents=True)
    (recipes / "two.yaml").write_text("name: two\nmodel: lsa\nconfig: {dimensions: 2}\ndata: docnade-sets/20NSshort\n")
    (recipes / "read.yaml").write_text(
        "name: read\nmodel: rnnlm\nconfig: {hidden_size: 3}\ndata: ptb\ntrainer: {epochs: 1}\nmin_df: 1\n"
    )
    return tmp_path / "home"


def test_a_recipe_is_fitted_to_the_documents_of_the_index_once(index, home, monkeypatch):
    encoder = open_encoder("two", index)
    by_hand = LSA(dimensions=2).fit(bags_of_index(index, frequent_words(index)).take(np.array([0, 1, 2, 4])))
    kinds = np.abs(encoder.documents), np.abs(by_hand.encode(bags_of_index(index, encoder.words)))
    np.testing.assert_allclose(*kinds, atol=1e-6)
    (kept,) = (home / "encoders").iterdir()
    monkeypatch.setattr("irkit.recipe.training.TrainingRecipe.fit", None)
    again = open_encoder("two", index)
    assert again.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(again.encode(["birds", "nothing known"]), encoder.encode(["birds", "nothing known"]))
    assert not again.encode(["nothing known"]).any()
    monkeypatch.undo()
    monkeypatch.setenv("IRKIT_HOME", str(home))
    with monkeypatch.context() as other:
        other.setattr("irkit.recipe.encoders.class_digest", lambda kind: "other code")
        open_encoder("two", index)
        assert len([*(home / "encoders").glob("*.safetensors")]) == 2, "what other code learned is not taken"
    kept.write_bytes(kept.read_bytes()[:-1])
    assert open_encoder("two", index).fingerprint == encoder.fingerprint, "a damaged one is fitted again"


def test_what_dense_retrieval_builds_of_it_is_kept_beside_it_and_no_document_encoded_again(index, home, monkeypatch):
    found = Dense(encoder=open_encoder("two", index), n=3)("birds")
    assert sorted(path.suffix for path in (home / "encoders").iterdir()) == [".faiss", ".safetensors"]
    again = open_encoder("two", index)
    monkeypatch.setattr(type(again), "documents", None)
    pd.testing.assert_frame_equal(Dense(encoder=again, n=3)("birds"), found, check_exact=True)
    assert {one.what for one in leftovers(home, everything=True)} == {
        "encoders: 2 trained encoders and indexes of their vectors"
    }
    monkeypatch.undo()
    monkeypatch.setenv("IRKIT_HOME", str(home))
    monkeypatch.setattr("irkit.recipe.encoders.code_digest", lambda: "other code")
    Dense(encoder=open_encoder("two", index), n=3)("birds")
    assert len(list((home / "encoders").glob("*.faiss"))) == 2


def test_documents_are_counts_where_these_will_do_and_else_terms_in_order(index):
    counts, order = (index_data(index, load_training(name), "birds") for name in ("two", "read"))
    assert isinstance(counts.train, Bags)
    assert isinstance(order.train, Tokens)
    assert counts.name == order.name == "birds"
    assert len(counts.train) == len(order.train) == 4, "a document without a known word teaches nothing"
    assert len(counts.valid) == len(counts.test) == 0
    first = [order.train.words[term] for term in order.train.x[0]]
    assert first == ["wing", "bird", "wing"]
    assert tokens_of_index(index, ("bird",)).x.lengths.tolist() == [1, 1, 0, 0, 1]


def test_a_trained_model_is_opened_from_its_file(index, tmp_path):
    fitted = load_training("two").fit(index_data(index, load_training("two")))
    fitted.save(tmp_path / "mine.safetensors")
    for word in ("mine.safetensors", "./mine.safetensors"):
        found = open_resources(["encoder"], {"index": str(index.path), "encoder": word}, who="run")["encoder"]
        assert found.model.fingerprint == fitted.fingerprint


def test_of_a_model_that_learned_words_elsewhere_it_is_said_how_many_are_terms_of_the_index(index, tmp_path):
    def saved(*words):
        bags = Bags(Ragged.of([[0, 1], [1, 2], [0, 2]]), 3, counts=Ragged.of([[1, 2], [1, 1], [3, 1]]), words=words)
        LSA(dimensions=2).fit(bags).save(tmp_path / "mine.safetensors")
        return open_encoder("./mine.safetensors", index)

    assert unknown_words(saved("bird", "wings", "birds")) == "1 of its 3 words are terms of the index"  # not stems
    assert unknown_words(saved("bird", "wing", "flutter")) == ""
    assert unknown_words(open_encoder("two", index)) == ""
    with pytest.raises(
        ConfigError, match=r"none of the 3 words of mine, such as 'wings', is a term of .*; give a model"
    ):
        saved("wings", "birds", "winged")


def test_what_is_learned_does_not_depend_on_the_order_in_which_threads_wrote_the_index(tmp_path):
    texts = [Document(str(at), "wings " * (at % 4 + 1) + "birds " * (at % 3)) for at in range(1, 13)]
    found = []
    for name, documents in (("a", texts), ("b", texts[7:] + texts[:7])):
        with build_index(tmp_path / name, documents, threads=1) as built:
            found.append([index_data(built, load_training(recipe)).train for recipe in ("two", "read")])
            assert built.docnos[0] == documents[0].docno
    for one, other in zip(*found, strict=True):
        assert one.same(other)
    assert [len(one) for one in found[0][1].x] == [len(document.text.split()) for document in texts], "9 before 10"


def test_an_identity_is_of_recipe_index_and_file_and_nothing_is_fitted_for_it(index, home, tmp_path, monkeypatch):
    load_training("two").fit(index_data(index, load_training("two"))).save(tmp_path / "mine.safetensors")
    monkeypatch.setattr("irkit.recipe.training.TrainingRecipe.fit", None)
    with build_index(tmp_path / "other", [Document("d1", "birds")]) as other:
        found = [encoder_identity(*one) for one in (("two", index), ("read", index), ("two", other))]
    found.append(encoder_identity("mine.safetensors", index))
    assert len(set(found)) == 4
    assert not (home / "encoders").exists()


def test_what_is_no_encoder_is_refused(index, home):
    with pytest.raises(ConfigError, match="encoder: nade-digits is of the model 'nade', which turns no documents into"):
        open_encoder("nade-digits", index)
    with pytest.raises(NotFoundError, match=r"tw.*did you mean two"):
        open_encoder("tw", index)
    with pytest.raises(IrkitError, match=r"stages|pipeline"):
        open_encoder("bm25", index)
    with pytest.raises(ConfigError, match="run: encoder is needed, a model of documents; give --encoder and a recipe"):
        open_resources(["encoder"], {"index": str(index.path)}, who="run")


def test_an_encoder_that_cannot_be_kept_is_used_all_the_same(index, home, caplog):
    (home / "encoders").write_text("no folder")
    found = Dense(encoder=open_encoder("two", index), n=3)("birds")
    (home / "encoders").unlink()
    pd.testing.assert_frame_equal(Dense(encoder=open_encoder("two", index), n=3)("birds"), found)
    assert caplog.messages == [f"{home / 'encoders'} cannot be written, Not a directory; results are not kept"]


def test_one_that_is_used_is_not_old(index, home):
    open_encoder("two", index)
    (kept,) = (home / "encoders").iterdir()
    os.utime(kept, (0, 0))
    assert leftovers(home)
    open_encoder("two", index)
    assert not leftovers(home)


def test_other_word_vectors_under_the_same_name_make_another_encoder(index, home, tmp_path):
    (home / "pipelines" / "mean.yaml").write_text(
        "name: mean\nmodel: vector-average\nconfig: {dimensions: 2, vectors: words.npz}\ndata: docnade-sets/20NSshort\n"
    )
    found = []
    for vectors in ([[1, 0], [0, 1]], [[1, 1], [0, 1]]):
        Vectors(["wing", "bird"], vectors).save(tmp_path / "words.npz")
        found.append((encoder_identity("mean", index), open_encoder("mean", index).encode(["wings"])[0].tolist()))
    assert found[0][0] != found[1][0]
    assert [vector for _, vector in found] == [[1, 0], [1, 1]]


def test_word_vectors_of_a_recipe_are_those_of_its_encoder_whatever_it_is_called_by(index, home, tmp_path):
    (home / "pipelines" / "mine").mkdir()
    (home / "pipelines" / "two.yaml").rename(home / "pipelines" / "mine" / "two.yaml")
    expected = open_encoder("two", index).model.word_vectors().fingerprint
    for word in ("two", "mine/two", str(home / "pipelines" / "mine" / "two.yaml")):
        words = {"index": str(index.path), "vectors": f"trained:{word}"}
        assert open_resources(["vectors"], words, who="run")["vectors"].fingerprint == expected
    with pytest.raises(NotFoundError, match="vectors: there is no 'trained:tow'; did you mean"):
        open_resources(["vectors"], {**words, "vectors": "trained:tow"}, who="run")
