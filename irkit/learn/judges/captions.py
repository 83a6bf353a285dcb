"""Caption accuracy: whether pictures drawn from captions show the digit that is named, where it is said to be.

A model draws a picture for each caption in every round, z from its prior. Pixels of one half and more are ink. The
corner is that in which the ink's centre of mass lies; a classifier that has learned the digits of the training part
says which digit the corner shows. A blank picture shows nothing, nowhere.

    digit, position    shares of the training captions that are right in a round; joint: those right in both
    shuffled           joint, each picture scored against the caption of another, drawn by lot
    held out           of the captions that training has not

Source: the task of Mansimov et al., ICLR 2016; the measure is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import AbilityError, ConfigError
from irkit.io.kinds import Captioned, Ragged
from irkit.learn.data import Data
from irkit.learn.estimate import Quantity
from irkit.learn.judges.classifier import SMALLEST, Classifier
from irkit.learn.judges.judge import Control, Judge
from irkit.learn.model import Model
from irkit.learn.neighbours import labelled
from irkit.rng import generator

ROUNDS = 20
"Pictures drawn for each caption."

CORNERS = 4
"Top left, top right, bottom left, bottom right; a label is CORNERS times the digit and the corner."

DIGITS = 10

PASSES = 8
"Of the classifier over its pictures: digits that lie off their corner take it longer, .938 after 3 and .959 after 8."


@runtime_checkable
class Draws(Protocol):
    """A model that draws pictures of captions."""

    def draw(self, captions: Sequence[Any] | Ragged, *, seed: int = 1) -> Floats:
        """Return a picture (C, R, R) with values from 0 to 1 for each caption."""


def corner_of(ink: Floats) -> Ints:
    """Return the corner in which the centre of mass of each picture lies: (n, R, C) to (n,), -1 for a blank one.

    Examples
    --------
    >>> corner_of(np.array([[[0, 1], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 0]]]))
    array([ 1,  2, -1])
    """
    _, rows, columns = ink.shape
    mass = ink.sum((1, 2))
    down = (ink.sum(2) * (np.arange(rows) - (rows - 1) / 2)).sum(1) > 0
    right = (ink.sum(1) * (np.arange(columns) - (columns - 1) / 2)).sum(1) > 0
    return np.where(mass > 0, 2 * down + right, -1)


def cropped(pictures: Floats, corners: Ints, side: int) -> Floats:
    """Return the corners of pictures: (n, 1, R, C) and (n,) to (n, 1, side, side)."""
    rows, columns = pictures.shape[2:]
    first = [np.where(far, size - side, 0) for far, size in ((corners // 2, rows), (corners % 2, columns))]
    places = [one[:, None] + np.arange(side) for one in first]
    found: Floats = pictures[np.arange(len(pictures))[:, None, None], 0, places[0][:, :, None], places[1][:, None]]
    return found[:, None]


class Captions(Judge):
    """Judges pictures that models draw of captions, such as those of `captioned-mnist`."""

    name = "captions"
    one = "round"
    size = ROUNDS
    quantities = {  # noqa: RUF012
        name: Quantity() for name in ("joint", "digit", "position", "shuffled", "held-out joint", "held-out position")
    }

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        train, self.test = data.part("train"), data.part("test")
        try:
            self.side = int(data.details["quadrant"])
            held = sorted(map(int, data.details["held out"].split()))
        except (KeyError, ValueError):
            raise ConfigError(
                f"captions: where the digits of {data.name} are is not known; its details need `quadrant`, the pixels "
                "of a corner's side, and `held out`, the labels that training has not"
            ) from None
        if not isinstance(self.test, Captioned) or not isinstance(train, Captioned):
            raise ConfigError(f"captions: judges pictures with captions, got {data.spec}; choose another judge")
        self._check_details(held)
        train, self.test = (_labelled(one, name, data) for one, name in ((train, "train"), (self.test, "test")))
        train_labels, labels = np.asarray(train.labels), np.asarray(self.test.labels)
        self.rows = [np.flatnonzero(labels == label) for label in range(CORNERS * DIGITS)]
        lacking = [label for label, rows in enumerate(self.rows) if not len(rows)]
        if lacking:
            raise ConfigError(f"captions: the test part of {data.name} lacks label {lacking[0]}; give it all of them")
        self.held = np.isin(np.arange(len(self.rows)), held)
        self.captions = self.test.caption.take(np.array([rows[0] for rows in self.rows]))
        self.classifier = Classifier(DIGITS)
        self.classifier.fit(_corner(train.x, train_labels, self.side), train_labels // CORNERS, passes=PASSES)
        self.accuracy = self.classifier.accuracy(_corner(self.test.x, labels, self.side), labels // CORNERS)

    def _check_details(self, held: Sequence[int]) -> None:
        """Raise `ConfigError` unless corners lie in the pictures, and some labels are held out, but not all."""
        most, every = min(self.test.spec.shape[1:]), CORNERS * DIGITS
        if not SMALLEST <= self.side <= most:
            raise ConfigError(
                f"captions: a corner's side must be {SMALLEST} to {most} pixels, got {self.side} in {self.data.name}; "
                "correct its `quadrant`"
            )
        if not 0 < len(set(held)) < every or not 0 <= held[0] <= held[-1] < every:
            got = " ".join(map(str, held)) or "none"
            raise ConfigError(
                f"captions: some labels from 0 to {every - 1} must be held out, not all, got {got[:40]} in "
                f"{self.data.name}; correct its `held out`"
            )

    def check(self, model: Model, quantities: Sequence[str] = ()) -> None:
        """Raise `AbilityError` unless a model draws pictures of captions."""
        super().check(model, quantities)
        if not isinstance(model, Draws):
            raise AbilityError(
                f"captions: judges models that draw pictures of captions, which {model.name} does not; choose another"
            )

    def values(self, model: Any, *, seed: int) -> Mapping[str, Floats]:
        """Return the shares of each round."""
        labels = np.tile(np.arange(len(self.rows)), ROUNDS)
        return self._scored(model.draw(self.captions.take(labels), seed=seed), seed)

    def controls(self) -> Iterator[Control]:
        """Yield real pictures, and what chance would have."""
        rng = generator(0, "captions")
        drawn = np.array([[rng.choice(rows) for rows in self.rows] for _ in range(ROUNDS)])
        yield Control(
            "real data", "Test pictures with their own captions.", self._scored(self.test.x[drawn.ravel()], 0)
        )
        position, digit = 1 / CORNERS, 1 / DIGITS
        joint = position * digit
        chance = {"joint": joint, "digit": digit, "position": position, "shuffled": joint}
        chance |= {"held-out joint": joint, "held-out position": position}
        about = "Any digit in any corner, whatever the caption says; worked out, not drawn."
        yield Control("chance", about, {name: np.full(ROUNDS, share) for name, share in chance.items()})

    @property
    def facts(self) -> tuple[str, ...]:
        """Say how is judged."""
        seen, held = int((~self.held).sum()), int(self.held.sum())
        return (
            f"a round draws one picture for each of {seen} captions of training and {held} that it has not; a "
            f"classifier of corners of {self.side} x {self.side} pixels, right on {self.accuracy:.1%} of the real test "
            "pictures, says which digit is drawn, the centre of mass of pixels of one half or more where",
        )

    def _scored(self, pictures: Floats, seed: int) -> dict[str, Floats]:
        """Return the shares of each round of pictures (ROUNDS L, 1, R, C), L captions in the order of their labels."""
        ink = (pictures >= 0.5).astype(np.float32)
        corner = corner_of(ink[:, 0])
        digit = np.where(corner < 0, -1, self.classifier.predict(cropped(ink, corner.clip(0), self.side)))
        shown = np.where(corner < 0, -1, CORNERS * digit + corner).reshape(ROUNDS, -1)
        labels = np.arange(shown.shape[1])
        right = shown == labels
        digits, corners = shown // CORNERS == labels // CORNERS, corner.reshape(ROUNDS, -1) == labels % CORNERS
        seen = labels[~self.held]
        rng = generator(seed, "captions", "shuffled")
        other = np.array([rng.permutation(seen) for _ in range(ROUNDS)])
        shares = {
            "joint": right[:, seen],
            "digit": digits[:, seen],
            "position": corners[:, seen],
            "shuffled": shown[:, seen] == other,
            "held-out joint": right[:, self.held],
            "held-out position": corners[:, self.held],
        }
        return {name: one.mean(1) for name, one in shares.items()}


def _labelled(part: Captioned, name: str, data: Data) -> Captioned:
    """Return the pictures of a part that have a label."""
    rows, every = labelled(part), CORNERS * DIGITS
    if rows is None or int(np.asarray(part.labels).max()) >= every:
        got = "none" if rows is None else f"up to {int(np.asarray(part.labels).max())}"
        raise ConfigError(
            f"captions: labels from 0 to {every - 1} are needed, got {got} in the {name} part of {data.name}; judge "
            "other data"
        )
    return part.take(rows)


def _corner(x: Floats, labels: Ints, side: int) -> Floats:
    return cropped(x.astype(np.float32), labels % CORNERS, side)
