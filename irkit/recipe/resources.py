"""What a recipe may need, in one table: what it is, what opens it in Python, and from which word elsewhere.

A word is what stands on a command line, in a suite or in a request: the name or the path of something.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError
from irkit.locate import given_path, holds_index, names
from irkit.registry import OPENERS

if TYPE_CHECKING:
    from irkit.lucene import Index

Words = Mapping[str, str | None]
"The word for each resource, None where none is given."


@dataclass(frozen=True)
class Resource:
    """One kind of thing that a recipe may need."""

    about: str
    "What it is."
    example: str
    "What opens it in Python is given: a folder, a file or a name."
    open: Callable[[Words, Mapping[str, Any]], Any]
    "Opens it, given all words and what is open already."
    todo: str
    "What to do on a command line that lacks it."


def open_resources(needs: Iterable[str], words: Words, *, who: str) -> dict[str, Any]:
    """Open what a recipe needs.

    Parameters
    ----------
    needs : iterable of str
        As a recipe's `needs`.
    words : mapping
        The word for each resource.
    who : str
        The command, or whatever else was given the words; it begins the errors.

    Returns
    -------
    dict
        To be given to the recipe's `build`.

    Raises
    ------
    ConfigError
        If there is no word for something.
    IrkitError
        If something cannot be opened.
    """
    wanted = list(needs)
    check_words(wanted, words, who=who)
    held: dict[str, Any] = {}
    for need in sorted(wanted, key=list(RESOURCES).index):
        try:
            held[need] = RESOURCES[need].open(words, held)
        except ConfigError as error:
            raise ConfigError(f"{who}: {error}") from None
    return held


def check_words(needs: Iterable[str], words: Words, *, who: str) -> None:
    """Raise `ConfigError` unless there is a word for everything that is needed; nothing is opened."""
    for need in needs:
        if need not in RESOURCES:
            raise ConfigError(f"{who}: {need!r} is needed, which has no word; in Python call build({need}=...)")
        if words.get(need) is None:
            resource = RESOURCES[need]
            raise ConfigError(f"{who}: {need} is needed, {resource.about}; {resource.todo}")


def in_python(need: str) -> str:
    """Say how a resource is given to `build`.

    Examples
    --------
    >>> in_python("index")
    "index=irkit.Index.open('folder')"
    """
    return f"{need}={OPENERS[need]}({RESOURCES[need].example})" if need in RESOURCES else f"{need}=..."


# ---------------------------------------------------------------------- opening


def source_path(source: str) -> Path | None:
    """Return the file or folder that a source means; None where it means a collection by its name."""
    return None if source.startswith("irds:") else given_path(source, names("data"))


def is_index(source: str) -> bool:
    """Say whether a source means a folder with a Lucene index."""
    path = source_path(source)
    return path is not None and os.path.isdir(path) and holds_index(path)


def open_index(source: str) -> Index:
    """Open an index folder, or the index of a collection, built on first use."""
    from irkit.lucene import Index

    if is_index(source):
        return Index.open(Path(source).expanduser())
    from irkit.recipe.indexes import collection_index

    return collection_index(source, progress=True)


def _index(words: Words, held: Mapping[str, Any]) -> Any:
    return open_index(str(words["index"]))


def _vectors(words: Words, held: Mapping[str, Any]) -> Any:
    from irkit.recipe.vectors import TRAINED, open_vectors

    name, source = str(words["vectors"]), words.get("index")
    if not name.startswith("trained:") or source is None:
        return open_vectors(name)
    if name not in TRAINED:
        return open_vectors(name, None, held.get("index") or open_index(source))
    if is_index(source):
        raise ConfigError(f"vectors: {name} trains on a collection's documents, got the index {source}; name a file")
    from irkit.io import load_collection

    return open_vectors(name, load_collection(source), held.get("index") or open_index(source))


def _encoder(words: Words, held: Mapping[str, Any]) -> Any:
    from irkit.recipe.encoders import open_encoder

    return open_encoder(str(words["encoder"]), held.get("index") or open_index(str(words["index"])))


def _cross_encoder(words: Words, held: Mapping[str, Any]) -> Any:
    from irkit.recipe.encoders import open_cross_encoder

    return open_cross_encoder(str(words["cross_encoder"]))


def _train(words: Words, held: Mapping[str, Any]) -> Any:
    from irkit.recommend import load_ratings

    return load_ratings(str(words["train"]))


RESOURCES: dict[str, Resource] = {
    "index": Resource("a Lucene index", "'folder'", _index, "name a collection or an index folder"),
    "vectors": Resource("word vectors", "'file'", _vectors, "give --vectors and a file, or --vectors trained:ppmi-svd"),
    "encoder": Resource(
        "a model of documents", "'lsa', index", _encoder, "give --encoder and a recipe such as lsa, or a trained model"
    ),
    "cross_encoder": Resource(
        "a model that reads query and text together",
        "'cross-encoder:folder'",
        _cross_encoder,
        "give --cross-encoder and a model's folder, as in cross-encoder:models/mini",
    ),
    "train": Resource("the ratings to be fitted on", "'file'", _train, "use irkit recommend"),
}
"In the order they are opened."
