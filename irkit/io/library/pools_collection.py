"""Pools of candidates whose files are at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from irkit.columns import take_rows
from irkit.config import digest
from irkit.documents import Document
from irkit.errors import ConfigError, DataError, NotFoundError, near_misses
from irkit.io.library.checksums import sha256
from irkit.io.library.collection import CardFiles, Check, count_check, how_to_get
from irkit.io.library.pools_card import PARTS, PoolFiles, PoolPart, PoolsCard
from irkit.io.pools.pool import Pool
from irkit.packing import copies
from irkit.registry import POOLS
from irkit.streams import readable

if TYPE_CHECKING:
    import pandas as pd


class PoolsCollection(CardFiles):
    """Queries with candidates of their own, in parts and folds, behind a card."""

    card: PoolsCard
    folder: Path

    @property
    def splits(self) -> tuple[str, ...]:
        """None to choose from: parts belong together, and folds have numbers."""
        return ()

    @property
    def folds(self) -> int:
        """How many divisions into parts there are."""
        return len(self.card.folds)

    def parts(self, fold: int = 0) -> tuple[PoolPart, ...]:
        """Return the parts that a fold has, of train, valid and test in this order."""
        return tuple(self._fold(fold))

    def pool(self, part: str = "train", fold: int = 0) -> Pool:
        """Read the candidates of a part, and their labels.

        Parameters
        ----------
        part : {"train", "valid", "test"}
        fold : int
            From 0, in the order of the card: 0 is what published folds call Fold1.

        Returns
        -------
        Pool
            Without the queries that the card leaves out of this part. All parts of a fold have as many features.

        Raises
        ------
        NotFoundError
            If there is no such part or fold, or a file is missing; the message says what brings it here.
        DataError
            If a file is malformed; says file and line.
        """
        found = self._read(*self._part(part, fold))
        if "features" not in found.candidates.columns:
            return found
        return found.widened(self.card.features or self._width(fold))

    def candidates(self, part: str = "train", fold: int = 0) -> pd.DataFrame:
        """Read the candidates of a part as a results frame; parameters and errors are those of `pool`."""
        return self.pool(part, fold).results

    def queries(self, part: str = "train", fold: int = 0) -> pd.DataFrame:
        """Read the queries of a part: `qid`, and `query` where they are texts; else as `pool`."""
        return self.pool(part, fold).queries

    def qrels(self, part: str = "train", fold: int = 0) -> pd.DataFrame:
        """Read the labels of the candidates of a part as a qrels frame; parameters and errors are those of `pool`."""
        return self.pool(part, fold).qrels

    def documents(self) -> Iterator[Document]:
        """Yield every candidate of all parts and folds once, to build an index of.

        Raises
        ------
        ConfigError
            If candidates have features and no texts.
        DataError
            If one has another text in another part.
        """
        seen: dict[str, str] = {}
        files: set[tuple[str, ...]] = set()  # folds have files in common
        for fold, part in [(number, part) for number in range(self.folds) for part in self.parts(number)]:
            named = (part, *self._fold(fold)[part].files)
            if named in files:
                continue
            files.add(named)
            hits = self.pool(part, fold).candidates
            if "text" not in hits.columns:
                raise ConfigError(
                    f"{self.name}: its candidates are features and have no texts; nothing can be indexed, use pool()"
                )
            rows = np.sort(np.unique(hits.doc, return_index=True)[1])  # each where it comes first
            texts = take_rows(hits.columns["text"], rows).to_pylist()
            for docno, text in zip(hits.docnos.take(hits.doc[rows]).to_pylist(), texts, strict=True):
                if docno not in seen:
                    seen[docno] = text
                    yield Document(docno, text, f"{self.name} {part}")
                elif seen[docno] != text:
                    raise DataError(
                        f"{self.name}: the candidate {docno!r} has another text in the part {part} of fold {fold + 1} "
                        "than before; give questions of different parts other numbers"
                    )

    @property
    def fingerprint(self) -> str:
        """What the pools depend on: digests of their files, and how they are read."""
        named = dict.fromkeys(name for name in self.card.needed())
        files = {name: sha256(self._path(name)) for name in named}
        folds = [{part: list(one.files) for part, one in fold.parts().items()} for fold in self.card.folds]
        return digest(files, self.card.format, folds, dict(self.card.keep))

    def holds(self) -> dict[str, int]:
        """Count the queries, candidates and right ones of the first fold, and the folds if there are more."""
        found = _summed([self._measured(part, files) for part, files in self._fold(0).items()])
        found.pop("features")
        return {**found, **({"folds": self.folds} if self.folds > 1 else {})}

    def shape(self) -> tuple[int, ...]:
        """Return the number of features of a candidate; nothing where candidates are texts."""
        width = self._width(0)
        return (width,) if width else ()

    def verify(self) -> list[Check]:
        """Compare every checksum on record and every count of the card, part by part, with what is there."""
        checks, card = list(self.checksums()), self.card
        known: dict[Any, dict[str, int]] = {}  # folds have files in common

        def measured(part: PoolPart, files: PoolFiles) -> dict[str, int]:
            key = files.files, card.keep.get(part)
            known[key] = known.get(key) or self._measured(part, files)
            return known[key]

        for fold, divided in enumerate(card.folds):
            of = f" of fold {fold}" if self.folds > 1 else ""
            for part, files in divided.parts().items():
                for what, number in files.counts().items():
                    checks.append(count_check(f"{part} {what}{of}", number, measured(part, files)[what]))
        expected = {**card.counts.given(), **({"features": card.features} if card.features else {})}
        whole = _summed([measured(*one) for one in self._fold(0).items()]) if expected else {}
        checks += [count_check(what, number, whole[what]) for what, number in expected.items()]
        return checks

    def _measured(self, part: PoolPart, files: PoolFiles) -> dict[str, int]:
        """Count what a part holds, and the features of a candidate, 0 for texts."""
        found = self._read(part, files)
        features = found.candidates.columns.get("features")
        return {**found.counts(), "features": 0 if features is None else features.shape[1]}

    def _read(self, part: PoolPart, files: PoolFiles) -> Pool:
        """Read a part as its files have it, without the queries that are left out."""
        read = POOLS.load(self.card.format)
        found: Pool = read([self._path(name) for name in files.files], part)
        return found.keeping(self.card.keep.get(part, "all"))

    def _width(self, fold: int) -> int:
        """Return the largest number of features of the parts of a fold, 0 for texts."""
        return max(self._measured(part, files)["features"] for part, files in self._fold(fold).items())

    def _path(self, name: str) -> Path:
        path = next((place for place in copies(self.folder / name) if readable(place)), None)
        if path is None:
            raise NotFoundError(f"{self.name}: {self.folder / name} is missing; {how_to_get(self.card)}")
        return path

    def _part(self, part: str, fold: int) -> tuple[PoolPart, PoolFiles]:
        if part not in PARTS:
            raise NotFoundError(f"{self.name}: there is no part {part!r}; {near_misses(part, PARTS)}")
        parts = self._fold(fold)
        found = next(((name, files) for name, files in parts.items() if name == part), None)
        if found is None:
            raise NotFoundError(f"{self.name}: has no part {part!r}, only {', '.join(parts)}; name one of these")
        return found

    def _fold(self, fold: int) -> dict[PoolPart, PoolFiles]:
        if not 0 <= fold < self.folds:
            last = f"they are numbered 0..{self.folds - 1}" if self.folds > 1 else "there is one, number 0"
            raise NotFoundError(f"{self.name}: there is no fold {fold}; {last}")
        return self.card.folds[fold].parts()


def _summed(parts: Sequence[dict[str, int]]) -> dict[str, int]:
    """Add the counts of parts; of features there are as many as in the widest."""
    out = {what: sum(one[what] for one in parts) for what in parts[0]}
    return {**out, "features": max(one["features"] for one in parts)}
