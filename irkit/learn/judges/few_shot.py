"""Few-shot classification: of which class a picture is, by sets of one or five pictures of each class.

An episode draws classes, some pictures of each, the support, and one more picture x of one of them. It is told by the
class with the smallest KL(q(c | x) || q(c | support)). All models and controls have the same episodes.
Source: Edwards and Storkey, "Towards a Neural Statistician", ICLR 2017, section 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.errors import ConfigError
from irkit.io.kinds import Ragged, Sets
from irkit.learn.data import Data
from irkit.learn.estimate import Quantity
from irkit.learn.judges.judge import Control, Judge, need_posteriors
from irkit.learn.model import Model
from irkit.learn.neighbours import labelled
from irkit.rng import generator

EPISODES = 600
"Of each task."

TASKS = {"5-way 1-shot": (5, 1), "5-way 5-shot": (5, 5), "20-way 1-shot": (20, 1)}
"Classes of an episode, and pictures of each in its support."


class Episodes(NamedTuple):
    """E episodes as numbers of pictures."""

    asked: Ints
    "(E,) the picture whose class is asked for."
    support: Ints
    "(E, ways, shots) those of each class, the right one first."


def episodes(labels: Ints, ways: int, shots: int, n: int, rng: np.random.Generator) -> Episodes:
    """Draw n episodes of the pictures whose classes are given: (N,)."""
    members = [np.flatnonzero(labels == one) for one in np.unique(labels)]
    asked, support = [], []
    for _ in range(n):
        classes = rng.choice(len(members), ways, replace=False)
        drawn = [rng.choice(members[one], shots + 1, replace=False) for one in classes]
        asked.append(drawn[0][shots])
        support.append([one[:shots] for one in drawn])
    return Episodes(np.array(asked), np.array(support))


def told(distance: Floats) -> Floats:
    """Return the share that the first class has of the nearest ones, 1, 0 or less than 1 where several tie: (E,).

    Parameters
    ----------
    distance : (E, ways)

    Examples
    --------
    >>> told(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]])).tolist()
    [1.0, 0.0, 0.5]
    """
    nearest = distance == distance.min(1, keepdims=True)
    found: Floats = nearest[:, 0] / nearest.sum(1)
    return found


def kl(mean: Floats, variance: Floats, other_mean: Floats, other_variance: Floats) -> Floats:
    """Return KL(N(mean, variance) || N(other_mean, other_variance)), diagonal: (..., C) to (...)."""
    ratio = variance / other_variance
    found: Floats = 0.5 * ((mean - other_mean) ** 2 / other_variance + ratio - 1 - np.log(ratio)).sum(-1)
    return found


class FewShot(Judge):
    """Judges posteriors of sets by the classes of unseen pictures that they tell."""

    name = "few-shot"
    one = "episode"
    needs = ("encode",)
    size = EPISODES
    quantities = {name: Quantity() for name in TASKS}  # noqa: RUF012

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        test = data.part("test")
        ways, shots = (max(one) for one in zip(*TASKS.values(), strict=True))
        known = labelled(test)
        if not isinstance(test, Sets) or known is None:
            raise ConfigError(f"few-shot: test sets with labels are needed, got {test.spec}; choose other data")
        test = test.take(known)
        of = np.repeat(np.asarray(test.labels), test.x.lengths)
        kept = [np.unique(test.x.values[of == one], axis=0) for one in np.unique(of)]  # each picture once
        fewest = min(map(len, kept), default=0)
        if len(kept) < ways or fewest <= shots:
            raise ConfigError(
                f"few-shot: test sets must hold {ways} classes and {shots + 1} different elements of each, got "
                f"{len(kept)} classes and {fewest}; choose other data"
            )
        self.pictures, self.labels = np.concatenate(kept), np.repeat(np.arange(len(kept)), [len(one) for one in kept])
        rng = generator(0, "few-shot")
        self.episodes = {name: episodes(self.labels, *task, EPISODES, rng) for name, task in TASKS.items()}

    def values(self, model: Model, *, seed: int) -> Mapping[str, Floats]:
        """Return for each episode whether a model tells the class."""
        self.check(model)
        own_mean, own_variance = self._posteriors(model, np.arange(len(self.pictures))[:, None])
        found = {}
        for name, (asked, support) in self.episodes.items():
            flat = support.reshape(-1, support.shape[2])
            mean, variance = self._posteriors(model, flat)
            mean, variance = (one.reshape(*support.shape[:2], -1) for one in (mean, variance))
            found[name] = told(kl(own_mean[asked][:, None], own_variance[asked][:, None], mean, variance))
        return found

    def check(self, model: Model, quantities: Sequence[str] = ()) -> None:
        """Raise `AbilityError` unless a model gives posteriors of sets."""
        super().check(model, quantities)
        need_posteriors(self.name, model)

    def controls(self) -> Iterator[Control]:
        """Yield the pictures themselves, and chance."""
        pixels = self.pictures.astype(np.float64)
        near = {}
        for name, (asked, support) in self.episodes.items():
            means = np.stack([pixels[one].mean(1) for one in support])  # (E, ways, D)
            near[name] = told(((pixels[asked][:, None] - means) ** 2).sum(2))
        yield Control("pixels", "The class whose mean picture is nearest.", near)
        chance = {name: np.full(EPISODES, 1 / ways) for name, (ways, _) in TASKS.items()}
        yield Control("chance", "Any class.", chance)

    @property
    def facts(self) -> tuple[str, ...]:
        """Say what the episodes are of."""
        return (
            f"{EPISODES} episodes of each task, the same for all, of {len(self.pictures):,} pictures of "
            f"{self.labels[-1] + 1} classes",
        )

    def _posteriors(self, model: Model, numbers: Ints) -> tuple[Floats, Floats]:
        """Return means and variances of q(c | D) of sets of pictures (n, shots): (n, C) each."""
        lengths = np.full(len(numbers), numbers.shape[1], dtype=np.int64)
        sets = Sets(Ragged(self.pictures[numbers.ravel()], lengths))
        mean, variance = model.posteriors(sets)  # type: ignore[attr-defined]
        return mean.astype(np.float64), variance.astype(np.float64)
