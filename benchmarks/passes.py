"""What is timed of representations, each in a process of its own: see `benchmarks.turns` and `benchmarks.represent`.

Models learn from the generated passages by their own trainer; what a step costs is the CPU time that it reports.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import texts
from benchmarks.turns import Pass, timed

PROBE = 200
"Passages of a first training, by whose speed those of a pass are chosen."


def training(path: Path, name: str, settings: dict[str, Any], vocabulary: int, seconds: float, fused: bool) -> Pass:
    """Train a document model for about so many CPU-seconds a pass: symbols predicted per CPU-second of steps.

    Without `fused`, scores of words are made by torch's linear layer and compared by its cross-entropy.
    """
    import irkit.represent

    model_type = getattr(irkit.represent, name, None)
    if model_type is None:
        raise ImportError(f"this irkit has no {name}")
    model = model_type(model_type.config_type(**settings))
    if not fused:
        _unfuse()

    def train(documents: int) -> dict[str, Any]:
        part = texts.tokens(path, vocabulary, documents)
        trainer = model.trainer.changed(epochs=1, threads=1)
        fitted = model.fit(part, validate=False, trainer=trainer)
        count = int(fitted.predicted(part).lengths.sum())
        spent = fitted.training
        return {"wall": spent.wall, "cpu": spent.cpu, "rate": count / spent.cpu, "documents": len(part)}

    rate = PROBE / train(PROBE)["cpu"]
    documents = max(PROBE, int(rate * seconds))
    return lambda: train(documents)


def _unfuse() -> None:
    """Put torch's layer and loss in the place of the fused one, in this process."""
    from torch.nn.functional import cross_entropy, linear

    from irkit.learn import fused

    fused._apply = lambda h, weight, bias, y, learns: cross_entropy(linear(h, weight, bias), y, reduction="sum")


def encoding(path: Path, name: str, settings: dict[str, Any], vocabulary: int, documents: int, taught: int) -> Pass:
    """Fit a model on some bags, then encode many: documents a second, and the memory it takes."""
    import irkit.represent
    from irkit.learn.trainer import TrainerConfig

    model_type = getattr(irkit.represent, name)
    model = model_type(model_type.config_type(**settings))
    trainer = model.trainer.changed(threads=1)
    if type(trainer) is TrainerConfig:
        trainer = trainer.changed(epochs=1, steps=1)
    fitted = model.fit(texts.bags(path, vocabulary, taught), validate=False, trainer=trainer)
    given = texts.bags(path, vocabulary, documents)
    return lambda: {"size": fitted.encode(given).shape[1]}


def decomposition(path: Path, system: str, vocabulary: int, documents: int, dimensions: int) -> Pass:
    """Fit LSA or one of its peers, and say what singular values the axes that it found have.

    The peers get the matrix that LSA decomposes; LSA gets the documents, so its time has the counts and weights in it.
    """
    from irkit.represent.lsa import LSA, weighted
    from irkit.represent.solved import count_matrix, frequencies

    given = texts.tokens(path, vocabulary, documents)

    def matrix() -> Any:
        counts = count_matrix(given)
        return weighted(counts, frequencies(counts))

    def ours() -> Any:
        return LSA(dimensions=dimensions).fit(given, trainer=LSA.trainer.changed(threads=1)).net.array("axes")

    a = None if system == "irkit" else matrix()
    fit = ours if a is None else PEERS[system](a, dimensions)

    def go() -> dict[str, Any]:
        axes, took = timed(fit)
        return {**took, "values": singular_values(matrix() if a is None else a, axes)}

    return go


def singular_values(a: Any, axes: Any) -> list[float]:
    """Return those of A V for orthonormal axes V (terms, K): at most those of A, and the same where V is exact."""
    found = np.linalg.eigvalsh((projected := a @ axes).T @ projected)
    return np.sqrt(np.maximum(found[::-1], 0)).tolist()


def _scikit(algorithm: str, **settings: Any) -> Callable[[Any, int], Callable[[], Any]]:
    def prepare(a: Any, k: int) -> Callable[[], Any]:
        from sklearn.decomposition import TruncatedSVD

        return lambda: TruncatedSVD(k, algorithm=algorithm, random_state=1, **settings).fit(a).components_.T

    return prepare


def _gensim(a: Any, k: int) -> Callable[[], Any]:
    from gensim.matutils import Sparse2Corpus
    from gensim.models import LsiModel

    corpus, words = Sparse2Corpus(a, documents_columns=False), {at: str(at) for at in range(a.shape[1])}
    return lambda: LsiModel(corpus, num_topics=k, id2word=words, random_seed=1).projection.u


PEERS: dict[str, Callable[[Any, int], Callable[[], Any]]] = {
    "scikit-learn TruncatedSVD, arpack": _scikit("arpack"),
    "scikit-learn TruncatedSVD, randomized": _scikit("randomized"),
    "scikit-learn TruncatedSVD, randomized, 20 iterations": _scikit("randomized", n_iter=20),
    "gensim LsiModel": _gensim,
}
