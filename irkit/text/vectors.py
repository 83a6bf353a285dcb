"""Word vectors: one interface over files, vectors trained on a collection, and models' own vectors.

Symbols: V words, d dimensions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.atomic import writing
from irkit.errors import DataError, ShapeError
from irkit.rng import check_seed
from irkit.streams import readable
from irkit.text.vector_files import read_vectors, write_vectors
from irkit.wording import no_file


class Vectors:
    """Words with a vector each.

    Parameters
    ----------
    words : sequence of str, (V,)
        Unique.
    matrix : (V, d) float32, finite
        One row per word.
    analyzed : bool
        Whether the words are index terms already, as when trained on analysed text.

    Raises
    ------
    ShapeError
        If the numbers of words and rows differ.
    DataError
        If a word occurs twice or a number is not finite.
    """

    def __init__(self, words: Sequence[str], matrix: Floats, analyzed: bool = False) -> None:
        matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        if matrix.ndim != 2 or len(words) != len(matrix):
            raise ShapeError(
                f"vectors: needs one row per word, got {len(words)} words and a matrix of shape {matrix.shape}"
            )
        self.words = list(words)
        self.rows = {word: row for row, word in enumerate(self.words)}
        if len(self.rows) != len(self.words):
            twice = next(word for row, word in enumerate(self.words) if self.rows[word] != row)
            raise DataError(f"vectors: the word {twice!r} occurs twice; keep one row of each word")
        if not np.isfinite(matrix).all():
            bad = self.words[int(np.argmin(np.isfinite(matrix).all(axis=1)))]
            raise DataError(f"vectors: the vector of {bad!r} is not finite; drop or repair it")
        self.matrix = matrix
        self.analyzed = analyzed

    def __len__(self) -> int:
        return len(self.words)

    @property
    def size(self) -> int:
        """Dimensions of each vector."""
        return int(self.matrix.shape[1])

    @property
    def fingerprint(self) -> str:
        """Hash of words and numbers."""
        content = hashlib.blake2b(f"{self.analyzed}\n".encode() + "\n".join(self.words).encode(), digest_size=16)
        content.update(self.matrix.tobytes())
        return content.hexdigest()

    @classmethod
    def load(cls, path: str | Path, limit: int | None = None) -> Vectors:
        """Read what `save` wrote, or word2vec or GloVe vectors, text or binary, packed or not; the file tells which.

        Parameters
        ----------
        path : path
            See `irkit.text.vector_files`. Of a word that occurs twice the first vector counts.
        limit : int, optional
            Read only the first words, which are the most frequent in all common files.

        Raises
        ------
        NotFoundError
            If there is no such file.
        DataError
            `path:line: ...` if it is not in one of these formats, or a number is not finite.
        """
        path = Path(path)
        if not readable(path):
            raise no_file(path, "file of vectors")
        return cls(*read_vectors(path, limit))

    def save(self, path: str | Path) -> None:
        """Write the vectors to one `.npz` file, whole or not at all; `load` reads it back."""
        with writing(path) as file:
            self.write(file)

    def write(self, file: BinaryIO) -> None:
        """Write the vectors into an open file, as `save` does."""
        write_vectors(file, self.words, self.matrix, self.analyzed)

    def for_terms(self, terms: Sequence[str], analyze: Callable[[list[str]], list[list[str]]] | None = None) -> Vectors:
        """Give index terms vectors: the word itself, or for a stem the centroid of its surface forms.

        Parameters
        ----------
        terms : sequence of str
            The index vocabulary.
        analyze : function from texts to lists of terms, optional
            The index's analyser. Every word of these vectors that it turns into exactly one term
            counts as a surface form of that term; its unit vector joins the centroid. Not used where
            the words are index terms already.

        Returns
        -------
        Vectors
            Unit vectors of the terms that have one, in the order of `terms`; zero vectors are left out.
        """
        unit = unit_rows(self.matrix)
        wanted = {term: place for place, term in enumerate(terms)}
        stems = [[word] for word in self.words] if analyze is None or self.analyzed else analyze(self.words)
        place = np.array([wanted.get(stem[0], -1) if len(stem) == 1 else -1 for stem in stems], dtype=np.int64)
        total = np.zeros((len(terms), self.size), dtype=np.float32)
        np.add.at(total, place[place >= 0], unit[place >= 0])
        kept = np.flatnonzero(np.linalg.norm(total, axis=1) > 0)
        return Vectors([terms[row] for row in kept.tolist()], unit_rows(total[kept]))


def unit_rows(matrix: Floats) -> Floats:
    """Scale every row to unit length; zero rows stay zero."""
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Floats = np.divide(matrix, length, out=np.zeros_like(matrix), where=length > 0)
    return unit


def train_word2vec(
    texts: Iterable[list[str]], *, size: int = 100, epochs: int = 20, window: int = 8, min_count: int = 3, seed: int = 1
) -> Vectors:
    """Train skip-gram vectors with negative sampling on analysed texts; one thread, so that the seed decides.

    Source: Mikolov et al., "Distributed representations of words and phrases", NIPS 2013.
    """
    from gensim.models import Word2Vec

    model = Word2Vec(
        sentences=list(texts),
        vector_size=size,
        epochs=epochs,
        window=window,
        min_count=min_count,
        sg=1,
        seed=check_seed(seed),
        workers=1,
    )
    return Vectors(model.wv.index_to_key, model.wv.vectors, analyzed=True)


def train_ppmi_svd(
    ptr: Ints,
    ids: Ints,
    words: Sequence[str],
    *,
    size: int = 150,
    window: int = 8,
    shift: float = 0.0,
    seed: int = 1,
) -> Vectors:
    """Factorise the positive pointwise mutual information of words within a window.

    Source: Levy, Goldberg and Dagan, "Improving distributional similarity with lessons learned from
    word embeddings", TACL 2015 (eigenvalue weighting 1/2, context distribution smoothing 0.75).

    Parameters
    ----------
    ptr : (D + 1,) int
        Offsets of the documents in `ids`.
    ids : (tokens,) int
        Word numbers in running order.
    words : sequence of str, (V,)
    """
    from scipy.sparse import coo_matrix
    from sklearn.utils.extmath import randomized_svd

    count = len(words)
    doc = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    rows, columns = [], []
    for gap in range(1, window + 1):
        same = doc[gap:] == doc[:-gap]
        rows.append(ids[:-gap][same])
        columns.append(ids[gap:][same])
    left, right = np.concatenate(rows), np.concatenate(columns)
    pairs = coo_matrix((np.ones(len(left)), (left, right)), shape=(count, count)).tocsr()
    pairs = (pairs + pairs.T).tocoo()
    word = np.bincount(pairs.row, pairs.data, count)
    context = word**0.75
    context /= context.sum()
    pmi = np.log(pairs.data / (word[pairs.row] * context[pairs.col])) - shift
    positive = pmi > 0
    ppmi = coo_matrix((pmi[positive], (pairs.row[positive], pairs.col[positive])), shape=(count, count)).tocsr()
    u, s, _ = randomized_svd(ppmi, n_components=min(size, count - 1), random_state=check_seed(seed, most=2**32 - 1))
    return Vectors(words, u * np.sqrt(s), analyzed=True)
