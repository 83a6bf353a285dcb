"""TimeSVD++: SVD++ whose deviations and user factors change with time.

Source: Koren, "Collaborative filtering with temporal dynamics", KDD 2009; CACM 53(4), 2010, sections 3-4.
Symbols: as in `svdpp`; t in days, tbar_u mean day of u's training ratings,
dev_u(t) = sign(t - tbar_u) |t - tbar_u|^beta; Bin(t) one of `bins` equal parts of the training period;
D pairs of a user and a day on which they rated. Prediction:
mu + (b_i + b_{i,Bin(t)}) c_u(t) + b_u + a_u dev_u(t) + b_{u,t} + q_i.(p_u + alpha_u dev_u(t) + p_{u,t} + s_u)
with c_u(t) = c_u + c_{u,t} if `item_scaling`, else 1. Each term can be switched off; without any the
model is SVD++.
Departures: those of `svdpp`; a day is 24 hours counted from the first rating, so that moving all
timestamps changes nothing; no spline variant. On days without a training rating b_{u,t}, p_{u,t} and
c_{u,t} are 0. What happens after the last training rating is explicit (`extrapolate`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.base import Recommender
from irkit.recommend.biased_mf import mf_start
from irkit.recommend.calendar import Calendar, Moments
from irkit.recommend.descent import LEARNED, Batch, Layout, Parameters, learn, moved
from irkit.recommend.svdpp import SVDppConfig, implicit_gradient, neighbourhood, user_vectors
from irkit.recommend.table import RatingTable
from irkit.rng import generator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class TimeSVDppConfig(SVDppConfig):
    """Settings of `TimeSVDpp`."""

    bins: int = Field(1, ge=1)
    "Parts of the training period with an item deviation of their own; 1 for none. 30 on Netflix; they hurt small data."
    drift: bool = True
    "Whether users' deviations and factors drift: a_u dev_u(t) and alpha_u dev_u(t)."
    days: bool = True
    "Whether each day of a user has a deviation b_{u,t}."
    day_factors: bool = False
    "Whether each day of a user has factors p_{u,t}, D times d numbers."
    item_scaling: bool = False
    "Whether users scale items' deviations by c_u + c_{u,t}."
    extrapolate: Literal["freeze", "mean", "model"] = "freeze"
    "After the last training rating: as on its day; without the terms of time; or with drift going on."
    beta: float = Field(0.4, gt=0)
    "Exponent of the drift."
    drift_rate: float = Field(0.01, gt=0, le=1)
    "Learning rate of the drift terms, as a share of `learning_rate`: dev_u(t) is large."
    reg_bin: float = Field(0.1, ge=0)
    "Penalty on squared deviations of bins, per rating."
    reg_drift: float = Field(0.1, ge=0)
    "Penalty on squared drift terms, per rating."
    reg_day: float = Field(0.5, ge=0)
    "Penalty on squared terms of days, per rating."
    reg_scaling: float = Field(0.1, ge=0)
    "Penalty on squared differences of c_u from 1, per rating."


class Grouping(NamedTuple):
    """The rows of a parameter that a batch touches, and which of them each rating belongs to."""

    rows: Ints
    "(k,): distinct rows."
    place: Ints
    "(m,): places in `rows`."
    counts: Ints
    "(k,): ratings of each."
    owner: Ints
    "(k,): place of the user or item that each row belongs to."

    @classmethod
    def of(cls, row: Ints, owner: Ints) -> Grouping:
        """Group ratings by row (m,), given whose each rating is (m,)."""
        rows, first, place, counts = np.unique(row, return_index=True, return_inverse=True, return_counts=True)
        return cls(rows, place, counts, owner[first])


def timesvdpp_gradients(
    batch: Batch, mean: float, moments: Moments, day: Grouping, cell: Grouping, v: Parameters
) -> tuple[Floats, Parameters, tuple[Floats, Floats]]:
    """Compute errors, gradients and curvatures of a batch.

    Parameters
    ----------
    batch, mean
        As for `mf_gradients`.
    moments : Moments
        Of the batch's ratings.
    day : Grouping
        Of the ratings by user and day, in their order.
    cell : Grouping
        Of the ratings by item and bin.
    v : dict of arrays
        The touched rows of each parameter, users' (b, ...), items' (c, ...), days' (k, ...) and
        `bins` by cell. `user_deviations`, `item_deviations`, `user_factors`, `item_factors`, `implicit_factors`
        must be there; `drift` with `drift_factors`, `bins`, `day_deviations`, `day_factors`, `scaling`
        with `day_scaling` may be.

    Returns
    -------
    (m,), dict of arrays, ((b,), (c,))
        Errors; for each of `v` but `implicit_factors` the sums of negative gradients of half the squared
        errors; and the mean squared lengths of item factors over each user's ratings and of user
        vectors over each item's. The gradient of `implicit_factors` is `neighbourhood(batch).T` times that of
        `user_factors`.
    """
    user, item, q = batch.user, batch.item, v["item_factors"]
    near = neighbourhood(batch)
    x = v["user_factors"] + near @ v["implicit_factors"]  # (b, d)
    vectors = x[user]  # (m, d)
    if "drift" in v:
        vectors += moments.dev[:, None] * v["drift_factors"][user]
    if "day_factors" in v:
        vectors += v["day_factors"][day.place]
    about_item = v["item_deviations"][item]
    if "bins" in v:
        about_item = about_item + v["bins"][cell.place]
    scale = v["scaling"][user] + v["day_scaling"][day.place] if "scaling" in v else None
    own = v["user_deviations"][user]
    if "drift" in v:
        own = own + v["drift"][user] * moments.dev
    if "day_deviations" in v:
        own = own + v["day_deviations"][day.place]
    product = np.einsum("md,md->m", vectors, q.take(item, 0))
    scaled = about_item if scale is None else about_item * scale
    error = batch.rating - q.dtype.type(mean) - own - scaled - product

    by_pair = batch.matrix(error)  # (b, c)
    e_item = error if scale is None else error * scale
    g = {"user_deviations": batch.by_user(error), "item_deviations": batch.by_item(e_item)}
    g["user_factors"], g["item_factors"] = by_pair @ q, by_pair.T @ x
    if "drift" in v:
        by_pair = batch.matrix(error * moments.dev)
        g["drift"], g["drift_factors"] = batch.by_user(error * moments.dev), by_pair @ q
        g["item_factors"] += by_pair.T @ v["drift_factors"]
    if "bins" in v:
        g["bins"] = _summed(cell, e_item)
    if "day_deviations" in v:
        g["day_deviations"] = _summed(day, error)
    if "day_factors" in v:
        by_day = _by_day(day, batch, error)
        g["day_factors"] = by_day @ q
        g["item_factors"] += by_day.T @ v["day_factors"]
    if "scaling" in v:
        g["scaling"], g["day_scaling"] = batch.by_user(error * about_item), _summed(day, error * about_item)
    norms = batch.by_user((q**2).sum(1)[item]) / batch.user_counts
    return error, g, (norms, batch.by_item((vectors**2).sum(1)) / batch.item_counts)


class TimeSVDpp(Recommender):
    """Predict by SVD++ with deviations and user factors that change with time."""

    name = "timesvdpp"
    config_type = TimeSVDppConfig
    config: TimeSVDppConfig
    uses_time = True
    user_deviations_: Floats
    item_deviations_: Floats
    item_factors_: Floats
    drift_: Floats
    drift_factors_: Floats
    bins_: Floats
    day_deviations_: Floats
    day_factors_: Floats
    scaling_: Floats
    day_scaling_: Floats

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Descend."""
        c = self.config
        rng = generator(c.seed, "svdpp")  # the same numbers as SVD++, which this is without terms of time
        layout = Layout(train, self.name)
        calendar = self._calendar()
        moments = calendar.moments(train.user[layout.order], train.days[layout.order], c.extrapolate)
        values = self._start(len(train.users), len(train.items), len(calendar.keys), rng)
        vars(self).update({f"{name}_": array for name, array in values.items()})

        def step(batch: Batch, rate: float) -> None:
            some = moments.at(batch.row)
            day = Grouping.of(some.day, batch.user)
            cell = Grouping.of(batch.items[batch.item] * c.bins + some.bin, batch.item)
            touched = {name: _touched(name, batch, day, cell) for name in values}
            v = {name: array[rows] for (name, array), (rows, _) in zip(values.items(), touched.values(), strict=True)}
            _, g, (norm_u, norm_i) = timesvdpp_gradients(batch, self.mean_, some, day, cell, v)
            k = self._curvatures(norm_u, norm_i, batch.by_user(some.dev**2) / batch.user_counts)
            g["implicit_factors"], k_y = implicit_gradient(batch, g["user_factors"], k["user_factors"], rate)
            shared = {**k, "implicit_factors": k_y, "bins": k["bins"][cell.owner]}
            shared |= {name: k[name][day.owner] for name in ("day_deviations", "day_factors", "day_scaling")}
            for name, array in values.items():
                rows, counts = touched[name]
                slow = c.drift_rate if name in ("drift", "drift_factors") else 1.0
                middle = np.float32(name == "scaling")  # c_u is drawn to 1, all others to 0
                step = moved(v[name] - middle, slow * g[name], counts, rate, slow * self._reg(name), shared[name])
                array[rows] = middle + step

        held_out = self.held_out_error(valid)

        def error() -> float:
            self.user_vectors_ = user_vectors(train, values["user_factors"], values["implicit_factors"])
            return held_out() if held_out else 0.0

        self.errors_ = learn(
            values,
            step,
            layout,
            epochs=c.epochs,
            learning_rate=c.learning_rate,
            batch_size=c.batch_size,
            rng=rng,
            error=error if held_out else None,
            who=self.name,
        )
        self.user_vectors_ = user_vectors(train, values["user_factors"], values["implicit_factors"])

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return the predictions for pairs at their days."""
        moments = self._moments(user, day)
        own, scale, vectors = self._of_users(user, moments)
        product = np.einsum("md,md->m", vectors, self.item_factors_[item])
        about_item = self._of_items(item, moments.bin)
        score: Floats = self.mean_ + (own + about_item * scale + product).astype(np.float64)
        return score

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return the predictions for every item, each user at one day."""
        moments = self._moments(user, day)
        own, scale, vectors = self._of_users(user, moments)
        about_item = self._of_items(np.arange(len(self.item_factors_)), moments.bin[:, None])  # (m, I)
        score = own[:, None] + about_item * scale[:, None] + vectors @ self.item_factors_.T
        return self.mean_ + score.astype(np.float64)

    # ------------------------------------------------------------------ inside

    def _start(self, users: int, items: int, days: int, rng: np.random.Generator) -> Parameters:
        c = self.config
        values = mf_start(users, items, c.embedding_size, c.init, rng)
        values["implicit_factors"] = np.zeros_like(values["item_factors"])
        if c.drift:
            values["drift"] = np.zeros(users, LEARNED)
            values["drift_factors"] = np.zeros_like(values["user_factors"])
        if c.bins > 1:
            values["bins"] = np.zeros(items * c.bins, LEARNED)
        if c.days:
            values["day_deviations"] = np.zeros(days, LEARNED)
        if c.day_factors:
            values["day_factors"] = np.zeros((days, c.embedding_size), LEARNED)
        if c.item_scaling:
            values["scaling"], values["day_scaling"] = np.ones(users, LEARNED), np.zeros(days, LEARNED)
        return values

    def _curvatures(self, norm_u: Floats, norm_i: Floats, square: Floats) -> Parameters:
        """Sum the curvatures of the terms that move together, for each user (b,) or item (c,) of a batch.

        Parameters
        ----------
        norm_u, norm_i : (b,), (c,)
            Mean squared lengths of the factors across.
        square : (b,)
            Mean dev^2.
        """
        c = self.config
        drift = 1 + c.drift_rate * square if c.drift else np.ones_like(square)
        level, taste, item = drift + c.days, norm_u * (drift + c.day_factors), np.ones_like(norm_i) + (c.bins > 1)
        return {
            **dict.fromkeys(("user_deviations", "drift", "scaling", "day_deviations", "day_scaling"), level),
            **dict.fromkeys(("user_factors", "drift_factors", "day_factors"), taste),
            **dict.fromkeys(("item_deviations", "bins"), item),
            "item_factors": norm_i,
        }

    def _reg(self, name: str) -> float:
        c = self.config
        if name in ("user_factors", "item_factors"):
            return c.reg
        if name in ("user_deviations", "item_deviations"):
            return c.reg_bias
        if name.startswith("day"):
            return c.reg_day
        return {"implicit_factors": c.reg_implicit, "bins": c.reg_bin, "scaling": c.reg_scaling}.get(name, c.reg_drift)

    def _calendar(self) -> Calendar:
        """Return the calendar of the training ratings, made once."""
        held: tuple[RatingTable, Calendar] | None = vars(self).get("_held")
        if held is None or held[0] is not self.fitted:
            train = self.fitted
            calendar = Calendar(train.user, train.days, len(train.users), self.config.bins, self.config.beta)
            held = self._held = (train, calendar)
        return held[1]

    def _moments(self, user: Ints, day: Floats | None) -> Moments:
        t = np.full(len(user), self.fitted.days.max()) if day is None else day
        return self._calendar().moments(user, t, self.config.extrapolate)

    def _of_users(self, user: Ints, moments: Moments) -> tuple[Floats, Floats, Floats]:
        """Return deviations (m,), scaling (m,) and vectors (m, d) of users at some moments."""
        c = self.config
        own, vectors = self.user_deviations_[user], self.user_vectors_[user]
        scale = self.scaling_[user] if c.item_scaling else np.ones(len(user), LEARNED)
        if c.drift:
            own = own + self.drift_[user] * moments.dev
            vectors = vectors + self.drift_factors_[user] * moments.dev[:, None]
        seen = moments.day >= 0
        if c.days:
            own = own + np.where(seen, self.day_deviations_[moments.day], 0)
        if c.day_factors:
            vectors = vectors + np.where(seen[:, None], self.day_factors_[moments.day], 0)
        if c.item_scaling:
            scale = scale + np.where(seen, self.day_scaling_[moments.day], 0)
        return own, scale, vectors

    def _of_items(self, item: Ints, part: Ints) -> Floats:
        """Return deviations of items in some bins, broadcast against each other; bin -1 adds nothing."""
        if self.config.bins == 1:
            return self.item_deviations_[item] + np.zeros(part.shape, LEARNED)
        in_bin = self.bins_[item * self.config.bins + np.maximum(part, 0)]
        return self.item_deviations_[item] + np.where(part >= 0, in_bin, 0)


def _summed(group: Grouping, values: Floats) -> Floats:
    return np.bincount(group.place, values, len(group.rows)).astype(values.dtype)


def _by_day(day: Grouping, batch: Batch, values: Floats) -> csr_matrix:
    """Lay values of the ratings out as a (k, c) sparse matrix of days and items."""
    from scipy.sparse import csr_matrix

    return csr_matrix((values, (day.place, batch.item)), shape=(len(day.rows), len(batch.items)))


def _touched(name: str, batch: Batch, day: Grouping, cell: Grouping) -> tuple[Ints, Ints]:
    """Return the rows of a parameter that a batch touches, and the number of ratings of each."""
    if name == "bins":
        return cell.rows, cell.counts
    if name.startswith("day"):
        return day.rows, day.counts
    if name in ("item_deviations", "item_factors", "implicit_factors"):
        return batch.items, batch.item_counts
    return batch.users, batch.user_counts
