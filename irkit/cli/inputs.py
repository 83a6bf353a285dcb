"""What stands on a command line, turned into documents, indexes, queries and judgements."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError, NotFoundError
from irkit.streams import readable

UTF8 = "utf-8"

if TYPE_CHECKING:
    from irkit.documents import Document
    from irkit.frames import Qrels, Queries
    from irkit.lucene import Index
    from irkit.pipeline import Stage
    from irkit.recipe import Recipe


SHOWN = 8
"Digits of a hash that are printed for people; JSON has all of them."


def documents(source: str, format: str, encoding: str = UTF8) -> Iterator[Document]:
    """Read the documents of a file, a folder or a collection.

    A folder that holds a collection (documents, queries, judgements) gives its documents, any other
    one all its files.
    """
    from irkit.io import load_collection, read_documents

    path = as_path(source)
    told = format != "auto" or encoding != UTF8
    if path is not None and readable(path):
        return read_documents(path, format, encoding=encoding)
    if told and path is not None and path.is_dir():
        if _is_collection(source):  # its queries and judgements are no documents
            raise ConfigError(f"index: {source} holds a collection; beside --format or --encoding name its documents")
        return read_documents(path, format, encoding=encoding)
    if told:
        raise ConfigError(f"index: --format and --encoding are for files and folders, got {source}; leave them out")
    try:
        return load_collection(source).documents()
    except NotFoundError:
        if path is not None and path.is_dir():
            return read_documents(path)
        raise


def as_path(source: str) -> Path | None:
    """Return the file or folder that a source means; None where it means a collection by its name."""
    from irkit.locate import given_path, names

    return None if source.startswith("irds:") else given_path(source, names("data"))


def _is_collection(folder: str) -> bool:
    from irkit.io import load_collection

    try:
        load_collection(folder)
    except (NotFoundError, ConfigError):
        return False
    return True


def opened(source: str) -> Index:
    """Open an index folder, or the index of a collection, built on first use."""
    from irkit.lucene import Index

    if is_index(source):
        return Index.open(Path(source).expanduser())
    from irkit.evaluate import collection_index
    from irkit.io import load_collection

    return collection_index(load_collection(source), progress=sys.stderr.isatty())


def is_index(source: str) -> bool:
    """Say whether a source means a folder with a Lucene index."""
    path = as_path(source)
    return path is not None and os.path.isdir(path) and any(path.glob("segments_*"))


def data_hash(source: str) -> str:
    """Return the hash of the data that a collection or index holds, whatever its name; empty for a file."""
    from irkit.io import load_collection

    path = as_path(source)
    if path is not None and not os.path.isdir(path):
        return ""
    try:
        return opened(source).fingerprint if is_index(source) else load_collection(source).fingerprint
    except NotFoundError:  # a folder may hold judgements without documents
        return ""


def data_line(source: str) -> str:
    """Say which data a source held, in digits short enough to compare by eye; empty for a file."""
    found = data_hash(source)
    return f"{source}: data {found[:SHOWN]}" if found else ""


def topics(
    source: str, queries: Path | None, split: str | None = None, format: str = "auto", encoding: str = UTF8
) -> Queries:
    """Return the queries of a file, or else of the collection."""
    from irkit.io import load_collection, read_queries

    if queries is not None:
        if split is not None:
            raise ConfigError("run: --split chooses among a collection's queries; leave it out beside --queries")
        return read_queries(queries, format, encoding=encoding)
    if format != "auto" or encoding != UTF8:
        raise ConfigError("run: --format and --encoding are for a file of queries; leave them out, or give --queries")
    if is_index(source):
        raise ConfigError(f"run: {source} is an index and has no queries; give a file with --queries")
    return load_collection(source).queries(split)


def judgements(source: str, split: str | None = None, format: str = "auto", encoding: str = UTF8) -> tuple[Qrels, bool]:
    """Return the judgements of a file or collection, and whether a document is no answer to itself."""
    from irkit.io import load_collection, read_qrels

    path = as_path(source)
    if path is not None and readable(path):
        if split is not None:
            raise ConfigError(f"--split chooses among a collection's judgements, got the file {source}; leave it out")
        return read_qrels(path, format, encoding=encoding), False
    if format != "auto":
        raise ConfigError(f"--format is for a file of judgements, got {source}; leave it out")
    collection = load_collection(source)
    return collection.qrels(split), collection.exclude_self


def prepared(recipe: str, settings: Sequence[str] | None, vectors: str | None, *, fits: bool = False) -> Recipe:
    """Load a recipe with some settings changed, and see that its needs can be met; `fits` is for judgements."""
    from irkit.pipeline import Topics
    from irkit.recipe import load_recipe, parse_settings

    loaded = load_recipe(recipe)
    if settings:
        loaded = loaded.with_settings(parse_settings(settings))
    if "vectors" in loaded.needs and vectors is None:
        raise ConfigError(f"recipe {loaded.name}: needs word vectors; give a file, or --vectors trained:ppmi-svd")
    judged = loaded.learns_from == (Topics,)
    known = ("index", "vectors", *["train"] * (fits and judged))
    lacking = [need for need in loaded.needs if need not in known]
    if lacking:
        instead = ("irkit run --train" if judged else "irkit recommend") if lacking == ["train"] else "Python"
        raise ConfigError(
            f"recipe {loaded.name}: needs {', '.join(lacking)}, which this command cannot give; use {instead}"
        )
    return loaded


def resources(recipe: Recipe, source: str, vectors: str | None) -> dict[str, Any]:
    """Open what a recipe needs: the index of a source, and word vectors."""
    held: dict[str, Any] = {}
    if "index" in recipe.needs:
        held["index"] = opened(source)
    if "vectors" in recipe.needs and vectors is not None:
        held["vectors"] = _vectors(vectors, source, held.get("index"))
    return held


def built(recipe: Recipe, source: str, vectors: str | None) -> Stage:
    """Build a recipe on the index of a source; it must lead from queries to results."""
    pipeline = recipe.build(**resources(recipe, source, vectors))
    if pipeline.takes != "queries" or pipeline.gives != "results":
        raise ConfigError(
            f"recipe {recipe.name}: goes from {pipeline.takes} to {pipeline.gives}, "
            "a run goes from queries to results; start it with a retriever"
        )
    return pipeline


def _vectors(name: str, source: str, index: Any) -> Any:
    from irkit.evaluate.resources import suite_vectors
    from irkit.io import load_collection

    if not name.startswith("trained:"):
        return suite_vectors(name, None, index)  # type: ignore[arg-type]  # a file needs no collection
    if is_index(source):
        raise ConfigError(f"--vectors {name} trains on a collection's documents, got the index {source}; name a file")
    return suite_vectors(name, load_collection(source), index)
