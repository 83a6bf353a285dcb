"""Collections without a card: a BEIR folder, or a folder with files under the usual names.

    documents.* (or docs, corpus, collection; a file or a folder)
    queries.* or topics.*        qrels.*

With several files of queries and judgements, the middle of their names is the split:
`queries.dev.tsv` goes with `qrels.dev.txt`.
"""

from __future__ import annotations

import re
from pathlib import Path

from irkit.errors import ConfigError, NotFoundError
from irkit.io import beir
from irkit.io.cards import (
    CARD_FILE,
    Card,
    DocumentsCard,
    QrelsCard,
    QueriesCard,
    RatingCollectionCard,
    RatingsCard,
    SplitCard,
    load_card,
)
from irkit.io.ratings import FILES
from irkit.packing import bare
from irkit.streams import readable

_DOCUMENTS = ("documents", "docs", "corpus", "collection")
_QUERIES = ("queries", "topics")
_QRELS = ("qrels", "qrel")


def folder_card(folder: Path) -> Card | RatingCollectionCard:
    """Return the card in a folder, or make one from the documents that lie there.

    Raises
    ------
    NotFoundError
        If there are no documents under a usual name.
    ConfigError
        If names leave open which file is meant, or queries and judgements do not pair up.
    """
    if (folder / CARD_FILE).is_file():
        return load_card(folder / CARD_FILE)
    name = _card_name(folder.resolve().name)
    about = f"The folder {folder.name}"
    if beir.is_beir(folder):
        splits = {
            split: SplitCard(qrels=path.relative_to(folder).as_posix()) for split, path in beir.splits(folder).items()
        }
        return Card(
            name=name,
            about=f"{about}, in BEIR's layout",
            documents=DocumentsCard(files=(beir.corpus_file(folder).name,), format="jsonl"),
            queries=QueriesCard(file=beir.queries_file(folder).name, format="jsonl", only_judged=bool(splits)),
            qrels=QrelsCard(format="tsv"),
            splits=splits,
            default_split=beir.default_split(list(splits)),
        )
    documents = _only(folder, "documents", _named(folder, _DOCUMENTS))
    queries, qrels = _named(folder, _QUERIES), _named(folder, _QRELS)
    if not documents:
        usual = ", ".join(f"{stem}.*" for stem in _DOCUMENTS)
        raise NotFoundError(
            f"{folder}: no documents ({usual}) and no corpus.jsonl; rename the files or write a {CARD_FILE}"
        )
    if len(queries) <= 1 and len(qrels) <= 1:
        return Card(
            name=name,
            about=about,
            documents=DocumentsCard(files=(documents,)),
            queries=QueriesCard(file=next(iter(queries.values()), None)),
            qrels=QrelsCard(file=next(iter(qrels.values()), None)),
        )
    if queries.keys() != qrels.keys():
        odd = sorted(queries.keys() ^ qrels.keys())[0] or "(none)"
        raise ConfigError(
            f"{folder}: split {odd!r} has not both queries and qrels; name them queries.SPLIT.* and qrels.SPLIT.*"
        )
    splits = {split: SplitCard(queries=queries[split], qrels=qrels[split]) for split in queries}
    return Card(
        name=name,
        about=about,
        documents=DocumentsCard(files=(documents,)),
        splits=splits,
        default_split=beir.default_split(list(splits)),
    )


def rating_card(path: Path) -> Card | RatingCollectionCard:
    """Return the card in a folder, or make one for a file of ratings or a folder that holds one.

    Raises
    ------
    NotFoundError
        If the folder has no file of ratings under a usual name.
    """
    if readable(path):
        about = f"The file {path.name}"
        return RatingCollectionCard(name=_card_name(path.name), about=about, ratings=RatingsCard(file=path.name))
    if (path / CARD_FILE).is_file():
        return load_card(path / CARD_FILE)
    file = next((name for name in FILES if (path / name).is_file()), None)
    if file is None:
        raise NotFoundError(
            f"{path}: no ratings ({', '.join(FILES)}); name the file of ratings, or write a {CARD_FILE}"
        )
    name = _card_name(path.resolve().name)
    return RatingCollectionCard(name=name, about=f"The folder {path.name}", ratings=RatingsCard(file=file))


def _card_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", name).lstrip("_.+-") or "folder"


def _named(folder: Path, stems: tuple[str, ...]) -> dict[str, str]:
    """Return files by the middle of their names, for names that start with one of the stems."""
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        parts = bare(path.name.lower()).name.split(".")
        if parts[0] not in stems or (path.is_dir() and stems is not _DOCUMENTS):
            continue
        middle = ".".join(parts[1:-1])
        if middle in found:
            raise ConfigError(f"{folder}: {found[middle]} and {path.name} compete; keep one or write a {CARD_FILE}")
        found[middle] = path.name
    return found


def _only(folder: Path, what: str, found: dict[str, str]) -> str | None:
    if len(found) > 1:
        raise ConfigError(f"{folder}: several {what} ({', '.join(found.values())}); keep one or write a {CARD_FILE}")
    return next(iter(found.values()), None)
