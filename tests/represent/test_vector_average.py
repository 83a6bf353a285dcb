"""Tests of irkit.represent.vector_average: averages by hand, of given vectors and of those of the documents."""

import numpy as np
import pytest

from irkit.errors import ConfigError, DataError
from irkit.io.kinds import Bags, DataSet, Ragged, Tokens
from irkit.represent import VectorAverage
from irkit.represent.solved import SolverConfig
from irkit.testing import check_model
from irkit.text.vectors import Vectors, train_ppmi_svd

WORDS = tuple("abcd")
TRAIN = Tokens(Ragged.of([[0, 1, 1], [1, 2], [1, 3, 0], [1]]), 4, words=WORDS)
TEST = Tokens(Ragged.of([[0, 2, 2, 1], [3], [], [1]]), 4, words=WORDS)
GIVEN = Vectors(["c", "a", "b", "z"], [[1, 0], [0, 2], [3, 3], [9, 9]])


def test_vectors_are_averages_weighted_by_idf():
    found = VectorAverage(given=GIVEN).fit(TRAIN).encode(TEST)
    a, c = np.log(4 / 2), np.log(4 / 1)  # b is in every document, d has no vector
    np.testing.assert_allclose(found[0], (a * np.array([0, 2]) + 2 * c * np.array([1, 0])) / (a + 2 * c), rtol=1e-6)
    assert not found[1:].any()


def test_vectors_are_plain_averages_where_words_do_not_weigh():
    found = VectorAverage(given=GIVEN, weight="none").fit(TRAIN).encode(TEST)
    np.testing.assert_allclose(found, [[(0 + 2 + 3) / 4, (2 + 0 + 3) / 4], [0, 0], [0, 0], [3, 3]], rtol=1e-6)


def test_given_vectors_may_be_a_file_and_are_kept_in_the_models_own(tmp_path):
    GIVEN.save(tmp_path / "vectors.npz")
    fitted = VectorAverage(vectors=str(tmp_path / "vectors.npz"), dimensions=2).fit(TRAIN)
    fitted.save(tmp_path / "model")
    (tmp_path / "vectors.npz").unlink()
    again = VectorAverage.load(tmp_path / "model")
    np.testing.assert_array_equal(again.encode(TEST), VectorAverage(given=GIVEN).fit(TRAIN).encode(TEST))
    assert again.words == WORDS
    bags = Bags(Ragged.of([[2, 0, 1]]), 4, counts=Ragged.of([[2, 1, 1]]))
    np.testing.assert_allclose(again.encode(bags), again.encode(TEST)[:1], rtol=1e-6)


def test_vectors_of_the_documents_are_those_of_their_pointwise_mutual_information(tmp_path):
    rng = np.random.default_rng(0)
    each = [rng.integers(9, size=8) for _ in range(30)]
    train = Tokens(Ragged.of(each), 9)
    made = train_ppmi_svd(np.arange(31) * 8, np.concatenate(each), list("abcdefghi"), size=3, window=2, seed=5).matrix
    model = VectorAverage(dimensions=3, window=2)
    fitted = model.fit(train, trainer=SolverConfig(seed=5))
    np.testing.assert_array_equal(fitted.net.array("vectors"), made)
    check_model(model, DataSet("toy", train, train, train.cut(4)), tmp_path, trainer=SolverConfig(threads=1))


def test_what_does_not_fit_is_said_in_a_line(tmp_path):
    GIVEN.save(tmp_path / "v.npz")
    with pytest.raises(
        ConfigError, match="must be those of the vectors, got 150 for vectors of 2; set dimensions to 2"
    ):
        VectorAverage(vectors=str(tmp_path / "v.npz")).fit(TRAIN)
    with pytest.raises(ConfigError, match="vector-average: documents do not know their words"):
        VectorAverage(given=GIVEN).fit(Tokens(TRAIN.x, 4))
    with pytest.raises(ConfigError, match="vector-average: no word of the documents has a vector"):
        VectorAverage(given=GIVEN).fit(Tokens(TRAIN.x, 4, words=tuple("efgh")))
    with pytest.raises(DataError, match="vector-average: no document has two words, of which vectors are made"):
        VectorAverage().fit(Tokens(Ragged.of([[0], [1]]), 4))
    for documents in (Tokens(Ragged.of([[0, 0], [0]]), 1), Tokens(Ragged.of([[1, 1, 1]]), 3)):
        with pytest.raises(DataError, match="vector-average: no words meet more often than by chance, got"):
            VectorAverage().fit(documents)
    folder = tmp_path / "run"
    folder.mkdir()
    VectorAverage(given=GIVEN).fit(TRAIN, folder=folder)
    other = Vectors(GIVEN.words, GIVEN.matrix + 1)
    with pytest.raises(ConfigError, match="belongs to another run"):
        VectorAverage(given=other).fit(TRAIN, folder=folder, resume=True)
