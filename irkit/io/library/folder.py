"""Data without a card: files and folders that are known by their names.

    documents.* (or docs, corpus, collection; a file or a folder)      texts, as is a BEIR folder
    *.txt, *.md, *.html, in any folders                                texts for whoever searches, a document each
    queries.* or topics.*        qrels.*
    u.data, ratings.csv, ...; train.csv, test.csv, ...                 ratings (`irkit.io.library.rating_splits`)
    my.npy, my.npz, my.csv; train.npy, valid.npy, test.npy             rows
    <any>.train.data, <any>.valid.data, <any>.test.data                rows of bits
    *.png, *.jpg, ...; or such in train/, valid/ and test/             pictures
    my.mat with cells traindata, validdata and testdata                sequences, piano rolls
    my.csv, my.tsv, my.jsonl with a column `text`                      tokens
    train.csv (valid.csv, test.csv) with one, or train.txt             tokens
    train.txt, vali.txt, test.txt; or such in Fold1, Fold2, ...        pools, of lines `<label> qid:<id> 1:<value> ...`
    my.csv, my.tsv, my.jsonl with `question`, `answer` and `label`     pools
    train.csv, valid.csv, test.csv with these; or such in folds        pools
    *.txt; or such in folders of labels, of parts, of both             tokens; an archive of them too

With several files of queries and judgements, the middle of their names is the split:
`queries.dev.tsv` goes with `qrels.dev.txt`. The part of pools to stop by may also be `valid.txt`, `validation.txt`,
`val.txt` or `dev.txt`; of tables of answers likewise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from irkit.errors import ConfigError, NotFoundError
from irkit.io.documents import beir
from irkit.io.documents.formats import document_pages
from irkit.io.kinds import PARTS
from irkit.io.library.cards import CARD_FILE, AnyCard, load_card
from irkit.io.library.parts_card import PartsCard
from irkit.io.library.pools_card import FoldCard, PoolsCard
from irkit.io.library.rating_card import RatingCard, RatingsCard
from irkit.io.library.rating_splits import own_splits
from irkit.io.library.text_card import DocumentsCard, QrelsCard, QueriesCard, SplitCard, TextCard
from irkit.io.pools.answers import TABLES, begins_as_answers
from irkit.io.pools.letor import begins_as_letor
from irkit.io.ratings.files import FILES
from irkit.io.rows.own import picture_files
from irkit.io.texts.files import ARCHIVES, has_texts
from irkit.locate import holds_index
from irkit.packing import bare, copies
from irkit.streams import readable

_DOCUMENTS = ("documents", "docs", "corpus", "collection")
_QUERIES = ("queries", "topics")
_QRELS = ("qrels", "qrel")
_ROWS = ("npy", "npz", "csv")
_POOLS = {"train": ("train",), "valid": ("vali", "valid", "validation", "val", "dev"), "test": ("test",)}


class _Format(NamedTuple):
    """How files of pools are known."""

    suffixes: tuple[str, ...]
    begins: Callable[[Path], bool]


_FORMATS = {"letor": _Format(("txt",), begins_as_letor), "answers": _Format(TABLES, begins_as_answers)}


def folder_card(folder: Path) -> AnyCard:
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
        return TextCard(
            name=name,
            about=f"{about}, in BEIR's layout",
            documents=DocumentsCard(files=(beir.corpus_file(folder).name,), format="jsonl"),
            queries=QueriesCard(file=beir.queries_file(folder).name, format="jsonl", only_judged=bool(splits)),
            qrels=QrelsCard(format="tsv"),
            splits=splits,
            default_split=beir.default_split(list(splits)),
        )
    documents = _only(folder, "documents", _named(folder, _DOCUMENTS))
    queries, qrels, format = _named(folder, _QUERIES), _named(folder, _QRELS), "auto"
    if not documents:
        if (pools := pools_card(folder)) is not None:  # whoever asks for texts is told what it is
            return pools
        if document_pages(folder) is not None:
            documents, format = ".", "files"
    if not documents and holds_index(folder):
        raise NotFoundError(f"{folder}: is an index, and no collection; name the collection that it was built of")
    if not documents:
        usual = ", ".join(f"{stem}.*" for stem in _DOCUMENTS)
        raise NotFoundError(
            f"{folder}: no documents ({usual}), no corpus.jsonl and no .txt, .md or .html files; rename "
            f"the files or write a {CARD_FILE}"
        )
    if len(queries) <= 1 and len(qrels) <= 1:
        return TextCard(
            name=name,
            about=about,
            documents=DocumentsCard(files=(documents,), format=format),
            queries=QueriesCard(file=next(iter(queries.values()), None)),
            qrels=QrelsCard(file=next(iter(qrels.values()), None)),
        )
    if queries.keys() != qrels.keys():
        odd = sorted(queries.keys() ^ qrels.keys())[0] or "(none)"
        raise ConfigError(
            f"{folder}: split {odd!r} has not both queries and qrels; name them queries.SPLIT.* and qrels.SPLIT.*"
        )
    splits = {split: SplitCard(queries=queries[split], qrels=qrels[split]) for split in queries}
    return TextCard(
        name=name,
        about=about,
        documents=DocumentsCard(files=(documents,), format=format),
        splits=splits,
        default_split=beir.default_split(list(splits)),
    )


def rating_card(path: Path) -> AnyCard:
    """Return the card in a folder, or make one for a file of ratings or a folder that holds one, or splits of them.

    Raises
    ------
    NotFoundError
        If the folder has no file of ratings under a usual name.
    """
    if readable(path):
        about = f"The file {path.name}"
        return RatingCard(name=_card_name(path.name), about=about, ratings=RatingsCard(file=path.name))
    if (path / CARD_FILE).is_file():
        return load_card(path / CARD_FILE)
    file = next((name for name in FILES if (path / name).is_file()), None)
    splits = own_splits(path) if path.is_dir() else {}
    if file is None and not splits:
        raise NotFoundError(
            f"{path}: no ratings ({', '.join(FILES)}; train.* and test.*); name the file of ratings, or write a "
            f"{CARD_FILE}"
        )
    name, first = _card_name(path.resolve().name), next(iter(splits.values()), None)
    reading = RatingsCard(file=file if file or first is None else (first.train, first.test))
    return RatingCard(name=name, about=f"The folder {path.name}", ratings=reading, splits=splits)


def parts_card(path: Path) -> AnyCard | None:
    """Return the card in a folder, or make one for a file or folder of rows, pictures or texts; None if it is none.

    The files that the card names lie in the folder of `path`, or in `path` itself where the card is found there.
    """
    if readable(path):
        return _file(path)
    if (path / CARD_FILE).is_file():
        return load_card(path / CARD_FILE)
    if not path.is_dir():
        return None
    for one in TABLES:
        if any(place.is_file() and has_texts(place, one) for place in copies(path / f"{PARTS[0]}.{one}")):
            return _parts("tokens", path, one, [path.name])
    if all((path / part).is_dir() and picture_files(path / part) for part in PARTS):
        return _parts("pictures", path, "folder", [f"{path.name}/{part}" for part in PARTS])
    for format in _ROWS:
        if all(any(one.is_file() for one in copies(path / f"{part}.{format}")) for part in PARTS):
            return _parts("rows", path, format, [f"{path.name}/{part}.{format}" for part in PARTS])
    for first in sorted(path.glob("*.train.data*")):
        stem = first.name.partition(".train.data")[0]
        if all(any(one.is_file() for one in copies(path / f"{stem}.{part}.data")) for part in PARTS):
            return _parts("rows", path, "bits", [f"{path.name}/{stem}.{part}.data" for part in PARTS])
    return _parts("pictures", path, "folder", [path.name]) if picture_files(path) else _texts(path)


def pools_card(path: Path) -> AnyCard | None:
    """Return the card in a folder, or make one for a file of pools or a folder of such; None if it is none.

    The files that the card names lie in `path`, or beside it where it is a file.
    """
    if not readable(path) and (path / CARD_FILE).is_file():
        card = load_card(path / CARD_FILE)
        return card if isinstance(card, PoolsCard) else None
    called, what = (path.name, "file") if readable(path) else (path.resolve().name, "folder")
    for format in _FORMATS:
        if folds := _folds(path, format):
            return PoolsCard(name=_card_name(called), about=f"The {what} {called}", format=format, folds=folds)
    return None


def has_documents(path: Path) -> bool:
    """Say whether a folder has documents under a usual name, so that other files in it are made of them."""
    return path.is_dir() and (beir.is_beir(path) or bool(_named(path, _DOCUMENTS)))


def _folds(path: Path, format: str) -> list[FoldCard]:
    """Return the divisions into parts that a file or a folder of a format holds."""
    if readable(path):
        return [FoldCard(train=[path.name])] if _FORMATS[format].begins(path) else []
    if not path.is_dir():
        return []
    inner = [one for one in path.iterdir() if one.is_dir() and re.fullmatch(r"(?i)fold[0-9]+", one.name)]
    inner.sort(key=lambda one: int(one.name[4:]))
    divided = {one: _fold(path, one, _FORMATS[format]) for one in inner or [path]}
    folds = [fold for fold in divided.values() if fold is not None]
    empty = next((one for one, fold in divided.items() if fold is None), None)
    if folds and empty is not None:
        raise ConfigError(f"{empty}: holds no {format} files, and folds beside it do; give it some, or remove it")
    return folds


def _fold(folder: Path, inner: Path, format: _Format) -> FoldCard | None:
    """Return the files of parts that lie in a folder under usual names."""
    found: dict[str, list[str]] = {}
    there: dict[str, list[Path]] = {}
    for part, stems in _POOLS.items():
        names = [inner / f"{stem}.{suffix}" for stem in stems for suffix in format.suffixes]
        places = (next((one for one in copies(name) if one.is_file()), None) for name in names)
        there[part] = [place for place in places if place is not None]
    if not any(format.begins(file) for files in there.values() for file in files):
        return None
    for part, files in there.items():  # also such as begin otherwise: their reader says what is wrong
        if len(files) > 1:
            both = " and ".join(file.name for file in files)
            raise ConfigError(f"{inner}: {both} compete; keep one or write a {CARD_FILE}")
        if files:
            found[part] = [file.relative_to(folder).as_posix() for file in files]
    return FoldCard(**found)


def _file(path: Path) -> PartsCard | None:
    """Make a card for one file."""
    format = bare(path.name.lower()).suffix[1:]
    if path.name.lower().endswith(ARCHIVES):
        return _parts("tokens", path, "folder", [path.name])
    if format == "txt" or any(format == one and has_texts(path, one) for one in TABLES):
        return _parts("tokens", path, format, [path.name])
    if format == "mat":
        return _parts("sequences", path, "piano", [path.name])
    return _parts("rows", path, format, [path.name]) if format in _ROWS else None


def _texts(path: Path) -> PartsCard | None:
    """Make a card for a folder of .txt files that is no test collection."""
    if any(place.is_file() for place in copies(path / f"{PARTS[0]}.txt")):
        return _parts("tokens", path, "txt", [path.name])
    if beir.is_beir(path) or any(_named(path, stems) for stems in (_DOCUMENTS, _QUERIES, _QRELS)):
        return None
    deep = ("*.txt", "*/*.txt", *(f"{part}/*/*.txt" for part in PARTS))
    return _parts("tokens", path, "folder", [path.name]) if any(True for one in deep for _ in path.glob(one)) else None


def _parts(kind: str, path: Path, format: str, files: list[str]) -> PartsCard:
    about = f"The {'file' if path.is_file() else 'folder'} {path.name}"
    return PartsCard(name=_card_name(path.name), kind=kind, about=about, read={"format": format, "files": files})


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
