"""Texts in three parts, with labels where there are classes, as a data set of tokens.

What files do not part is parted by a seed. The vocabulary is that of the training texts which are left; classes are
those of all texts read as training, numbered in the order of their names, or of the numbers that all names are. A
text without a known term has no likelihood and no place in a data set: it is left out, as one is that is longer than
asked for, and `details` say how many were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Ints
from irkit.config import Config
from irkit.errors import ConfigError, DataError
from irkit.io.kinds import PARTS, DataSet, Tokens
from irkit.io.texts.sentences import MARKS, sentences
from irkit.io.texts.tokens import Numbered, Tokenisation, class_numbers
from irkit.rng import Seed, generator


class Texts(NamedTuple):
    """One part, as it was read."""

    texts: Sequence[str]
    labels: Sequence[str] | None = None
    "The name of a class for each, empty where it has none; None where there are no classes."


class Parting(Config):
    """How texts are parted where their files do not part them: part of what a data set is."""

    valid: int | None = Field(None, ge=0)
    "Training texts that become the validation part; default a tenth of all that were to train on."
    test: int | None = Field(None, ge=0)
    "Training texts that become the test part; default likewise."
    seed: Seed = 1
    "Decides which."

    def __str__(self) -> str:
        return json.dumps(self.model_dump())


def data_of_texts(
    name: str,
    train: Texts | Sequence[str],
    valid: Texts | Sequence[str] | None = None,
    test: Texts | Sequence[str] | None = None,
    *,
    how: Tokenisation | None = None,
    parting: Parting | None = None,
) -> DataSet[Tokens]:
    """Make a data set of texts.

    Parameters
    ----------
    name : str
    train, valid, test : Texts or sequence of str
        Texts and, in `Texts`, the name of a class for each. Parts that are absent are drawn from training.
    how : Tokenisation, optional
    parting : Parting, optional

    Returns
    -------
    DataSet of Tokens
        `details` say how texts became terms, what the classes are called, how they were parted and how many were
        left out since they had no known term, or too many.

    Raises
    ------
    DataError
        If a part is empty, training has no term, or another part has a class that training has not.
    ConfigError
        If a part is given and to be drawn too, or more is to be drawn than there is.

    Examples
    --------
    >>> made = data_of_texts("roses", Texts(["red rose", "blue rose", "red sky"], ["r", "b", "r"]), ["sky"], ["red?"])
    >>> made.train.words, made.train.labels.tolist(), made.details["classes"]
    (('red', 'rose', 'blue', 'sky'), [1, 0, 1], '["b", "r"]')
    """
    how, parting = how or Tokenisation(), parting or Parting()
    given = dict(zip(PARTS, (train, valid, test), strict=True))
    read = {part: one if isinstance(one, Texts) else Texts(one) for part, one in given.items() if one is not None}
    rows, drawn = parted(name, {part: len(one.texts) for part, one in read.items()}, parting)
    numbered = Numbered(how)
    terms = {part: numbered.add(one.texts) for part, one in read.items()}
    words = numbered.vocabulary(terms["train"].take(rows["train"]), name)
    known = {part: numbered.known(one, words) for part, one in terms.items()}
    classes, numbers = _labelled(name, read)
    made: list[Tokens] = []
    empty: list[str] = []
    unfit: list[str] = []
    for part in PARTS:
        source = part if part in read else "train"
        whole = Tokens(known[source], len(words), labels=numbers.get(source), words=words).take(rows[part])
        fits = np.flatnonzero(_fits(whole, how))
        if len(fits) < len(whole):
            unfit.append(f"{len(whole) - len(fits):,} of {part}")
            whole = whole.take(fits)
        filled = np.flatnonzero(whole.x.lengths)
        if not len(filled):
            raise DataError(f"{name}: no text of the {part} part has a known term; give other texts or settings")
        if len(filled) < len(whole):
            empty.append(f"{len(whole) - len(filled):,} of {part}")
        made.append(whole.take(filled))
    details = {"tokens": str(how), "classes": classes, "parting": drawn, "left out as empty": ", ".join(empty)}
    details["left out by length"] = ", ".join(unfit)
    return DataSet(name, made[0], made[1], made[2], {what: value for what, value in details.items() if value})


def _fits(part: Tokens, how: Tokenisation) -> Bools:
    """Say which documents have as many terms and sentences as is asked for."""
    fits: Bools = part.x.lengths <= (np.inf if how.longest is None else how.longest)
    if how.sentences is not None:
        fewest, most = how.sentences
        marks = [at for at, word in enumerate(part.words or ()) if word in MARKS]
        counts = sentences(part.x, np.array(marks)).counts
        fits &= (counts >= fewest) & (counts <= most)
    return fits


def parted(name: str, sizes: Mapping[str, int], parting: Parting) -> tuple[dict[str, Ints], str]:
    """Return the rows of each part, of what was read as it or, where nothing was, of the training part, and how."""
    for part, size in sizes.items():
        if not size:
            raise DataError(f"{name}: its {part} part is empty; give it texts, or leave it away")
    rows: dict[str, Ints] = {part: np.arange(size) for part, size in sizes.items()}
    absent = [part for part in PARTS[1:] if part not in sizes]
    for part in PARTS[1:]:
        if part in sizes and getattr(parting, part) is not None:
            raise ConfigError(f"{name}: its {part} part is given, and to be drawn from training too; drop one")
    if not absent:
        return rows, ""
    n = sizes["train"]
    wanted = {part: n // 10 if (many := getattr(parting, part)) is None else many for part in absent}
    if not all(wanted.values()) or sum(wanted.values()) >= n:
        asked = " and ".join(f"{many:,} to {part}" for part, many in wanted.items())
        raise ConfigError(f"{name}: {n:,} texts cannot be parted, got {asked}; give more texts, or all three parts")
    order = generator(parting.seed, "parts").permutation(n)
    at = 0
    for part, many in wanted.items():
        rows[part] = np.sort(order[at : at + many])
        at += many
    rows["train"] = np.sort(order[at:])
    drawn = " and ".join(f"{many:,} as {part}" for part, many in wanted.items())
    return rows, f"of {n:,} training texts {drawn}, drawn with seed {parting.seed}"


def _labelled(name: str, read: Mapping[str, Texts]) -> tuple[str, dict[str, Ints]]:
    """Return the classes of training as JSON, and the labels of each part as numbers; nothing where none has any."""
    named = {part: one.labels for part, one in read.items() if one.labels is not None}
    if not named:
        return "", {}
    if "train" not in named:
        raise DataError(f"{name}: its training part has no labels, and another has; give both or none")
    for part, labels in named.items():
        if len(labels) != len(read[part].texts):
            got = f"{len(labels)} for {len(read[part].texts)}"
            raise DataError(f"{name}: each text of the {part} part needs a label, got {got}; give as many")
    classes = sorted({*named["train"]} - {""})
    if all(one.isascii() and one.isdecimal() for one in classes):
        classes.sort(key=int)
    numbers = {part: class_numbers(f"{name}: {part}", labels, classes) for part, labels in named.items()}
    for part in read.keys() - named.keys():
        numbers[part] = np.full(len(read[part].texts), -1, dtype=np.int64)
    return json.dumps(classes, ensure_ascii=False), numbers
