"""Pictures with labels: what a model draws, and what it makes of pictures that it sees, by a stated classifier.

Of samples, a batch at a time:

    frechet distance     |m - m'|^2 + tr(S + S' - 2 (S S')^1/2) between Gaussians of moments m, S, fitted to the
                         classifier's features of samples and of test pictures
    classes              how many have a hundredth of the samples or more
    pair distance        mean Euclidean distance of two samples, over that of two test pictures
    in-class distance    the same within a class, mean over classes
    contrast             mean over pictures of the standard deviation of their pixels, over that of test pictures

Of reconstructions, where the model reconstructs: test pictures go in, a batch at a time as well.

    label accuracy       share that the classifier gives the label of the picture that went in
    feature error        squared distance between the classifier's features of both

Samples alone do not tell a model that ignores what it sees: its encoder may be the prior, and its samples good.

Source: Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter, "GANs trained by a two time-scale update rule converge
to a local Nash equilibrium", NIPS 2017, section 3 (the Frechet distance; its features are those of Inception, and
figures of other classifiers are not to be compared with them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

import numpy as np
import torch

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError, DataError
from irkit.io.kinds import Examples, Spec
from irkit.learn.abilities import Ability
from irkit.learn.data import Data
from irkit.learn.estimate import Quantity
from irkit.learn.judges.classifier import SMALLEST, Classifier
from irkit.learn.judges.judge import Control, Judge, batch_seed
from irkit.learn.model import Model
from irkit.learn.neighbours import labelled
from irkit.rng import generator

SAMPLES, BATCHES = 2000, 10
"Most samples of a batch, half of the training pictures where these are fewer; batches."

COVERED = 0.01
"Share of the samples from which on a class is counted."


class Moments(NamedTuple):
    """Of features."""

    mean: Floats
    "(F,)"
    covariance: Floats
    "(F, F)"

    @classmethod
    def of(cls, features: Floats) -> Moments:
        """Fit them to features (n, F)."""
        return cls(features.mean(0), np.cov(features, rowvar=False))


def frechet_distance(one: Moments, other: Moments) -> float:
    """Return the squared Frechet distance of two Gaussians.

    The trace of (S S')^1/2 is the sum of the roots of the eigenvalues of S^1/2 S' S^1/2, which is symmetric: nothing
    is inverted, and covariances need not have full rank.

    Examples
    --------
    Of N(0, 1) and N(3, 4):

    >>> frechet_distance(Moments(np.zeros(1), np.eye(1)), Moments(np.array([3.0]), 4 * np.eye(1)))
    10.0
    """
    values, vectors = np.linalg.eigh(one.covariance)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ other.covariance @ root).clip(0)).sum()
    apart = np.square(one.mean - other.mean).sum()
    return float(apart + np.trace(one.covariance) + np.trace(other.covariance) - 2 * shared)


def pair_distance(x: Floats) -> float:
    """Return the mean Euclidean distance of two rows, (n, D) with n of 2 or more."""
    rows = torch.from_numpy(np.asarray(x, dtype=np.float64))
    return float(torch.cdist(rows, rows).sum()) / (len(x) * (len(x) - 1))


def in_class_distances(x: Floats, classes: Ints, n: int) -> Floats:
    """Return the mean distance of two rows of each class, NaN where it has but one: (n,)."""
    members = [x[classes == one] for one in range(n)]
    return np.array([pair_distance(rows) if len(rows) > 1 else np.nan for rows in members])


def contrast(x: Floats) -> float:
    """Return the mean over rows (n, D) of the standard deviation of their values."""
    return float(np.asarray(x, dtype=np.float64).std(1).mean())


class Pictures(Judge):
    """Judges grey or colour pictures that have labels; it trains its classifier first."""

    name = "pictures"
    one = "batch"
    size = BATCHES
    beside = ("real data",)
    quantities: ClassVar[Mapping[str, Quantity]] = {
        "frechet distance": Quantity(lower=True),
        "classes": Quantity("classes"),
        "pair distance": Quantity(),
        "in-class distance": Quantity(),
        "contrast": Quantity(),
        "label accuracy": Quantity(),
        "feature error": Quantity(lower=True),
    }
    asks: ClassVar[Mapping[str, Ability]] = {"label accuracy": "reconstruct", "feature error": "reconstruct"}

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        self.spec = data.spec
        _check_pictures(data)
        train, self.test = (_labelled(data, part) for part in ("train", "test"))
        self.train, self.classes = self.shaped(train.x), int(self._labels(train).max()) + 1
        self.samples = min(SAMPLES, len(self.train) // 2)
        self.labels = self._labels(self.test)
        real = self.shaped(self.test.x)
        few = real[:SAMPLES]
        self.distance, self.contrast = pair_distance(_flat(few)), contrast(_flat(real))
        if not self.distance or not self.contrast:
            raise ConfigError(
                f"pictures: test pictures must differ and show something, got {data.name}; judge other data"
            )
        self.classifier = Classifier(self.classes).fit(self.train, self._labels(train))
        self.features = self.classifier.features(real)
        self.moments = Moments.of(self.features)
        self.accuracy = self.classifier.accuracy(real, self.labels)
        within = in_class_distances(_flat(few), self.classifier.predict(few), self.classes)
        self.distances = np.where(within > 0, within, self.distance)
        "Of two test pictures of each class; where there are not two that differ, of any two."

    def values(self, model: Model, *, seed: int) -> Mapping[str, Floats]:
        """Return the figures of each batch, (10,) each; those of reconstructions where the model makes some."""
        drawn = (
            self.shaped(model.sample(self.samples, seed=batch_seed(seed, batch, BATCHES))) for batch in range(BATCHES)
        )
        found = self._of_samples(drawn)
        return found | self._of_reconstructions(model.reconstruct(self.test)) if model.can("reconstruct") else found

    def controls(self) -> Iterator[Control]:
        """Yield training pictures in place of samples, test pictures in place of their reconstructions."""
        rng = generator(0, "pictures")
        drawn = (self.train[rng.permutation(len(self.train))[: self.samples]] for _ in range(BATCHES))
        found = self._of_samples(drawn) | self._of_reconstructions(self.test.x)
        yield Control("real data", "Training pictures as samples, test pictures as their own reconstructions.", found)

    @property
    def facts(self) -> tuple[str, ...]:
        """Say who classifies, and of how many pictures a value is."""
        return (
            f"classifier: a small convolutional network, trained on the training part, right on {self.accuracy:.3f} of "
            "the test pictures; the Frechet distance is in its 64 features, and not to be compared with that of other "
            "classifiers",
            f"a value is of {self.samples:,} samples, and of a tenth of the {len(self.test):,} test pictures where it "
            "is of reconstructions; distances and contrast are over those of the test pictures",
        )

    def shaped(self, x: Floats) -> Floats:
        """Return rows, or pictures, as pictures (n, C, H, W); refuse numbers that are not finite."""
        if not np.isfinite(x).all():
            raise DataError("pictures: values must be finite, got one that is not; train the model otherwise")
        if self.spec.picture is None:
            return np.asarray(x)
        rows, columns, *channels = self.spec.picture
        if not channels:
            return np.asarray(x).reshape(-1, 1, rows, columns)
        return np.asarray(x).reshape(-1, rows, columns, *channels).transpose(0, 3, 1, 2)  # a row has its channels last

    def _of_samples(self, batches: Iterator[Floats]) -> dict[str, Floats]:
        """Return the figures of batches of pictures."""
        each = []
        for pictures in batches:
            flat, classes = _flat(pictures), self.classifier.predict(pictures)
            counts = np.bincount(classes, minlength=self.classes)
            within = in_class_distances(flat, classes, self.classes) / self.distances
            each.append(
                {
                    "frechet distance": frechet_distance(Moments.of(self.classifier.features(pictures)), self.moments),
                    "classes": float((counts >= COVERED * len(flat)).sum()),
                    "pair distance": pair_distance(flat) / self.distance,
                    "in-class distance": float(np.nanmean(within)),
                    "contrast": contrast(flat) / self.contrast,
                }
            )
        return {name: np.array([one[name] for one in each]) for name in each[0]}

    def _of_reconstructions(self, made: Floats) -> dict[str, Floats]:
        """Return the figures of what was made of the test pictures."""
        pictures = self.shaped(made)
        right = (self.classifier.predict(pictures) == self.labels).astype(np.float64)
        error = np.square(self.classifier.features(pictures) - self.features).sum(1)
        each = {"label accuracy": right, "feature error": error}
        return {name: np.array([part.mean() for part in np.array_split(one, BATCHES)]) for name, one in each.items()}

    @staticmethod
    def _labels(part: Examples) -> Ints:
        return np.asarray(part.labels, dtype=np.int64)


def _flat(pictures: Floats) -> Floats:
    return pictures.reshape(len(pictures), -1)


def _labelled(data: Data, name: str) -> Examples:
    """Return the examples of a part that have a label."""
    part = data.part(name)
    rows = labelled(part)
    if rows is None or len(rows) < BATCHES:
        got = 0 if rows is None else len(rows)
        raise ConfigError(
            f"pictures: at least {BATCHES} labelled pictures are needed in each part, got {got} in the {name} part of "
            f"{data.name}; judge other data"
        )
    return part.take(rows)


def _check_pictures(data: Data) -> None:
    """Raise `ConfigError` unless data are of pictures that are large enough."""
    spec: Spec = data.spec
    sides = spec.picture[:2] if spec.picture is not None else spec.shape[1:] if spec.channels else ()
    if spec.kind not in ("rows", "pictures") or len(sides) != 2 or min(sides) < SMALLEST:
        raise ConfigError(
            f"pictures: pictures of {SMALLEST} pixels a side or more are judged, got {spec}"
            f"{f' and picture {spec.picture}' if spec.picture else ''} in {data.name}; judge other data"
        )
