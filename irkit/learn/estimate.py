"""What a log-likelihood is worth: the number, its Monte Carlo error, and whether it is exact, a bound or neither."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from irkit.arrays import Floats
from irkit.errors import ConfigError, ShapeError
from irkit.table.text import in_ascii

Kind: TypeAlias = Literal["exact", "lower_bound", "estimate"]
KINDS: tuple[Kind, ...] = ("exact", "lower_bound", "estimate")
SIGNS: dict[str, str] = {"lower_bound": "\u2265", "estimate": "~"}
"What stands before a number that is not exact."
LEGEND = "\u2265 lower bound, the truth may be higher; ~ estimate; \u00b1 Monte Carlo standard error"
"What the signs mean."


def printed(value: str, kind: str | None, error: str = "") -> str:
    """Put the sign of its kind before a printed number, and its printed error, where it has one, behind it.

    Examples
    --------
    >>> printed("-103.46", "lower_bound", "0.12"), printed("-88.33", "exact")
    ('\u2265 -103.46 \u00b1 0.12', '-88.33')
    """
    sign = SIGNS.get(kind or "", "")
    return f"{sign} {value}".lstrip() + (f" \u00b1 {error}" if error else "")


def check_draws(who: str, what: str, n: Any, *, least: int = 1) -> int:
    """Return a number of draws as a plain int.

    Raises
    ------
    ConfigError
        If it is no whole number from `least` on.

    Examples
    --------
    >>> check_draws("vae", "samples", 100)
    100
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < least:
        got = " ".join(repr(n).split())[:40]
        raise ConfigError(f"{who}: {what} must be a whole number, {least} or more, got {got}; choose another")
    return int(n)


@dataclass(frozen=True)
class Estimate:
    """A value that says how it was come by.

    Parameters
    ----------
    value : float or (n,) float64
        Usually log-probabilities in nats, one an example.
    stderr : float or (n,) float64
        Standard error of the Monte Carlo method, not of the choice of examples; 0 when exact.
    kind : {"exact", "lower_bound", "estimate"}
        A lower bound lies below the truth in expectation; an estimate may lie on either side.
    shared : float
        A further standard error that all examples have in common, such as a normaliser's.
    ess : float, optional
        Effective sample size as a share of the samples, 0 to 1: near 0, distrust `stderr` too.

    Raises
    ------
    ConfigError
        If `kind` is none of the three, or an exact value comes with an error.
    ShapeError
        If `value` and `stderr` differ in shape.
    """

    value: float | Floats
    stderr: float | Floats
    kind: Kind
    shared: float = 0.0
    ess: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"estimate: unknown kind, got {self.kind!r}; choose from {', '.join(KINDS)}")
        if np.shape(self.value) != np.shape(self.stderr):
            raise ShapeError(
                f"estimate: value and stderr must have one shape, got {np.shape(self.value)} and "
                f"{np.shape(self.stderr)}; give one error an example"
            )
        if self.kind == "exact" and (np.any(self.stderr) or self.shared):
            raise ConfigError("estimate: an exact value has no error, got a positive one; call it an estimate")

    @classmethod
    def exact(cls, value: float | Floats) -> Estimate:
        """Return an exact value."""
        return cls(value, 0.0 if np.ndim(value) == 0 else np.zeros(np.shape(value)), "exact")

    @classmethod
    def by_one_draw(cls, value: Floats, kind: Kind) -> Estimate:
        """Return values of examples (n,) by one draw each.

        Their error is at most their spread over examples, which includes it; of a single example it is not known.
        """
        return cls(value, np.full(len(value), value.std() if len(value) > 1 else math.inf), kind)

    @property
    def error(self) -> float | Floats:
        """The whole standard error: the example's own and the shared part."""
        return np.hypot(self.stderr, self.shared)

    def mean(self) -> Estimate:
        """Average over examples; own errors shrink with their number, the shared error does not."""
        own = np.atleast_1d(self.stderr)
        stderr = float(np.sqrt(np.square(own).sum()) / own.size)
        return Estimate(float(np.mean(self.value)), stderr, self.kind, self.shared, self.ess)

    def interval(self, z: float = 3.0) -> tuple[float, float]:
        """Return the interval of a single value that is the log of a mean of samples.

        The standard error of such a log is the relative error r of the mean, so the interval is
        value + log(1 - z r) to value + log(1 + z r); the lower end is -inf when z r >= 1.
        """
        r = z * float(self.error)
        low = float(self.value) + math.log1p(-r) if r < 1 else -math.inf
        return low, float(self.value) + math.log1p(r)

    def __str__(self) -> str:
        if np.ndim(self.value):
            return f"mean of {np.size(self.value)}: {self.mean()}"
        error = float(self.error)
        return in_ascii(printed(f"{float(self.value):.2f}", self.kind, f"{error:.2g}" if error else ""))


class Quantity(NamedTuple):
    """What a figure is counted in, and which way is better."""

    unit: str = ""
    "`nats`, or another word; empty for a share or a count."
    lower: bool = False
    "Small values are good."


class Measure(NamedTuple):
    """One figure of a model, and what it is counted in."""

    estimate: Estimate
    "A single value; where its error is not known, infinite."
    unit: str
    "As a `Quantity` has it."
