"""Splits of ratings that the names of files tell, as people part them before they compare recommenders.

    train.csv, test.csv                                 the split `test`
    u1.base, u1.test; r1.train, r1.test                 the splits `u1` and `r1`
    first.train.csv, first.test.csv                     the split `first`
    train1.csv, test1.csv, or train-1.csv, ...          the splits `fold1`, ...
    fold1/train.csv, fold1/test.csv, ...                the same

A validation part beside them is not read: settings are chosen on a part of the training ratings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from irkit.errors import ConfigError
from irkit.io.library.rating_card import RatingSplitCard
from irkit.io.ratings.sniff import begins_with_rating, has_rating_columns
from irkit.packing import bare

_PART = re.compile(
    r"(?:(?P<name>.+)\.)?(?P<part>train|base|test)(?:[-_]?(?P<fold>[0-9]+))?(?:\.(?:csv|tsv|tab|dat|data|txt|parquet))?",
    re.IGNORECASE,
)
_FOLD = re.compile(r"(?i)fold[-_]?([0-9]+)")


def own_splits(folder: Path) -> dict[str, RatingSplitCard]:
    """Find the splits in a folder of files of ratings, in the order of their names and numbers.

    Raises
    ------
    ConfigError
        If two files compete to be one part.
    """
    found: dict[str, dict[str, str]] = {}
    for split, part, path in sorted(_parts(folder)):
        own = found.setdefault(split, {})
        if part in own:
            both = f"{own[part]} and {path}"
            raise ConfigError(f"{folder}: {both} are both the {part} part of {split}; keep one, or write a card.yaml")
        own[part] = path
    whole = {split: own for split, own in found.items() if len(own) == 2}
    return {split: RatingSplitCard(**own) for split, own in sorted(whole.items(), key=lambda one: _number(one[0]))}


def holds_rating_splits(folder: Path) -> bool:
    """Say whether a folder holds a split whose files begin as ratings do."""
    try:
        splits = own_splits(folder) if folder.is_dir() else {}
    except ConfigError:
        return False
    files = [folder / one.train for one in splits.values()]
    return any(has_rating_columns(file) or begins_with_rating(file) for file in files)


def _parts(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield split, part and path in the folder of every file whose name tells them."""
    for path in folder.iterdir():
        if path.is_dir() and (fold := _FOLD.fullmatch(path.name)):
            for inner in path.iterdir():
                match = _PART.fullmatch(bare(inner.name).name)
                if match and not match["name"] and not match["fold"] and inner.is_file():
                    yield f"fold{fold[1]}", _part(match), inner.relative_to(folder).as_posix()
        elif path.is_file() and (match := _PART.fullmatch(bare(path.name).name)):
            fold_of = f"fold{match['fold']}" if match["fold"] else "test"
            yield match["name"] or fold_of, _part(match), path.name


def _part(match: re.Match[str]) -> str:
    return "test" if match["part"].lower() == "test" else "train"


def _number(name: str) -> tuple[str, int]:
    """Order names by the numbers they end in.

    Examples
    --------
    >>> sorted(["fold10", "fold2"], key=_number)
    ['fold2', 'fold10']
    """
    digits = re.search("[0-9]*$", name)[0]  # type: ignore[index]  # it may be empty
    return name.removesuffix(digits), int(digits or 0)
