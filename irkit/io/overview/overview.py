"""What lies at a path: `overview` reads a file or a folder of any kind that irkit reads, and says what it holds."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from irkit.errors import ConfigError, DataError, IrkitError, NotFoundError, near_misses
from irkit.io.documents.formats import document_pages, read_documents, read_qrels, read_queries
from irkit.io.documents.pages import SUFFIXES, Pages
from irkit.io.documents.runs import read_tagged_run
from irkit.io.library.cards import CARD_FILE, card_names
from irkit.io.library.catalogue import load_any, load_collection
from irkit.io.library.collection import Collection
from irkit.io.library.finding import kind_meant
from irkit.io.library.folder import has_documents
from irkit.io.library.rating_collection import RatingCollection
from irkit.io.overview.kinds import learnable
from irkit.io.overview.recognise import Found, recognise
from irkit.io.overview.seen import File, Overview, Seen, of_documents, of_judgements, of_queries, of_ratings, of_run
from irkit.io.ratings.files import read_ratings
from irkit.io.ratings.layout import parse_columns, unread
from irkit.io.texts.files import ARCHIVES
from irkit.locate import files_below
from irkit.packing import bare, copies
from irkit.streams import readable
from irkit.table import counted
from irkit.wording import no_end

LOOKED_INTO = 200
"Files of a folder that are opened to see what they are."

_USUAL = ("queries", "topics", "qrels")
"Names of files that are opened however many lie before them."
TOGETHER = 5
"Files of one form that are named one by one; more of them are one line."
_USES = {
    "texts": ["irkit index {0}", "irkit search {0} QUERY", "irkit run bm25 {0}"],
    "documents": ["irkit index {0}"],
    "queries": ["irkit run bm25 COLLECTION --queries {0}"],
    "judgements": ["irkit evaluate {0} RUN"],
    "run": ["irkit evaluate QRELS {0}", "irkit fuse {0} OTHER_RUN"],
    "ratings": ["irkit recommend {0} USER"],
    "pools": ["a suite's field pools, and load_pools in Python"],
    "word vectors": ["irkit run eqe1 COLLECTION --vectors {0}"],
}
_OF_MANY = ("run", "pools", "judgements", "ratings", "word vectors")
_ASIDE = re.compile(r"readme|licen[cs]e|changelog|makefile", re.IGNORECASE)
_PAIR = ["user_id", "item_id"]
_LEARNED = "irkit train RECIPE --set data={0}"


def overview(
    name: str | os.PathLike[str], *, encoding: str = "utf-8", columns: str | None = None, tell: Any = None
) -> Overview:
    """Say what a file or folder of the user's own holds.

    Documents stream, whatever their number; see `irkit.io.overview.seen`.

    Parameters
    ----------
    name : str or path
    encoding : str
        Of a file.
    columns : str, optional
        Of a file of ratings, as `irkit.io.ratings.layout.parse_columns` takes them.
    tell : progress, optional
        Told of documents that are read.

    Raises
    ------
    NotFoundError
        If nothing lies there; lists what lies beside and is called similarly.
    DataError
        `path:line: what is wrong`, also where no form is recognised.
    ConfigError
        If an option does not fit.
    """
    path = Path(os.path.expanduser(os.fspath(name)))
    if os.path.islink(path) and not os.path.exists(path):
        raise no_end(path)
    if not (readable(path) or path.exists()):
        bare_name = path.name == os.fspath(name)
        what = "file, folder or collection" if bare_name else "file or folder"
        raise NotFoundError(
            f"{path}: there is no such {what}; {_nearby(path, list(card_names()) if bare_name else [])}"
        )
    if path.is_dir():
        if encoding != "utf-8" or columns is not None:
            raise ConfigError(f"data show: --encoding and --columns are for a file, got the folder {path}; name a file")
        found = _folder(path, tell)
        pages = _pages(path) if found.kind == "texts" else None
        files = _files(path, set() if pages is None else set(pages.taken), found.notes)
        found.notes += [] if pages is None else _odd(files, {str(one.relative_to(path)) for one in pages.left})
    else:
        one = Found("ratings", "auto") if columns is not None else recognise(path)
        if one is None:
            todo = "see irkit data show --help, or say what the columns of ratings are: --columns user,item,rating"
            raise DataError(f"{path}: is of no form that irkit recognises; {todo}")
        found = _file(path, one, encoding, columns, tell)
        files = [File(path.name, one.what, one.format, path.stat().st_size)]
    found.name, found.files = os.fspath(name), files
    uses = _USES.get(found.kind, [] if found.kind == "files" else [_LEARNED])
    if found.kind == "texts" and "queries" not in found.counts:
        uses = uses[:-1]
    found.uses = [*(use.format(found.name) for use in uses), *found.uses]
    return found


def _file(path: Path, one: Found, encoding: str, columns: str | None, tell: Any) -> Overview:
    format = one.format
    match one.what:
        case "documents":
            seen = of_documents(read_documents(path, format, encoding=encoding), set(), tell)[0]
        case "queries":
            seen = of_queries(read_queries(path, format, encoding=encoding))
        case "judgements":
            seen = of_judgements(read_qrels(path, format, encoding=encoding))
        case "run":
            seen = of_run(*read_tagged_run(path, encoding=encoding))
        case "ratings":
            named = None if columns is None else parse_columns(columns)
            seen = of_ratings(read_ratings(path, format, encoding=encoding, columns=named))
            seen.notes += [
                f"not read: {left}; --columns time={left} if it holds times" for left in unread(path, named, encoding)
            ]
        case "card":
            raise ConfigError(f"{path}: is a card; name its folder, or put it into data/ of your folder for a name")
        case _:
            return learnable(path, one)
    return _of(one.what, seen)


def _folder(path: Path, tell: Any) -> Overview:
    """See what the files of a folder are together; of kind `files` where they make no whole."""
    try:
        kind = _kind(path)
        whole = load_any(path) if kind != "texts" else load_collection(path)
        if not isinstance(whole, (Collection, RatingCollection)):
            return learnable(path, Found(kind, ""))
    except IrkitError as error:
        said = str(error)
        of_file = not isinstance(error, NotFoundError) and not said.startswith((f"{path}: ", f"{path.absolute()}: "))
        if of_file or not any(file.what for file in _files(path)):
            raise
        return Overview(kind="files", notes=[f"not read as a whole: {said.partition(': ')[2]}"])
    return _texts(whole, path, tell) if isinstance(whole, Collection) else _ratings(whole)


def _kind(path: Path) -> str:
    """Say what a folder is; one of texts is a collection, unless its files are parts or have a card."""
    kind = kind_meant(path)
    parted = any(one.is_file() for one in copies(path / "train.txt"))
    if kind == "tokens" and not (path / CARD_FILE).is_file() and not parted and document_pages(path) is not None:
        return "texts"
    return kind


def _of(kind: str, seen: Seen, splits: Sequence[str] = ()) -> Overview:
    return Overview(**vars(seen), kind=kind, splits=list(splits))


# ---------------------------------------------------------------------- collections


def _texts(collection: Collection, path: Path, tell: Any) -> Overview:
    """Read a collection: its documents once, the queries and judgements of every split."""
    parts: dict[str, tuple[Seen | None, Seen | None]] = {}
    notes: list[str] = []
    judged: set[str] = set()
    for split in collection.splits or (None,):
        has_queries, has_qrels = (one is not None for one in collection.card.part(split))
        queries = collection.queries(split) if has_queries else None
        qrels = collection.qrels(split) if has_qrels else None
        of = f" ({split})" if split else ""
        if queries is not None and qrels is not None:
            notes += _unpaired(set(queries["qid"]), set(qrels["qid"]), of)
        if qrels is not None:
            judged |= set(qrels["docno"])
        seen = (None if queries is None else of_queries(queries), None if qrels is None else of_judgements(qrels))
        parts[split or ""] = seen
        notes += [f"{note}{of}" for one in seen if one is not None for note in one.notes]
    documents, missing = of_documents(collection.documents(), judged, tell)
    if missing:
        notes.append(f"{counted(len(missing), 'judged document')} not in the collection, such as {min(missing)}")
    default = (collection.card.default_split or collection.splits[0]) if collection.splits else ""
    asked, judgements = parts[default]
    out = _of("texts", documents, [_split(name, *seen, name == default) for name, seen in parts.items() if name])
    if asked is not None:
        out.counts["queries"] = asked.counts["queries"]
        out.facts["length"] += f"; {asked.facts['length']}"
    if judgements is not None:
        out.counts["judgements"] = judgements.counts["judgements"]
        out.facts |= {"a query": judgements.facts["a query"], "labels": judgements.facts["labels"]}
    out.notes += notes
    if asked is None:
        out.notes.append("no queries: call a file of them queries.tsv, or give one with --queries")
    elif judgements is None:
        out.notes.append("no judgements: call a file of them qrels.txt; without them nothing is evaluated")
    if _pages(path) is not None:
        out.facts |= {"classes": said} if (said := _classes(path)) else {}
        out.uses = [_LEARNED.format(path)]
    return out


def _pages(path: Path) -> Pages | None:
    """Return the files of a folder of which each is a document; None where documents have a usual name."""
    return None if has_documents(path) or (path / CARD_FILE).is_file() else document_pages(path)


def _split(name: str, queries: Seen | None, qrels: Seen | None, default: bool) -> str:
    counts = [f"{one.counts[what]:,} {what}" for one, what in ((queries, "queries"), (qrels, "judgements")) if one]
    return f"{name}{' (default)' if default else ''}: {', '.join(counts)}"


def _unpaired(asked: set[str], judged: set[str], of: str) -> list[str]:
    """Say which queries have no judgement, and which judgements no query."""
    pairs = ((asked - judged, "query", "without judgements"), (judged - asked, "judged query", "without a text"))
    return [f"{counted(len(ids), one)} {lacks}, such as {min(ids)}{of}" for ids, one, lacks in pairs if ids]


def _classes(path: Path) -> str:
    """Say which folders the .txt files of a folder lie in, as labels of texts; empty where they lie in none."""
    found = _pages(path)
    folders = Counter(one.relative_to(path).parts[-2] for one in found.taken if one.parent != path) if found else {}
    if not found or sum(folders.values()) < len(found.taken) or len(folders) > LOOKED_INTO:
        return ""
    return ", ".join(f"{name}: {many:,}" for name, many in sorted(folders.items())[:12]) + " (names of folders)"


def _ratings(collection: RatingCollection) -> Overview:
    parts = {name: collection.split(name) for name in collection.splits}
    splits = [
        f"{name}: {len(train):,} training and {len(test):,} test ratings" for name, (train, test) in parts.items()
    ]
    out = _of("ratings", of_ratings(collection.ratings()), splits)
    for name, (train, test) in parts.items():
        if both := len(test.merge(train[_PAIR].drop_duplicates(), on=_PAIR)):
            out.notes.append(f"{counted(both, 'test rating')} of an item that the user rated in training ({name})")
    return out


# ---------------------------------------------------------------------- files


def _files(folder: Path, pages: Set[Path] = frozenset(), notes: list[str] | None = None) -> list[File]:
    """Say what the files of a folder are, those of one form together where they are many.

    What keeps a file from being recognised, such as damage, is appended to `notes`.
    """
    found: dict[tuple[str, str, str], list[File]] = {}
    damaged: list[str] = []
    for number, path in enumerate(sorted(files_below(folder))):
        aside = _ASIDE.match(path.name) or (number >= LOOKED_INTO and not path.name.lower().startswith(_USUAL))
        one = _by_name(path) if aside else _recognised(path, damaged) or _by_name(path)
        if path in pages and (one is None or one.what not in _OF_MANY):
            one = Found("documents", "files")
        file = File(path.relative_to(folder).as_posix(), *(one or ("", "")), path.stat().st_size)
        found.setdefault((file.what, file.format, bare(path.name.lower()).suffix), []).append(file)
    out: list[File] = []
    for (what, format, suffix), files in found.items():
        if len(files) <= TOGETHER:
            out += files
        else:
            out.append(File(f"{len(files):,} files *{suffix}", what, format, sum(file.size for file in files)))
    if notes is not None:
        notes += damaged[:TOGETHER]
        notes += [f"{len(damaged) - TOGETHER:,} more files that cannot be read"] if len(damaged) > TOGETHER else []
    return sorted(out, key=lambda file: not file.what)


def _by_name(path: Path) -> Found | None:
    """Say what a file is that is not opened."""
    if _ASIDE.match(path.name):
        return None
    return Found("texts", "files") if bare(path.name.lower()).suffix in SUFFIXES else None


def _recognised(path: Path, damaged: list[str]) -> Found | None:
    if path.name.lower().endswith(ARCHIVES):
        return Found("archive", path.suffix[1:])
    try:
        found = recognise(path)
    except IrkitError as error:
        damaged.append(str(error))
        return None
    return _by_name(path) if found is not None and found.what == "texts" else found


def _odd(files: Sequence[File], left: set[str]) -> list[str]:
    """Say which files are taken as one document each and look like something else."""
    taken = [file for file in files if bare(file.name.lower()).name.endswith(SUFFIXES) and file.name not in left]
    odd = [file for file in taken if file.what in _OF_MANY]
    return [f"{file.name}: taken as a document, and looks like {file.what}; name it alone to see" for file in odd]


def _nearby(path: Path, others: list[str]) -> str:
    """Name what lies in the same folder, or is a card's, and is called similarly."""
    above = path.parent
    if not above.is_dir():
        return f"there is no folder {above} either"
    names = [one.name for one in above.iterdir() if not one.name.startswith(".")]
    return near_misses(path.name, [*names, *others]) if names or others else f"{above} is empty"
