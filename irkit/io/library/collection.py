"""Test collections: documents, queries and judgements behind one object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from irkit.config import digest
from irkit.documents import Document
from irkit.errors import DataError, NotFoundError, near_misses
from irkit.io.documents import irds
from irkit.io.documents.formats import DocumentStream, document_pages, read_documents, read_qrels, read_queries
from irkit.io.library import manifest
from irkit.io.library.card import PACKAGES, Card
from irkit.io.library.checksums import hash_content, hash_file, sha256
from irkit.io.library.text_card import TextCard
from irkit.locate import files_below, in_order
from irkit.packing import bare, copies, kind_of
from irkit.streams import readable
from irkit.table.html import facts_html

if TYPE_CHECKING:
    import pandas as pd


class Check(NamedTuple):
    """One thing that `verify` of a collection compared."""

    what: str
    expected: str
    found: str
    ok: bool


class CardFiles(ABC):
    """A card and the folder where its files lie: what all collections share.

    Parameters
    ----------
    card : Card
    folder : Path or None
        None for collections of ir_datasets.
    """

    card: Card

    def __init__(self, card: Card, folder: Path | None) -> None:
        self.card = card
        self.folder = folder

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} in {self.folder or 'ir_datasets'}>"

    @property
    def name(self) -> str:
        """The name of the card."""
        return self.card.name

    @property
    def about(self) -> str:
        """What the collection is, in one line."""
        return self.card.about

    def checksums(self) -> Iterator[Check]:
        """Compare the files that are here with every checksum on record, and with their first download."""
        if self.folder is None:
            return
        for file in self.card.files:
            path = next((place for place in copies(self.folder / file.name) if place.is_file()), None)
            content = file.unpacked or (None if kind_of(file.name) else file.sha256)
            if path is not None and (file.unpacked or path.name != Path(file.name).name):
                if content:
                    yield _same(f"{bare(file.name)} SHA-256", content, hash_content(path))
            elif path is not None:
                if file.sha256:
                    yield _same(f"{file.name} SHA-256", file.sha256, hash_file(path))
                if file.md5:
                    yield _same(f"{file.name} MD5", file.md5, hash_file(path, "md5"))
            for member, expected in file.members.items():
                if expected and (self.folder / member).is_file():
                    yield _same(f"{member} SHA-256", expected, hash_file(self.folder / member))
        for name, entry in manifest.load(self.folder).items():
            path = self.folder / name
            if path.is_file():
                yield _same(f"{name} since {entry['date']}", entry["sha256"], hash_file(path))

    @abstractmethod
    def holds(self) -> dict[str, int]:
        """Count what the collection holds, by reading it."""

    def path(self, name: str) -> str:
        """Return where a file of the card is.

        Raises
        ------
        NotFoundError
            If it is missing; the message says what brings it here.
        """
        if self.folder is None:
            return irds.PREFIX + name
        path = self.folder / name
        if not (readable(path) or path.exists()):
            raise NotFoundError(f"{self.name}: {path} is missing; {how_to_get(self.card)}")
        return str(path)


class Collection(CardFiles):
    """A test collection whose files are at hand."""

    card: TextCard

    def _repr_html_(self) -> str:
        queries, qrels = self.card.part(self.card.default_split)
        counts = self.card.counts.documents
        facts = {
            "about": self.about,
            "documents": "" if counts is None else f"{counts:,}",
            "queries": queries or "",
            "judgements": qrels or "",
            "splits": ", ".join(self.splits),
            "no answer to itself": "a document" if self.exclude_self else "",
            "folder": str(self.folder or "ir_datasets"),
        }
        return facts_html(self.name, facts)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, empty if the queries are not split."""
        return tuple(self.card.splits)

    @property
    def exclude_self(self) -> bool:
        """Whether a document with `docno` equal to `qid` is never an answer."""
        return self.card.exclude_self

    def documents(self) -> Iterator[Document]:
        """Stream the documents, file by file.

        Raises
        ------
        DataError
            If a file is malformed; or, where the card lets files overlap, if an id comes back with
            another text.
        """
        reading = self.card.documents
        sources = (
            read_documents(
                self.path(name),
                reading.format,
                encoding=reading.encoding,
                fields=reading.fields,
                id_field=reading.id_field,
            )
            for name in reading.files
        )
        return _first(sources) if reading.skip_repeated else DocumentStream(sources, self.card.counts.documents or 0)

    def queries(self, split: str | None = None) -> pd.DataFrame:
        """Read the queries of a split as a frame with `qid` and `query`.

        Parameters
        ----------
        split : str, optional
            Default the card's default split.

        Raises
        ------
        NotFoundError
            If there is no such split, or its file is missing.
        """
        split = self._split(split)
        name, _ = self.card.part(split)
        if name is None:
            raise NotFoundError(f"{self.name}: the card names no file of queries")
        reading = self.card.queries
        frame = read_queries(
            self.path(name),
            reading.format,
            encoding=reading.encoding,
            fields=reading.fields,
            id_field=reading.id_field,
            numbering=reading.numbering,
        )
        if not reading.only_judged:
            return frame
        return frame[frame["qid"].isin(self.qrels(split)["qid"])].reset_index(drop=True)

    def qrels(self, split: str | None = None) -> pd.DataFrame:
        """Read the judgements of a split as a frame with `qid`, `docno` and `label`.

        Parameters and errors are those of `queries`. Whether a document is no answer to itself stands in
        `frame.attrs["exclude_self"]`, where `evaluate` and `experiment` find it.
        """
        _, name = self.card.part(self._split(split))
        if name is None:
            raise NotFoundError(f"{self.name}: the card names no file of judgements")
        reading = self.card.qrels
        frame = read_qrels(self.path(name), reading.format, encoding=reading.encoding, labels=reading.labels)
        if self.exclude_self:
            frame.attrs["exclude_self"] = True
        return frame

    @property
    def fingerprint(self) -> str:
        """What the collection's content depends on: digests of its files, and how they are read.

        Digests are remembered by path, size and time of change. A collection of ir_datasets is
        known by its id and the version of that package instead.
        """
        card = self.card
        splits = {name: [split.queries, split.qrels] for name, split in card.splits.items()}
        how = [card.documents.given(), card.queries.given(), card.qrels.given(), splits, card.exclude_self]
        if self.folder is None:
            return digest(irds.version(), how)
        named = dict.fromkeys(
            name for split in (self.splits or (None,)) for name in card.part(split) if name is not None
        )
        documents = (one for name in card.documents.files for one in _files(self.folder / name, card.documents.format))
        others = (one for name in named for one in _files(self.folder / name))
        files = {path.relative_to(self.folder).as_posix(): sha256(path) for path in chain(documents, others)}
        return digest(files, how)

    def holds(self) -> dict[str, int]:
        """Count the documents and, of the default split, queries and judgements, as far as there are files of them."""
        queries, qrels = self.card.part(self.card.default_split)
        found = {"documents": sum(1 for _ in self.documents())}
        if queries is not None:
            found["queries"] = len(self.queries())
        if qrels is not None:
            found["judgements"] = len(self.qrels())
        return found

    def verify(self) -> list[Check]:
        """Compare every checksum on record and every count of the card with what is there.

        Returns
        -------
        list of Check
            In the order checksums, documents, queries and judgements by split. A file that is
            absent though its archive was unpacked is no fault.
        """
        checks = list(self.checksums())
        documents = self.card.counts.documents
        if documents is not None:
            checks.append(count_check("documents", documents, sum(1 for _ in self.documents())))
        for split in self.splits or (None,):
            counts = self.card.splits[split].counts if split else self.card.counts
            suffix = f" of {split}" if split else ""
            if counts.queries is not None:
                checks.append(count_check(f"queries{suffix}", counts.queries, len(self.queries(split))))
            if counts.judgements is not None:
                checks.append(count_check(f"judgements{suffix}", counts.judgements, len(self.qrels(split))))
        return checks

    def _split(self, split: str | None) -> str | None:
        if split is None:
            return self.card.default_split
        if split not in self.card.splits:
            todo = near_misses(split, self.card.splits) if self.card.splits else "it has no splits, leave it out"
            raise NotFoundError(f"{self.name}: there is no split {split!r}; {todo}")
        return split


def how_to_get(card: Card, *, named: bool = False) -> str:
    """Say what brings a collection's files here, as the tail of an error message; `named` where no path was given."""
    if card.package is not None:
        return f"pip install {PACKAGES[card.package.split('/')[0]]}"
    if card.through_irds:
        return "pip install 'irkit[irds]'"
    place = f"set IRKIT_DATA to a folder that holds {card.folder or card.name}/{card.needed()[0]}"
    by_hand = next((file for file in card.files if file.url is None), None)
    if by_hand is not None:
        return f"{by_hand.how}, then {place}"
    if card.files:
        return f"run 'irkit data get {card.name}', or {place}"
    return place if named else "restore the file"


def _files(path: Path, format: str = "") -> list[Path]:
    if not path.exists():
        raise NotFoundError(f"{path}: is missing; fetch the collection again")
    if (found := document_pages(path, format)) is not None:
        return found.taken
    return in_order(files_below(path, hidden=True)) if path.is_dir() else [path]


def count_check(what: str, expected: int, found: int) -> Check:
    """Compare a number of things with that of the card."""
    return Check(what, f"{expected:,}", f"{found:,}", expected == found)


def _same(what: str, expected: str, found: str) -> Check:
    return Check(what, expected, found, expected == found)


def _first(sources: Iterable[Iterator[Document]]) -> Iterator[Document]:
    """Leave out documents that came before, in files that overlap."""
    seen: dict[str, int] = {}  # hashes of texts by id
    for document in chain.from_iterable(sources):
        count, text = len(seen), hash(document.text)
        if seen.setdefault(document.docno, text) != text:
            what = f"document {document.docno!r} came before with another text"
            raise DataError(f"{document.where}: {what}; the files do not belong together, fetch them again")
        if len(seen) > count:
            yield document
