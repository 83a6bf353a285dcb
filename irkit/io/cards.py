"""Collection cards: YAML files that say where a collection comes from and how it is read.

    name: toy
    about: One line.
    source: [https://example.org/toy/]      where it is described
    terms: What its owners allow.
    citation: Who to cite.
    files:                                  what a download fetches; absent for packages and irds
      - {name: toy.tar.gz, url: https://example.org/toy.tar.gz, sha256: ..., members: [docs.all, ...]}
    documents: {files: [docs.all], format: smart, fields: [T, W]}
    queries: {file: topics.txt, format: trec, fields: [title]}
    qrels: {file: qrels.txt, format: trec, labels: {1: 4, 2: 3}}
    splits: {dev: {queries: dev.txt, qrels: dev.qrels}, test: {...}}
    counts: {documents: 1400, queries: 225, judgements: 1837}

A collection of ratings has these in place of documents, queries and qrels:

    ratings: {file: u.data, format: tab, scale: [1, 5]}
    splits: {u1: {train: u1.base, test: u1.test}}
    counts: {ratings: 100000, users: 943, items: 1682}

A card of the user lies in `<IRKIT_HOME>/data/<name>.yaml`, or as `card.yaml` beside the files.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from irkit.config import Config
from irkit.errors import ConfigError
from irkit.io.manifest import NAME as MANIFEST
from irkit.io.reading import Reading
from irkit.io.times import Unit
from irkit.locate import find, is_inside, names
from irkit.registry import DOCUMENTS, QRELS, QUERIES
from irkit.yamlfile import read_yaml

CARD_FILE = "card.yaml"

PACKAGES = ("gensim",)
"Python packages that a card may name: irkit depends on them, and what they carry is known."


def _members(value: Any) -> Any:
    names = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return dict.fromkeys(value) if names else value


class FileCard(Config):
    """One file as its owners publish it."""

    name: str
    "Path inside the collection's folder."
    url: str | None = None
    "Official address; none where the file cannot be fetched without an agreement."
    how: str = ""
    "How to get a file without an address."
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    md5: str | None = Field(None, pattern="^[0-9a-f]{32}$")
    bytes: int | None = Field(None, ge=1)
    members: Annotated[dict[str, str | None], BeforeValidator(_members)] = Field(default_factory=dict)
    "For an archive: the files taken out of it, with their SHA-256 where it is known."


class DocumentsCard(Config):
    """How the documents are read."""

    files: tuple[str, ...] = Field(min_length=1)
    format: str = "auto"
    encoding: str = "utf-8"
    fields: tuple[str, ...] | None = None
    id_field: str | None = None
    skip_repeated: bool = False
    "Leave out a document that came before with the same id and text (the files overlap)."


class QueriesCard(Config):
    """How the queries are read."""

    file: str | None = None
    "The one file of queries; absent where each split has its own."
    format: str = "auto"
    encoding: str = "utf-8"
    fields: tuple[str, ...] | None = None
    id_field: str | None = None
    numbering: Literal["given", "ordinal"] = "given"
    only_judged: bool = False
    "Leave out queries without judgements in the split, as BEIR does: its file holds those of all splits."


class QrelsCard(Config):
    """How the judgements are read."""

    file: str | None = None
    format: str = "auto"
    encoding: str = "utf-8"
    labels: dict[int, int] | None = None
    "What each label of the file becomes."


class Counts(Config):
    """What the collection must hold; what is absent is not checked."""

    documents: int | None = Field(None, ge=0)
    queries: int | None = Field(None, ge=0)
    judgements: int | None = Field(None, ge=0)


class SplitCard(Config):
    """One split: its files, and its counts of queries and judgements."""

    queries: str | None = None
    qrels: str | None = None
    counts: Counts = Counts()


class CollectionCard(Config):
    """What every card says, whatever the collection holds."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")
    about: str
    source: tuple[str, ...] = ()
    terms: str = ""
    citation: str = ""
    folder: str | None = None
    "Folder under `IRKIT_DATA`, default the name."
    package: str | None = None
    "`package/folder` of one of `PACKAGES`, which carries the files."
    files: tuple[FileCard, ...] = ()

    @model_validator(mode="after")
    def _stays_inside(self) -> CollectionCard:
        for name in self.paths():
            if not is_inside(name):
                raise ValueError(f"the file {name!r} lies outside the collection's folder")
        for name in (name for file in self.files for name in (file.name, *file.members)):
            if PurePosixPath(name).as_posix() in {".", MANIFEST}:
                raise ValueError(f"files: {name!r} cannot be the name of one; that place is irkit's")
        if self.folder is not None and not is_inside(self.folder):
            raise ValueError(f"the folder {self.folder!r} lies outside of IRKIT_DATA")
        if self.package is not None:
            package, _, inside = self.package.partition("/")
            if package not in PACKAGES:
                raise ValueError(f"package must be one of {', '.join(PACKAGES)}, got {package!r}")
            if inside and not is_inside(inside):
                raise ValueError(f"package: the folder {inside!r} lies outside of {package}")
        return self

    def reads(self) -> list[str | None]:
        """Return the files that the collection is read from, None where a part has no file."""
        raise NotImplementedError

    def needed(self) -> list[str]:
        """Return the files without which the collection cannot be used."""
        raise NotImplementedError

    def paths(self) -> list[str]:
        """Return every file that the card names, without repeats."""
        named = [*self.reads(), *(name for file in self.files for name in (file.name, *file.members))]
        return list(dict.fromkeys(name for name in named if name is not None))

    @property
    def through_irds(self) -> bool:
        """Whether ir_datasets provides the collection."""
        return False


class Card(CollectionCard):
    """The card of a test collection; see the module docstring for its YAML form."""

    documents: DocumentsCard
    queries: QueriesCard = QueriesCard()
    qrels: QrelsCard = QrelsCard()
    splits: dict[str, SplitCard] = Field(default_factory=dict)
    default_split: str | None = None
    exclude_self: bool = False
    "Whether a document with the id of the query is never an answer."
    counts: Counts = Counts()

    @model_validator(mode="after")
    def _fits_together(self) -> Card:
        for role, reading, table in (
            ("documents", self.documents, DOCUMENTS),
            ("queries", self.queries, QUERIES),
            ("qrels", self.qrels, QRELS),
        ):
            if reading.format != "auto" and reading.format not in table:
                raise ValueError(f"{role} have no format {reading.format!r}, only {', '.join(table)}")
            Reading(encoding=reading.encoding)
        if self.splits and self.default_split not in self.splits:
            raise ValueError(f"default_split must name one of the splits ({', '.join(self.splits)})")
        if not self.splits and self.default_split is not None:
            raise ValueError("default_split without splits")
        return self

    def reads(self) -> list[str | None]:
        """Return the files of documents, queries and judgements."""
        splits = [name for split in self.splits.values() for name in (split.queries, split.qrels)]
        return [*self.documents.files, self.queries.file, self.qrels.file, *splits]

    def part(self, split: str | None) -> tuple[str | None, str | None]:
        """Return the files of queries and judgements of a split (None where there are no splits)."""
        if split is None:
            return self.queries.file, self.qrels.file
        chosen = self.splits[split]
        return chosen.queries or self.queries.file, chosen.qrels or self.qrels.file

    def needed(self) -> list[str]:
        """Return the files without which the collection cannot be used: documents and the default split."""
        return [*self.documents.files, *(name for name in self.part(self.default_split) if name is not None)]

    @property
    def through_irds(self) -> bool:
        """Whether ir_datasets provides the collection."""
        return self.documents.format == "irds"


class RatingsCard(Config):
    """How the ratings are read."""

    file: str
    format: str = "auto"
    columns: dict[str, str] | None = None
    "What the file calls `user_id`, `item_id`, `rating` and `timestamp`, where that is unusual."
    encoding: str = "utf-8"
    scale: tuple[float, float] | None = None
    "Least and greatest rating possible; default those that occur."
    time_unit: Unit = "auto"
    "What numbers in the column of times count since 1970: s, ms, us or ns; auto finds out."
    duplicates: Literal["error", "last", "mean"] = "error"
    "What to do where a user rated an item twice."


class RatingCounts(Config):
    """What the file of ratings must hold; what is absent is not checked."""

    ratings: int | None = Field(None, ge=0)
    users: int | None = Field(None, ge=0)
    items: int | None = Field(None, ge=0)


class RatingSplitCard(Config):
    """One split as its makers published it: two files of the format of the whole."""

    train: str
    test: str


class RatingCollectionCard(CollectionCard):
    """The card of a collection of ratings."""

    ratings: RatingsCard
    splits: dict[str, RatingSplitCard] = Field(default_factory=dict)
    counts: RatingCounts = RatingCounts()

    @model_validator(mode="after")
    def _fits_together(self) -> RatingCollectionCard:
        from irkit.io.ratings import FORMATS, NAMES

        reading = self.ratings
        if reading.format not in ("auto", *FORMATS):
            raise ValueError(f"ratings have no format {reading.format!r}, only {', '.join(FORMATS)}")
        for name in reading.columns or {}:
            if name not in NAMES:
                raise ValueError(f"ratings have no column {name!r} to name, only {', '.join(NAMES)}")
        if reading.scale is not None and not reading.scale[0] < reading.scale[1]:
            low, high = reading.scale
            raise ValueError(f"the scale of ratings is [low, high] with low < high, got [{low:g}, {high:g}]")
        Reading(encoding=reading.encoding)
        return self

    def reads(self) -> list[str | None]:
        """Return the files of ratings, whole and split."""
        return [self.ratings.file, *(name for split in self.splits.values() for name in (split.train, split.test))]

    def needed(self) -> list[str]:
        """Return the file of all ratings; a split is read when it is asked for."""
        return [self.ratings.file]


def card_names() -> list[str]:
    """List the names of all cards, shipped and the user's; that a card can be read is not checked."""
    return sorted(names("data"))


def find_card(name: str) -> Card | RatingCollectionCard:
    """Load a card by name.

    Raises
    ------
    NotFoundError
        If there is none; the message lists near misses.
    ConfigError
        If the file is wrong, or names another collection than it is called by.
    DataError
        If it is not YAML.
    """
    return named_card(find("data", name))


def named_card(path: Path) -> Card | RatingCollectionCard:
    """Load a card from where cards with names lie; errors are those of `find_card`."""
    card = load_card(path)
    if card.name != path.stem:  # its files would lie where those of the other collection do
        raise ConfigError(f"{path}: the card is called {path.stem!r} and its name is {card.name!r}; make them one")
    return card


def load_card(path: Path) -> Card | RatingCollectionCard:
    """Load a card from a YAML file; one with the key `ratings` is that of a rating collection.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it is not YAML as `irkit.yamlfile` reads it; `path:line: what is wrong`.
    ConfigError
        If it is no card; `path:line: what is wrong`, where a line is known.
    """
    file = read_yaml(path)
    try:
        return RatingCollectionCard(**file.value) if "ratings" in file.value else Card(**file.value)
    except ConfigError as error:
        message = str(error)
        hits = {key: re.search(rf"(?<!\w){re.escape(key)}(?!\w)", message) for key in file.value}
        where = min(((hit.start(), key) for key, hit in hits.items() if hit), default=None)
        short = message if len(message) <= 500 else f"{message[:497]}..."
        raise file.error(short, *(where[1:] if where else ())) from None
