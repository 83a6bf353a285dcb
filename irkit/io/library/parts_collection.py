"""Rows, pictures, sequences, bags and tokens in three parts whose files are at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from irkit.config import digest
from irkit.errors import ConfigError, NotFoundError
from irkit.io.kinds import PARTS, Bags, DataSet, Tokens
from irkit.io.library.checksums import sha256
from irkit.io.library.collection import CardFiles, Check, count_check, how_to_get
from irkit.io.library.parts_card import PartsCard
from irkit.io.rows.data import Binarise, DensityData, Parts, rows_of
from irkit.io.rows.readers import READERS
from irkit.io.rows.sequences import SequenceData
from irkit.io.texts.kept import LARGE, kept
from irkit.io.texts.parts import data_of_texts
from irkit.locate import files_below, in_order


class PartsCollection(CardFiles):
    """Data in three parts, behind a card."""

    card: PartsCard
    folder: Path

    @property
    def splits(self) -> tuple[str, ...]:
        """None to choose from: the three parts are one split."""
        return ()

    def rows(self, *, binarise: Binarise = "threshold", seed: int = 1) -> DensityData:
        """Read rows or pictures; parameters and errors are those of `irkit.io.load_rows`."""
        if self.card.kind in ("sequences", "bags", "tokens"):
            raise ConfigError(f"{self.name}: is of {self.card.kind}, not of rows; use load_data")
        read: Parts = self._read()
        return rows_of(self.name, read, binarise, seed)

    def sequences(self) -> SequenceData:
        """Read sequences; errors are those of `irkit.io.load_sequences`."""
        if self.card.kind != "sequences":
            raise ConfigError(f"{self.name}: is of {self.card.kind}, not of sequences; use load_data")
        train, valid, test = self._read()
        return SequenceData(self.name, train[0].shape[1], train, valid, test)

    def bags(self) -> DataSet[Bags]:
        """Read documents as counts of words."""
        return DataSet(self.name, *self._read())

    def tokens(self) -> DataSet[Tokens]:
        """Read texts, and number their terms as the card says; of large files this is done once, and kept."""

        def make() -> DataSet[Tokens]:
            return data_of_texts(self.name, **self._read(), how=self.card.tokens, parting=self.card.parting)

        paths = self.paths()
        if not all(path.is_file() for path in paths) or sum(path.stat().st_size for path in paths) < LARGE:
            return make()
        return kept(self.name, self.fingerprint, READERS["tokens"].load(self.card.read.format), make)

    def paths(self) -> list[Path]:
        """Return the files to read.

        Raises
        ------
        NotFoundError
            If one is missing; the message says what brings it here.
        ConfigError
            If the card is of several sets.
        """
        if self.card.several:
            sets = ", ".join(f"{self.name}/{name}" for name in self.card.sets)
            raise ConfigError(f"{self.name}: is several sets, name one of them: {sets}")
        found = self.card.found_in(self.folder)
        for path in found:
            if not path.exists():
                raise NotFoundError(f"{self.name}: {path} is missing; {how_to_get(self.card)}")
        return found

    @property
    def fingerprint(self) -> str:
        """What the data depend on: digests of their files, and how they are read."""
        files = [sha256(file) for path in self.paths() for file in ([path] if path.is_file() else _inside(path))]
        made = [one.model_dump(mode="json") for one in (self.card.tokens, self.card.parting) if one is not None]
        return digest(files, self.card.read.format, *made)

    def holds(self) -> dict[str, int]:
        """Count the examples of each part, the steps of sequences and the words of documents."""
        return self._measured()[0]

    def shape(self) -> tuple[int, ...]:
        """Return what an example is: values of a row or step, sides of a picture, terms of the vocabulary."""
        return self._measured()[1]

    def verify(self) -> list[Check]:
        """Compare every checksum on record, every count of the card and its shape with what is there."""
        checks, card = list(self.checksums()), self.card
        if not card.several and (card.counts.given() or card.shape):
            found, shape = self._measured()
            checks += [count_check(what, expected, found[what]) for what, expected in card.counts.given().items()]
            if card.shape:
                checks.append(Check("shape", sides(card.shape), sides(shape), shape == card.shape))
        return checks

    def _measured(self) -> tuple[dict[str, int], tuple[int, ...]]:
        if self.card.kind == "sequences":
            data = self.sequences()
            pieces = {part: getattr(data, part) for part in PARTS}
            steps = sum(len(piece) for part in pieces.values() for piece in part)
            return {**{part: len(found) for part, found in pieces.items()}, "steps": steps}, (data.width,)
        if self.card.kind in ("bags", "tokens"):
            documents: DataSet[Any] = self.bags() if self.card.kind == "bags" else self.tokens()
            parts = {part: documents.part(part) for part in PARTS}
            counts = [getattr(one, "counts", None) for one in parts.values()]
            words = sum(
                len(one.x.values) if many is None else int(many.values.sum())
                for one, many in zip(parts.values(), counts, strict=True)
            )
            return {**{part: len(one) for part, one in parts.items()}, "words": words}, (documents.train.vocabulary,)
        rows = self.rows(binarise="none")
        shape = rows.shape[1:] if rows.shape[0] == 1 else rows.shape
        return {part: len(getattr(rows, part)) for part in PARTS}, shape

    def _read(self) -> Any:
        return READERS[self.card.kind].load(self.card.read.format)(*self.paths())


def sides(shape: tuple[int, ...]) -> str:
    """Write a shape.

    Examples
    --------
    >>> sides((28, 28)), sides((16,))
    ('28 x 28', '16')
    """
    return " x ".join(map(str, shape))


def _inside(folder: Path) -> list[Path]:
    return in_order(files_below(folder, hidden=True))
