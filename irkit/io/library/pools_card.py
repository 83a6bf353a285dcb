"""Cards of the kind `pools`: queries with candidates of their own, in parts to train, validate and test on.

    name: toy
    kind: pools
    about: One line.
    format: letor                           one of `irkit.registry.POOLS`
    features: 46                            how many a candidate has; absent where candidates are texts
    folds:                                  one or more; files lie plain or packed with gzip
      - train: {files: [Fold1/train.txt], queries: 471, candidates: 9630, relevant: 1810}
        valid: [Fold1/vali.txt]             files alone, where nothing is counted
        test: [Fold1/test.txt]
    counts: {queries: 784, candidates: 15211}       of all parts of the first fold together

`keep` leaves out queries, part by part: `answered` those without a right candidate, `mixed` also those without a
wrong one. Sets of a card, named `<card>/<set>`, say what is other about them; the card itself is one too:

    keep: {valid: mixed, test: mixed}
    sets:
      raw: {about: One line., keep: {}, folds: [...]}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from irkit.config import Config
from irkit.errors import NotFoundError, near_misses
from irkit.io.library.card import Card
from irkit.io.pools.pool import Keep
from irkit.locate import is_inside
from irkit.packing import copies
from irkit.registry import POOLS

PoolPart = Literal["train", "valid", "test"]

PARTS: tuple[PoolPart, ...] = ("train", "valid", "test")


class PoolCounts(Config):
    """What pools must hold; what is absent is not checked."""

    queries: int | None = Field(None, ge=0)
    candidates: int | None = Field(None, ge=0)
    relevant: int | None = Field(None, ge=0)
    "Candidates of a label above 0."


class PoolFiles(PoolCounts):
    """The files of one part, and what they hold once `keep` was applied."""

    files: tuple[str, ...] = Field(min_length=1)
    "All are needed, in the order in which the format asks for them."

    def counts(self) -> dict[str, int]:
        """Return what the part must hold, as far as it is said."""
        return {what: number for what, number in self.given().items() if what != "files"}


def _as_files(value: Any) -> Any:
    return {"files": value} if isinstance(value, (list, tuple)) else value


_Files = Annotated[PoolFiles | None, BeforeValidator(_as_files)]


class FoldCard(Config):
    """One division into parts; some may be absent, but not all."""

    train: _Files = None
    valid: _Files = None
    test: _Files = None

    @model_validator(mode="after")
    def _has_a_part(self) -> FoldCard:
        if not self.parts():
            raise ValueError(f"a fold has one of {', '.join(PARTS)}")
        return self

    def parts(self) -> dict[PoolPart, PoolFiles]:
        """Return the parts that there are."""
        found = {part: getattr(self, part) for part in PARTS}
        return {part: files for part, files in found.items() if files is not None}


class PoolSetCard(Config):
    """What is special to one of several sets; what it does not say is as in the card."""

    about: str = ""
    folds: tuple[FoldCard, ...] = ()
    keep: dict[PoolPart, Keep] | None = None
    counts: PoolCounts = PoolCounts()


class PoolsCard(Card):
    """The card of pools; see the module docstring for its YAML form."""

    kind: Literal["pools"] = "pools"
    format: str
    folds: tuple[FoldCard, ...] = Field(min_length=1)
    features: int | None = Field(None, ge=1)
    keep: dict[PoolPart, Keep] = Field(default_factory=dict)
    "Which queries of a part stay; default all."
    counts: PoolCounts = PoolCounts()
    sets: dict[str, PoolSetCard] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> PoolsCard:
        if self.format not in POOLS:
            raise ValueError(f"pools have no format {self.format!r}, only {', '.join(POOLS)}")
        for name in self.sets:
            if not is_inside(name) or "/" in name or name == ".":
                raise ValueError(f"sets: a name has no separator, got {name!r}")
        return self

    @property
    def several(self) -> bool:
        """The card itself is a set, so that none needs to be named."""
        return False

    @property
    def splits(self) -> tuple[str, ...]:
        """None to choose from: parts belong together, and folds have numbers."""
        return ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of features of a candidate; empty where candidates are texts."""
        return () if self.features is None else (self.features,)

    def of(self, name: str) -> PoolsCard:
        """Return the card of one of the sets, called `<card>/<set>`.

        Raises
        ------
        NotFoundError
            If there is none; the message lists near misses.
        """
        one = self.sets.get(name)
        if one is None:
            sets = [f"{self.name}/{one}" for one in self.sets]
            tail = near_misses(f"{self.name}/{name}", sets) if sets else f"{self.name} is one set"
            raise NotFoundError(f"{self.name}: there is no set {name!r}; {tail}")
        narrow = {
            "name": f"{self.name}/{name}",
            "about": one.about or self.about,
            "folder": self.folder or self.name,
            "folds": one.folds or self.folds,
            "keep": self.keep if one.keep is None else one.keep,
            "counts": one.counts,
            "sets": {},
        }
        return self.model_copy(update=narrow)

    def sets_in(self, folder: Path) -> list[str]:
        """List the sets of the card, whatever a folder holds."""
        return list(self.sets)

    def reads(self) -> list[str | None]:
        """Return the files of all folds, also those of sets."""
        folds = [*self.folds, *(fold for one in self.sets.values() for fold in one.folds)]
        return list(dict.fromkeys(name for fold in folds for part in fold.parts().values() for name in part.files))

    def needed(self) -> list[str]:
        """Return the files of all folds."""
        return list(dict.fromkeys(name for fold in self.folds for part in fold.parts().values() for name in part.files))

    def lies_in(self, folder: Path) -> bool:
        """Say whether a folder has all files, plain or packed."""
        return not self.missing_in(folder)

    def missing_in(self, folder: Path) -> list[str]:
        """List the files that a folder has neither plain nor packed."""
        return [name for name in self.needed() if not any(place.exists() for place in copies(folder / name))]

    def holds(self) -> dict[str, int]:
        """Return the numbers of queries, candidates and right ones in a fold, and of folds if there are more."""
        counts = self.counts.given()
        return {**counts, **({"folds": len(self.folds)} if counts and len(self.folds) > 1 else {})}
