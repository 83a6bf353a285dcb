"""Stochastic gradient descent over groups of users: what the factor models share.

A batch holds every rating of some users, so what a user's rated items contribute (SVD++) is summed
once a batch and not once a rating. The gradients of a row's ratings in a batch are added up; a row
with n of them then moves as far as n steps one after another would on a quadratic of curvature k:

    theta <- (theta + rate m g / n) / (1 + rate m reg),   m = (1 - (1 - rate k)^n) / (rate k) <= n

with g the sum of negative gradients of half the squared errors. One rating (m = n = 1) gives the
usual step; many cannot overshoot. The penalty is applied implicitly, so no penalty can either. Terms
that move at once and answer the same errors share one k, the sum of their curvatures: the deviations of
a user (1 each), and the factors of a user, for whose curvature the mean of |q_i|^2 over the user's
ratings is taken, a bound. Likewise for an item.

Symbols: m ratings of b users on c distinct items in a batch; d factors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from irkit.arrays import Floats, Ints, offsets, segments
from irkit.errors import ConfigError, DivergedError
from irkit.recommend.table import RatingTable

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Parameters: TypeAlias = dict[str, Floats]
"Learned arrays by name."

PATIENCE = 5
"Epochs without a better held-out error after which learning stops."

LEARNED = np.float32
"Type of learned arrays: half the memory traffic of float64, and far more digits than ratings have."

LARGEST = 1e15
"A learned number as large as this has no meaning, and products of such overflow soon."


@dataclass(frozen=True)
class Batch:
    """Every rating of some users."""

    users: Ints
    "(b,) int64: distinct users."
    ptr: Ints
    "(b + 1,) int32: ratings of user k are `ptr[k]:ptr[k + 1]`."
    items: Ints
    "(c,) int64: the distinct items, ascending."
    item: Ints
    "(m,) int32: places in `items`."
    row: Ints
    "(m,) int64: places in the layout's arrays."
    rating: Floats
    "(m,) float32."

    @cached_property
    def user(self) -> Ints:
        """(m,) int64: places in `users`."""
        return segments(self.ptr)

    @cached_property
    def user_counts(self) -> Ints:
        """(b,) int64: ratings of each user."""
        return np.diff(self.ptr)

    @cached_property
    def item_counts(self) -> Ints:
        """(c,) int64: ratings of each item in the batch."""
        return np.bincount(self.item, minlength=len(self.items))

    def matrix(self, values: Floats) -> csr_matrix:
        """Lay values of the ratings (m,) out as a (b, c) sparse matrix."""
        from scipy.sparse import csr_matrix

        return csr_matrix((values, self.item, self.ptr), shape=(len(self.users), len(self.items)))

    def by_user(self, values: Floats) -> Floats:
        """Sum values of the ratings (m,) over each user: (b,)."""
        return np.add.reduceat(values, self.ptr[:-1])

    def by_item(self, values: Floats) -> Floats:
        """Sum values of the ratings (m,) over each item: (c,)."""
        return np.bincount(self.item, values, len(self.items)).astype(values.dtype)


def check_digits(rating: Floats, who: str) -> None:
    """Raise `ConfigError` if ratings (n,) differ by less than the type of learned arrays can tell apart."""
    spread, most = float(np.ptp(rating)), float(np.abs(rating).max())
    if 0 < spread < 10 * most * np.finfo(LEARNED).eps:
        raise ConfigError(
            f"{who}: ratings around {most:g} that differ by {spread:g} have more digits than it learns with; "
            f"subtract {rating.min():g} from all of them"
        )


class Layout:
    """Ratings user by user, oldest first, and batches of them; an error, in the name of `who`, as by `check_digits`."""

    def __init__(self, table: RatingTable, who: str = "descent") -> None:
        check_digits(table.rating, who)
        self.ptr, self.order = table.by_user
        self.item = table.item[self.order].astype(np.int32)
        self.rating = table.rating[self.order].astype(LEARNED)
        self._place = np.zeros(len(table.items), dtype=np.int32)  # scratch: of each item in a batch
        self._there = np.zeros(len(table.items), dtype=bool)

    def batch(self, users: Ints) -> Batch:
        """Return the ratings of some users, each of whom has one."""
        starts, counts = self.ptr[users], self.ptr[users + 1] - self.ptr[users]
        ptr = offsets(counts)
        row = np.arange(ptr[-1]) + np.repeat(starts - ptr[:-1], counts)
        rated = self.item[row]
        # np.unique would sort; marking is faster by far.
        self._there[rated] = True
        items = np.flatnonzero(self._there)
        self._there[items] = False
        self._place[items] = np.arange(len(items))
        return Batch(users, ptr.astype(np.int32), items, self._place[rated], row, self.rating[row])

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield all users in random order, in groups of about `size` ratings."""
        users = rng.permutation(len(self.ptr) - 1)
        total = np.cumsum(self.ptr[users + 1] - self.ptr[users])
        cuts = np.searchsorted(total, np.arange(size, total[-1], size))
        for group in np.split(users, np.unique(cuts)):
            if len(group):
                yield self.batch(group)


def moved(
    rows: Floats, gradient: Floats, count: Ints, rate: float, reg: float | Floats, curvature: float | Floats = 1.0
) -> Floats:
    """Take one step on some rows of a parameter; see the module docstring.

    Parameters
    ----------
    rows : (k, d) or (k,)
    gradient : like `rows`
        Sum over ratings of the negative gradient of half the squared error.
    count : (k,)
        Ratings that were summed, 1 or more.
    rate : float in (0, 1)
    reg : float or (k,), nonnegative
        Penalty on half the squared norm of a row, once per rating.
    curvature : float or (k,), nonnegative

    Returns
    -------
    like `rows`
    """
    part = share(count, rate, curvature)
    shape = (-1,) + (1,) * (rows.ndim - 1)
    shrink = 1 / (1 + rate * reg * count * part)
    out: Floats = (rate * part).astype(rows.dtype).reshape(shape) * gradient
    out += rows
    out *= shrink.astype(rows.dtype).reshape(shape)
    return out


def share(count: Ints, rate: float, curvature: float | Floats = 1.0) -> Floats:
    """Compute m / n, the share of n steps at once that n steps one after another come to: (k,) in (0, 1]."""
    bend = np.clip(rate * curvature, 1e-9, 1 - 1e-9)
    share: Floats = -np.expm1(count * np.log1p(-bend)) / (bend * count)
    return share


def learn(
    parameters: Parameters,
    step: Callable[[Batch, float], None],
    layout: Layout,
    *,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    rng: np.random.Generator,
    error: Callable[[], float] | None,
    who: str,
) -> list[float]:
    """Run epochs of steps, the learning rate falling linearly to 0.

    Parameters
    ----------
    parameters : dict of arrays
        Changed in place by `step`.
    step : (batch, rate) -> None
    error : () -> float, optional
        Held-out error under the current parameters. With it learning stops after 5 epochs without a
        better one, and the parameters of the best epoch are put back.

    Returns
    -------
    list of float
        The held-out error after each epoch.

    Raises
    ------
    DivergedError
        If a parameter leaves all bounds.
    """
    errors: list[float] = []
    best: Parameters = {}
    for epoch in range(epochs):
        with np.errstate(over="ignore", invalid="ignore"):  # an error below says it better
            for batch in layout.batches(batch_size, rng):
                step(batch, learning_rate * (1 - epoch / epochs))
        broken = [name for name, values in parameters.items() if not (np.abs(values) < LARGEST).all()]
        if broken:
            raise DivergedError(
                f"{who}: learning diverged in epoch {epoch + 1} ({broken[0]}); lower learning_rate, got "
                f"{learning_rate}, or divide the ratings if they are large"
            )
        if error is None:
            continue
        errors.append(error())
        if errors[-1] <= min(errors):
            best = {name: values.copy() for name, values in parameters.items()}
        elif len(errors) - 1 - int(np.argmin(errors)) >= PATIENCE:
            break
    for name, values in best.items():
        parameters[name][...] = values
    return errors
