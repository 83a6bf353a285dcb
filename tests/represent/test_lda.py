"""Tests of irkit.represent.lda: beside scikit-learn's own model, and topics that were planted."""

import numpy as np
import pytest
from sklearn.decomposition import LatentDirichletAllocation

from irkit.errors import ConfigError, DataError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.represent import LDA
from irkit.represent.solved import SolverConfig, count_matrix
from irkit.testing import check_model

WORDS = tuple("abcdefghi")


def documents(n=40, seed=0):
    """Documents of two kinds: of the first five words, or of the last five."""
    rng = np.random.default_rng(seed)
    return Tokens(Ragged.of([rng.integers(5, size=8) + 4 * (at % 2) for at in range(n)]), 9, words=WORDS)


@pytest.mark.parametrize("method", ["batch", "online"])
@pytest.mark.parametrize("alpha", [None, 0.3])
def test_vectors_are_what_scikit_learn_makes_of_each_document(method, alpha):
    fitted = LDA(topics=3, method=method, alpha=alpha, eta=0.2, iterations=4, batch_size=16).fit(
        documents(), trainer=SolverConfig(seed=7)
    )
    theirs = LatentDirichletAllocation(
        3,
        doc_topic_prior=alpha,
        topic_word_prior=0.2,
        learning_method=method,
        max_iter=4,
        batch_size=16,
        random_state=7,
    ).fit(count_matrix(documents()).toarray())
    np.testing.assert_allclose(fitted.net.array("components"), theirs.components_, rtol=1e-10)
    other = documents(6, seed=3)
    found = fitted.encode(other)
    np.testing.assert_allclose(found, theirs.transform(count_matrix(other).toarray()), rtol=1e-5)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)


def test_planted_topics_are_found():
    fitted = LDA(topics=2).fit(documents(200))
    tops = {frozenset(best) for best, _ in fitted.topics(5)}
    assert tops == {frozenset("abcde"), frozenset("efghi")}
    np.testing.assert_allclose(fitted.net.topics.sum(0), 1)
    found = fitted.encode(documents(20, seed=5))
    first = found[0].argmax()
    assert (found.argmax(1) == np.where(np.arange(20) % 2 == 0, first, 1 - first)).all()


def test_a_document_expects_the_words_of_its_topics():
    fitted = LDA(topics=2).fit(documents(), trainer=SolverConfig(seed=7))
    docs = documents(3, seed=5)
    theta, beta = fitted.encode(docs), fitted.net.array("components")
    by_hand = [
        [sum(theta[d, k] * beta[k, w] / beta[k].sum() for k in range(2)) for w in range(9)] for d in range(len(docs))
    ]
    np.testing.assert_allclose(np.exp(fitted.word_log_prob(docs)), by_hand, rtol=1e-5)


def test_it_keeps_to_the_contract_of_models(tmp_path):
    data = DataSet("toy", documents(), documents(4, 1), documents(5, 2))
    fitted = check_model(LDA(topics=2, iterations=2), data, tmp_path, trainer=SolverConfig(threads=1))
    np.testing.assert_array_equal(LDA.load(tmp_path / "saved").encode(data.test), fitted.encode(data.test))
    nothing = fitted.encode(Tokens(Ragged.of([[], [1]]), 9))
    np.testing.assert_allclose(nothing[0], 0.5)
    with pytest.raises(DataError, match="lda: topics are found in words, got documents without any; give some"):
        LDA(topics=2).fit(Tokens(Ragged.of([[], []]), 9))
    with pytest.raises(ConfigError, match="seed: must be a whole number from 0 to 2"):
        LDA(topics=2).fit(data, trainer=SolverConfig(seed=2**40))
