"""Tests of irkit.represent.doc2vec: the same vectors again and from a file, kinds of documents told apart."""

import gensim.models
import numpy as np
import pytest

from irkit.errors import DataError
from irkit.io.kinds import Bags, DataSet, Ragged, Tokens
from irkit.represent import Doc2Vec
from irkit.represent.solved import SolverConfig
from irkit.testing import check_model

METHODS = pytest.mark.parametrize("method", ["dbow", "dm"])


def documents(n=40, seed=0):
    """Documents of two kinds, which share one word."""
    rng = np.random.default_rng(seed)
    return Tokens(Ragged.of([rng.integers(5, size=8) + 4 * (at % 2) for at in range(n)]), 9)


DATA = DataSet("toy", documents(), documents(4, 1), documents(5, 2))


@METHODS
def test_it_keeps_to_the_contract_of_models_and_a_saved_one_infers_the_same(method, tmp_path):
    model = Doc2Vec(dimensions=4, method=method, epochs=5)
    fitted = check_model(model, DATA, tmp_path, trainer=SolverConfig(threads=1))
    vectors = fitted.encode(DATA.test)
    np.testing.assert_array_equal(Doc2Vec.load(tmp_path / "saved").encode(DATA.test), vectors)
    np.testing.assert_array_equal(fitted.encode(DATA.test.take(np.arange(5)[::-1]))[::-1], vectors)
    other = model.fit(DATA, trainer=SolverConfig(seed=2))
    assert np.abs(other.encode(DATA.test) - vectors).max() > 1e-4


def test_documents_of_one_kind_are_near_each_other():
    fitted = Doc2Vec(dimensions=8, epochs=40, sample=0).fit(documents(100))
    found = fitted.encode(documents(40, seed=9))
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    cosines, same = unit @ unit.T, (np.arange(40)[:, None] - np.arange(40)) % 2 == 0
    assert cosines[same].mean() > cosines[~same].mean() + 0.3


@METHODS
def test_vectors_are_what_gensim_infers_from_the_same_start_by_the_same_noise(method, monkeypatch):
    fitted = Doc2Vec(dimensions=4, method=method, epochs=20, learning_rate=0.2, sample=0.5).fit(DATA)
    theirs = fitted._rebuilt()
    begin = fitted.net.array("begin")
    monkeypatch.setattr(gensim.models.doc2vec, "pseudorandom_weak_vector", lambda *_, **__: begin.copy())
    found = fitted.encode(DATA.test)
    for words, vector in zip(DATA.test.x, found, strict=True):
        theirs.random = np.random.RandomState(1)
        np.testing.assert_allclose(theirs.infer_vector([str(word) for word in words]), vector, rtol=1e-4, atol=1e-6)
    assert np.abs(found - begin).max() > 0.01, "they learn"


def test_nothing_depends_on_how_python_hashes_words_in_this_process(monkeypatch):
    def hashed(*_, **__):
        raise AssertionError("gensim seeds by the hash of words, which differs from process to process")

    for module in (gensim.models.doc2vec, gensim.models.word2vec):
        monkeypatch.setattr(module, "pseudorandom_weak_vector", hashed)
    one, again = (Doc2Vec(dimensions=2, epochs=2).fit(documents()).encode(documents(2, 1)) for _ in range(2))
    np.testing.assert_array_equal(one, again)


def test_bags_are_expanded_one_term_beside_the_other():
    bags = Bags(Ragged.of([[0, 5, 2], [3]]), 9, counts=Ragged.of([[2, 1, 3], [1]]))
    tokens = Tokens(Ragged.of([[0, 0, 5, 2, 2, 2], [3]]), 9)
    turned = Tokens(Ragged.of([[2, 5, 0, 2, 0, 2], [3]]), 9)
    for method in ("dbow", "dm"):
        fitted = Doc2Vec(dimensions=4, method=method, epochs=5, sample=0).fit(documents())
        np.testing.assert_array_equal(fitted.encode(bags), fitted.encode(tokens))
        assert not np.array_equal(fitted.encode(turned)[0], fitted.encode(tokens)[0])


def test_rare_words_are_left_out_and_a_document_of_none_other_is_zero():
    train = Tokens(Ragged.of([[0, 1, 0, 1], [0, 1, 2]]), 4)
    fitted = Doc2Vec(dimensions=3, least=2, epochs=2).fit(train)
    assert fitted.net.array("counts").tolist() == [3, 3, 0, 0]
    found = fitted.encode(Tokens(Ragged.of([[2, 3], [], [0, 2]]), 4))
    assert not found[:2].any()
    assert found[2].any()
    with pytest.raises(DataError, match="doc2vec: no word occurs 9 times or more; lower least"):
        Doc2Vec(least=9).fit(train)


@METHODS
def test_all_words_of_a_very_long_document_are_looked_at(method):
    rng = np.random.default_rng(0)
    one, other = rng.integers(5, size=10_000), rng.integers(4, 9, size=10_000)
    long = Tokens(Ragged.of([np.concatenate([one, other]), one]), 9)
    model = Doc2Vec(dimensions=4, method=method, epochs=2, sample=0)
    found = model.fit(documents()).encode(long)
    assert np.abs(found[0] - found[1]).max() > 0.01
    seen, cut = (model.fit(long.take(np.array([row]))).net.array("outer") for row in (0, 1))
    assert np.abs(seen[5:]).max() > 0.01  # words that are in the second half alone
    assert not cut[5:].any()
