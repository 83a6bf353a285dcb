"""Cards of rows, pictures, sequences, bags and tokens: data in three parts, to train, validate and test on.

    name: bars
    kind: rows
    about: One line.
    read: {format: bits, files: [bars.train.data, bars.valid.data, bars.test.data]}
    shape: [16]                             values a row; rows and columns of a picture; values a step
    counts: {train: 800, valid: 100, test: 100}

A card of several sets names each by `<card>/<set>`; `{set}` in the names of files stands for it, and then every
set whose files are there can be read, also one that the card does not list:

    read: {format: bits, files: ["{set}/{set}.train.data", "{set}/{set}.valid.data", "{set}/{set}.test.data"]}
    sets:
      nltcs: {shape: [16], counts: {train: 16181, valid: 2157, test: 3236}}

A card that names its own files is a set too, beside those that it lists. A card of tokens says how texts become terms
(`irkit.io.texts.tokens.Tokenisation`) and what is held out where there is no validation part:

    tokens: {pattern: "[a-z]{3,}", stopwords: scikit-learn, most: 2000}
    parting: {valid: 500, seed: 1}
    sets:
      stripped: {format: 20newsgroups-stripped, counts: {train: 10711, valid: 493, test: 7436}}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from irkit.config import Config
from irkit.errors import NotFoundError, near_misses
from irkit.io.library.card import Card
from irkit.io.rows.readers import READERS, files_of
from irkit.io.texts.parts import Parting
from irkit.io.texts.tokens import Tokenisation
from irkit.locate import is_inside
from irkit.packing import bare, copies

SET = "{set}"
"What stands for the name of a set."


class ReadCard(Config):
    """How the parts are read."""

    format: str
    files: tuple[str, ...] = Field((), max_length=16)
    "All are needed, in the order in which the format asks for them; plain or packed with gzip."
    instead: tuple[str, ...] = Field((), max_length=16)
    "Files that do as well in place of the first, sought before it."


class PartCounts(Config):
    """What the parts must hold; what is absent is not checked."""

    train: int | None = Field(None, ge=0)
    valid: int | None = Field(None, ge=0)
    test: int | None = Field(None, ge=0)
    steps: int | None = Field(None, ge=0)
    "Of all sequences together."
    words: int | None = Field(None, ge=0)
    "Of all documents together, as often as they occur."


class SetCard(Config):
    """What is special to one of several sets."""

    about: str = ""
    "What it is, in one line; default what the card is."
    format: str = ""
    "How it is read; default as the card."

    files: tuple[str, ...] = ()
    "Files to read; default those of the card."
    shape: tuple[int, ...] = ()
    counts: PartCounts = PartCounts()
    tokens: Tokenisation | None = None
    "How its texts become terms; default as the card's."


class PartsCard(Card):
    """The card of rows, pictures, sequences, bags or tokens in three parts."""

    kind: Literal["rows", "pictures", "sequences", "bags", "tokens"]
    read: ReadCard
    shape: tuple[int, ...] = ()
    """Values a row, rows and columns (and channels) of a picture, values a step, terms of the vocabulary; empty where
    the card does not say."""
    counts: PartCounts = PartCounts()
    tokens: Tokenisation | None = None
    "How texts become terms."
    parting: Parting | None = None
    "What is held out of the training texts as a part that the files have not."
    sets: dict[str, SetCard] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> PartsCard:
        for format, files in {(self.read.format, self.read.files), *self._formats()}:
            if format not in READERS[self.kind]:
                raise ValueError(f"read: {self.kind} have no format {format!r}, only {', '.join(READERS[self.kind])}")
            wanted = files_of(READERS[self.kind].load(format))
            if files and len(files) not in wanted:
                numbers = " or ".join(map(str, wanted))
                raise ValueError(f"read: the format {format} reads {numbers} files, got {len(files)}")
        if self.kind != "tokens" and (self.tokens or self.parting or any(one.tokens for one in self.sets.values())):
            raise ValueError(f"tokens: {self.kind} are not made of texts; leave it away")
        for name in self.sets:
            if not _is_name(name):
                raise ValueError(f"sets: a name has no separator, got {name!r}")
        if not self.read.files and not all(one.files for one in self.sets.values()):
            raise ValueError("read: names no files")
        if self.open and not self.sets:
            raise ValueError(f"read: files have {SET} in their names, and the card has no sets")
        return self

    def _formats(self) -> set[tuple[str, tuple[str, ...]]]:
        """Return how each set is read, and its files."""
        return {(one.format or self.read.format, one.files or self.read.files) for one in self.sets.values()}

    @property
    def several(self) -> bool:
        """Whether it is several sets, one of which must be named."""
        return bool(self.sets) and (self.open or not self.read.files)

    @property
    def open(self) -> bool:
        """Whether there may be sets that the card does not list."""
        return any(SET in name for name in self.read.files)

    @property
    def splits(self) -> tuple[str, ...]:
        """The three parts cannot be chosen otherwise."""
        return ()

    def of(self, name: str) -> PartsCard:
        """Return the card of one of the sets, called `<card>/<set>`.

        Raises
        ------
        NotFoundError
            If there is none, as far as the card can tell; the message lists near misses.
        """
        known = self.sets.get(name)
        if known is None and not (self.open and _is_name(name)):
            sets = [f"{self.name}/{one}" for one in self.sets]
            tail = near_misses(f"{self.name}/{name}", sets) if sets else f"{self.name} is one set"
            raise NotFoundError(f"{self.name}: there is no set {name!r}; {tail}")
        one = known or SetCard()
        files = [file.replace(SET, name) for file in one.files or self.read.files]
        read = self.read.changed(format=one.format or self.read.format, files=files)
        narrow = {
            "name": f"{self.name}/{name}",
            "about": one.about or self.about,
            "folder": self.folder or self.name,
            "read": read,
            "shape": one.shape or self.shape,
            "counts": one.counts,
            "tokens": one.tokens or self.tokens,
            "sets": {},
            "files": tuple(
                file for file in self.files if str(bare(file.name)) in {str(bare(one)) for one in read.files}
            ),
        }
        return self.model_copy(update=narrow)

    def sets_in(self, folder: Path) -> list[str]:
        """List the sets that the card knows, and those of which a folder has all files."""
        found = list(self.sets)
        if self.open and folder.is_dir():
            names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and _is_name(entry.name))
            found += [name for name in names if name not in self.sets and self.of(name).lies_in(folder)]
        return found

    def reads(self) -> list[str | None]:
        """Return the files that are read."""
        return [*self.read.files, *self.read.instead, *(name for one in self.sets.values() for name in one.files)]

    def needed(self) -> list[str]:
        """Return the files that are read, the official ones; of several sets those of the first."""
        return self.of(next(iter(self.sets))).needed() if self.several else list(self.read.files)

    def found_in(self, folder: Path) -> list[Path]:
        """Return the files to read: a packed one where there is no plain one, the official one where there is none."""
        names = [(*self.read.instead, self.read.files[0]), *((name,) for name in self.read.files[1:])]
        out = []
        for choices in names:
            places = [place for name in choices for place in copies(folder / name)]
            out.append(next((place for place in places if place.exists()), folder / choices[-1]))
        return out

    def lies_in(self, folder: Path) -> bool:
        """Say whether a folder has all files, of several sets those of one."""
        if self.several:
            return any(self.of(name).lies_in(folder) for name in self.sets_in(folder))
        return all(path.exists() for path in self.found_in(folder))

    def holds(self) -> dict[str, int]:
        """Return the sizes of the parts, as far as the card says."""
        return self.counts.given()


def _is_name(name: str) -> bool:
    return is_inside(name) and "/" not in name and name != "."
