"""What stands on a command line, turned into documents, indexes, queries and judgements."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.errors import ConfigError, FrameError, NotFoundError
from irkit.recipe.resources import is_index, open_index, source_path
from irkit.streams import readable

UTF8 = "utf-8"

if TYPE_CHECKING:
    from irkit.cli.ratings import RatingsLayout
    from irkit.documents import Document
    from irkit.evaluate import Evaluation
    from irkit.frames import Qrels, Queries
    from irkit.recommend import RatingTable


SHOWN = 8
"Digits of a hash that are printed for people; JSON has all of them."


def documents(source: str, format: str, encoding: str = UTF8) -> Iterator[Document]:
    """Read the documents of a file, a folder or a collection.

    A folder that holds a collection (documents, queries, judgements) gives its documents, any other
    one all its files.
    """
    from irkit.io import read_documents
    from irkit.io.documents.formats import document_pages
    from irkit.io.library.catalogue import load_searchable

    if is_index(source):
        raise ConfigError(f"index: {source} is an index already; name the documents")
    path = source_path(source)
    told = format != "auto" or encoding != UTF8
    if told and path is not None and path.is_dir() and document_pages(path, format) is not None:
        return read_documents(path, format, encoding=encoding)
    if path is not None and readable(path):
        return read_documents(path, format, encoding=encoding)
    if told and path is not None and path.is_dir():
        if _is_collection(source):  # its queries and judgements are no documents
            raise ConfigError(f"index: {source} holds a collection; beside --format or --encoding name its documents")
        return read_documents(path, format, encoding=encoding)
    if told:
        raise ConfigError(f"index: --format and --encoding are for files and folders, got {source}; leave them out")
    try:
        return load_searchable(source).documents()
    except NotFoundError:
        if path is not None and path.is_dir():
            return read_documents(path)
        raise


def _is_collection(folder: str) -> bool:
    from irkit.io import load_collection

    try:
        load_collection(folder)
    except (NotFoundError, ConfigError):
        return False
    return True


def data_hash(source: str) -> str:
    """Return the hash of the data that a collection or index holds, whatever its name; empty for a file."""
    from irkit.io import load_collection

    path = source_path(source)
    if path is not None and not os.path.isdir(path):
        return ""
    try:
        return open_index(source).fingerprint if is_index(source) else load_collection(source).fingerprint
    except NotFoundError:  # a folder may hold judgements without documents
        return ""


def data_line(source: str) -> str:
    """Say which data a source held, in digits short enough to compare by eye; empty for a file."""
    found = data_hash(source)
    return f"{source}: data {found[:SHOWN]}" if found else ""


def topics(
    source: str,
    queries: Path | None,
    split: str | None = None,
    format: str = "auto",
    encoding: str = UTF8,
    *,
    who: str,
) -> Queries:
    """Return the queries of a file, or else of the collection."""
    from irkit.io import load_collection, read_queries

    if queries is not None:
        if split is not None:
            raise ConfigError(f"{who}: --split chooses among a collection's queries; leave it out beside --queries")
        return read_queries(queries, format, encoding=encoding)
    if format != "auto" or encoding != UTF8:
        message = "--format and --encoding are for a file of queries; leave them out, or give --queries"
        raise ConfigError(f"{who}: {message}")
    if is_index(source):
        raise ConfigError(f"{who}: {source} is an index and has no queries; give a file with --queries")
    return load_collection(source).queries(split)


def judgements(
    source: str,
    split: str | None = None,
    format: str = "auto",
    encoding: str = UTF8,
    *,
    who: str,
    liked: float | None = None,
) -> tuple[Qrels, bool]:
    """Return the judgements of a file or collection, and whether a document is no answer to itself.

    Ratings are judgements of lists: relevant is what is rated `liked` or more.
    """
    from irkit.cli.lists import rated
    from irkit.io import load_collection, read_qrels

    if format == "auto" and (found := rated(source, split, liked, encoding)) is not None:
        return found, False
    if liked is not None:
        raise ConfigError(f"{who}: --liked is for ratings in the place of judgements, got {source}; leave it out")
    path = source_path(source)
    if path is not None and readable(path):
        if split is not None:
            message = f"--split chooses among a collection's judgements, got the file {source}; leave it out"
            raise ConfigError(f"{who}: {message}")
        return read_qrels(path, format, encoding=encoding), False
    if format != "auto":
        raise ConfigError(f"{who}: --format is for a file of judgements, got {source}; leave it out")
    collection = load_collection(source)
    return collection.qrels(split), collection.exclude_self


def trained_on(
    measures: Sequence[Any], train: str | None, layout: RatingsLayout | None, encoding: str, *, who: str
) -> RatingTable | None:
    """Return the ratings that lists were learned from, for measures that need them, and none for others."""
    from irkit.evaluate.beyond import is_beyond

    beyond = next((str(measure) for measure in measures if is_beyond(str(measure))), None)
    if beyond is not None and train is None:
        what = "is of lists of recommendations and needs the ratings that they were learned from"
        raise ConfigError(f"{who}: {beyond} {what}; give --train, a file or a collection's name")
    if beyond is None and train is not None:
        raise ConfigError(
            f"{who}: --train is for measures of lists of recommendations; ask for one, as in -m Coverage@10, or leave "
            "--train out"
        )
    told = layout.options() if layout is not None else {}
    if train is None:
        if told:
            raise ConfigError(
                f"{who}: --{next(iter(told))} is for the ratings of --train; leave it out, or give --train"
            )
        return None
    from irkit.recommend import load_ratings

    path = source_path(train)
    return load_ratings(train, encoding=encoding if path is not None and path.exists() else UTF8, **told)


def measured_run(
    path: Path, qrels: Qrels, measures: Any, *, encoding: str, exclude_self: bool, train: RatingTable | None
) -> tuple[Evaluation, tuple[str, ...]]:
    """Read a run file, measure it, and return that and its tags; what does not fit the judgements names the file."""
    from irkit.cli.lists import listed
    from irkit.evaluate import evaluate
    from irkit.io.documents.runs import read_tagged_run

    lists, tags = listed(path, encoding), tuple[str, ...]()
    if lists is None:
        lists, tags = read_tagged_run(path, encoding=encoding)
    try:
        return evaluate(lists, qrels, measures, exclude_self=exclude_self, train=train), tags
    except FrameError as error:
        raise FrameError(f"{path}: {str(error).removeprefix('evaluate: ')}") from None


def check_tag(tag: str | None, *, who: str) -> None:
    """Refuse a tag that no run file can hold, before anything is run."""
    if tag is not None and tag.split() != [tag]:
        raise ConfigError(f"{who}: --tag may not be empty or hold white space, got {tag!r}; write one word")
