"""What a vector of a set tells of it: its mean and variance, by a linear probe, and its family, by two probes.

Vectors c of test sets of single numbers are looked at: the means of q(c | D), and one draw of each. A net that is not
trained tells much by its means, as averages of any features do, but its draws are noise. Probes are fitted on the first
half of the sets and measured on the other. The mean and the variance are those of the set's own numbers: of what it was
drawn from a sample tells less. A set's value is 1 - e^2 / Var for an error e, Var the variance over the sets that are
measured, so that the mean over sets is R^2; and of a family 1 where it is told, else 0.
Source: the picture of Edwards and Storkey, "Towards a Neural Statistician", ICLR 2017, section 5.1, as numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from irkit.arrays import Floats
from irkit.errors import ConfigError
from irkit.io.kinds import Sets
from irkit.learn.data import Data
from irkit.learn.estimate import Quantity
from irkit.learn.judges.judge import Control, Judge, need_posteriors
from irkit.learn.model import Model
from irkit.learn.neighbours import labelled
from irkit.rng import generator

MEAN, VARIANCE, LINEAR, FAMILY = "mean R2", "variance R2", "family linear", "family"

DRAWN = {name: f"{name}, drawn" for name in (FAMILY, VARIANCE, MEAN)}
"What is measured of draws too, and its name then."

HIDDEN, PASSES = 64, 300
"Hidden units of the probe of families that is not linear, and passes of its training."


class Moments(Judge):
    """Judges vectors of sets of numbers by what they tell of the sets."""

    name = "moments"
    one = "set"
    needs = ("encode",)
    quantities = {name: Quantity() for name in (FAMILY, VARIANCE, MEAN, LINEAR, *DRAWN.values())}  # noqa: RUF012

    def __init__(self, data: Data) -> None:
        super().__init__(data)
        test = data.part("test")
        known = labelled(test)
        if not isinstance(test, Sets) or test.spec.size != 1 or known is None or len(known) < 4:
            raise ConfigError(
                f"moments: test sets of single numbers are needed, with labels, 4 or more, got {len(test)} "
                f"{test.spec} of {data.name}; choose other data"
            )
        test = test.take(known)
        if not test.x.lengths.all() or not np.isfinite(test.x.values).all():
            raise ConfigError(
                f"moments: test sets of finite numbers are needed, got one without in {data.name}; clean the data"
            )
        self.test, self.labels = test, np.asarray(test.labels)
        self.numbers = [np.asarray(one, dtype=np.float64).ravel() for one in test.x]
        self.fitted = len(test) - len(test) // 2
        families = len(np.unique(self.labels[: self.fitted]))
        alike = [name for name, target in self._moments().items() if np.ptp(target[self.fitted :]) == 0]
        if families < 2 or alike:
            got = f"one {alike[0].removesuffix(' R2')} of all in its second half" if alike else "one in its first half"
            raise ConfigError(
                f"moments: test sets must differ in family, mean and variance, got {got}; choose other data"
            )

    @property
    def size(self) -> int:
        """Test sets that are measured: half of them."""
        return len(self.labels) - self.fitted

    def values(self, model: Model, *, seed: int) -> Mapping[str, Floats]:
        """Return the values of the measured sets for the means of a model's posteriors, and for a draw of each."""
        self.check(model)
        mean, variance = (one.astype(np.float64) for one in model.posteriors(self.test))  # type: ignore[attr-defined]
        draw = mean + np.sqrt(variance) * generator(seed, "moments").standard_normal(mean.shape)
        drawn = self.told(draw, linear=False)
        return {**self.told(mean), **{DRAWN[name]: one for name, one in drawn.items()}}

    def check(self, model: Model, quantities: Sequence[str] = ()) -> None:
        """Raise `AbilityError` unless a model gives posteriors of sets."""
        super().check(model, quantities)
        need_posteriors(self.name, model)

    def controls(self) -> Iterator[Control]:
        """Yield the sets' own moments, and what is told without looking."""
        moments = self.told(np.array([_moments(one) for one in self.numbers]))
        yield Control("six moments", "Mean, variance, and standardised third to sixth moments.", _twice(moments))
        chance = np.full(self.size, 1 / len(np.unique(self.labels)))
        blind = {**self._explained(np.zeros((len(self.labels), 1))), LINEAR: chance, FAMILY: chance}
        yield Control("chance", "The mean over other sets, and any family.", _twice(blind))

    @property
    def facts(self) -> tuple[str, ...]:
        """Say what is measured how."""
        return (
            f"probes are fitted on {self.fitted:,} test sets and measured on {self.size:,} others; mean and variance "
            f"are those of a set's own numbers; {FAMILY} is told by {HIDDEN} hidden units, {LINEAR} without; what "
            "is drawn is of a draw of c, the others of its mean",
        )

    def told(self, vectors: Floats, *, linear: bool = True) -> dict[str, Floats]:
        """Return what vectors of all test sets (n, C) tell of those that are measured: (size,) each."""
        found = {**self._explained(vectors), FAMILY: self._families(vectors, linear=False)}
        return {**found, LINEAR: self._families(vectors, linear=True)} if linear else found

    def _explained(self, vectors: Floats) -> dict[str, Floats]:
        return {name: explained(vectors, target, self.fitted) for name, target in self._moments().items()}

    def _moments(self) -> dict[str, Floats]:
        """Return mean and variance of every set, (n,) each, by what they are measured as."""
        return {
            MEAN: np.array([one.mean() for one in self.numbers]),
            VARIANCE: np.array([one.var() for one in self.numbers]),
        }

    def _families(self, vectors: Floats, *, linear: bool) -> Floats:
        """Return of which of the measured sets a probe tells the family, 0 or 1."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.neural_network import MLPClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        own: Any = MLPClassifier((HIDDEN,), max_iter=PASSES, alpha=1e-3, random_state=0)
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000) if linear else own)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of passes is part of the measure
            probe.fit(vectors[: self.fitted], self.labels[: self.fitted])
        right: Floats = (probe.predict(vectors[self.fitted :]) == self.labels[self.fitted :]).astype(np.float64)
        return right


def explained(vectors: Floats, target: Floats, fitted: int) -> Floats:
    """Return 1 - e^2 / Var of all rows but the first `fitted`, on which least squares tell a target: (n - fitted,).

    Parameters
    ----------
    vectors : (n, C) float64
    target : (n,) float64
        Not the same in all the rows that are measured.
    fitted : int

    Examples
    --------
    >>> explained(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.0, 3.0, 5.0, 11.0]), 2).round(3).tolist()
    [1.0, -0.778]
    """
    inputs = np.column_stack([vectors, np.ones(len(vectors))])
    weights, *_ = np.linalg.lstsq(inputs[:fitted], target[:fitted], rcond=None)
    found: Floats = 1 - (inputs[fitted:] @ weights - target[fitted:]) ** 2 / target[fitted:].var()
    return found


def _twice(values: dict[str, Floats]) -> dict[str, Floats]:
    """Return values of vectors that are not drawn for draws too."""
    return {**values, **{drawn: values[name] for name, drawn in DRAWN.items()}}


def _moments(numbers: Floats) -> list[float]:
    """Return mean, variance, and the standardised third to sixth moments of some numbers."""
    centred = numbers - numbers.mean()
    scale = max(float(centred.std()), 1e-12)
    return [float(numbers.mean()), scale**2, *(float(((centred / scale) ** k).mean()) for k in (3, 4, 5, 6))]
