"""Word vectors by the words that stand for them: a file, or trained on the documents of a collection."""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.config import digest
from irkit.errors import ConfigError, NotFoundError, near_misses
from irkit.kept import found, keep
from irkit.locate import collections_home, find, given_path, home
from irkit.locks import turn
from irkit.streams import readable
from irkit.text.vectors import Vectors, train_ppmi_svd, train_word2vec
from irkit.wording import near_files

if TYPE_CHECKING:
    from irkit.io import Collection, PoolsCollection
    from irkit.lucene import Index

log = logging.getLogger(__name__)

TRAINED = ("trained:ppmi-svd", "trained:word2vec")
"Vectors that are trained on the collection itself."


def open_vectors(
    name: str, collection: Collection | PoolsCollection | None = None, index: Index | None = None
) -> Vectors:
    """Return word vectors by name.

    Parameters
    ----------
    name : str
        `trained:ppmi-svd` or `trained:word2vec` trains on the collection's documents, analysed as the
        index is; `trained:` with a training recipe, such as trained:docnade-retrieval, takes the word
        vectors of its model, fitted to the documents of the index; anything else is a file: a path, or
        else a path below `IRKIT_DATA`, where a bare name is sought first.
    collection : Collection or PoolsCollection, optional
        What is trained on.
    index : Index, optional
        Of the collection.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ConfigError
        If there is nothing to train on.
    """
    if name in TRAINED:
        if collection is None or index is None:
            raise ConfigError(f"vectors: {name} are trained on the documents of a collection; name one, or give a file")
        return _trained(name, collection, index)
    if name.startswith("trained:"):
        return _of_model(name, index)
    root = collections_home()
    below = root / name if root is not None and (root / name).is_file() else None
    path = given_path(name, [] if below is None else [name])
    if path is None or not readable(path):
        path = below
    if path is None:
        close = near_files(name)
        todo = near_misses(name, close) if close else "check the path"
        raise NotFoundError(f"vectors: there is no file {name!r} here or below IRKIT_DATA; {todo}")
    return Vectors.load(path)


def _of_model(name: str, index: Index | None) -> Vectors:
    """Return the word vectors of a model of documents that learned those of an index."""
    from irkit.recipe.encoders import open_encoder

    recipe = name.removeprefix("trained:")
    try:
        find("pipelines", recipe)
    except NotFoundError:
        raise NotFoundError(
            f"vectors: there is no {name!r}; {near_misses(name, TRAINED)}, or a training recipe"
        ) from None
    if index is None:
        raise ConfigError(f"vectors: {name} are trained on the documents of an index; name one, or give a file")
    encoder: Any = open_encoder(recipe, index)
    found: Vectors = encoder.model.word_vectors()
    return found


def _trained(name: str, collection: Collection | PoolsCollection, index: Index) -> Vectors:
    """Train once per collection and analyser; the result is kept in the user's folder."""
    key = digest(name, collection.fingerprint, index.analyzer.name)
    path = home() / "vectors" / f"{Path(collection.name).name}-{key[:16]}.npz"
    kept = found(path, Vectors.load)
    if kept is None:
        with turn(path, f"trains {name.removeprefix('trained:')} vectors on {collection.name}"):
            kept = found(path, Vectors.load)
            if kept is None:
                log.info("%s: is trained on %s", name, collection.name)
                kept = _train(name, collection, index)
                keep(path, kept.write)
    return kept


def _train(name: str, collection: Collection | PoolsCollection, index: Index) -> Vectors:
    ptr, ids, words = index.analyzer.encode([document.text for document in collection.documents()])
    names = words.to_pylist()
    if name == "trained:ppmi-svd":
        return train_ppmi_svd(ptr, ids, names)
    texts: Any = ([names[word] for word in ids[begin:end]] for begin, end in pairwise(ptr))
    return train_word2vec(texts)
