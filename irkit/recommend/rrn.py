"""RRN: rating prediction by two recurrent networks, one over users' and one over items' histories.

Source: Wu, Ahmed, Beutel, Smola and Jing, "Recurrent recommender networks", WSDM 2017.
Symbols: a side is the users or the items; steps of fixed length in days, S of them with a rating over all the
entities of a side; E width of an input, H of a state, d of a dynamic vector; b, p, q stationary.

    r(u, i, t) = mu + b_u + b_i + p_u.q_i + x_u(t).z_i(t)
    x_u(t) = W h_u + c;  h_u the state of an LSTM after u's steps strictly before the one of t
    an input y = sum over the step's ratings of (r - mu) e_j / sqrt(their number), plus rows for: the entity's
    first step (newbie), the clock of this step, the clock of the one before; steps without a rating are skipped

z_i(t) is the same from the item's side. So a prediction never depends on ratings of its own step or later ones.
Trained in halves: users' networks with the items' vectors held in a table, then items' with the users'
held. Minimised: mean over a batch's ratings of e^2, + reg times the mean of the squared stationary
parameters that occur in it.
Departures: ratings enter centred and scaled by the root of their number, not raw, so that busy items do not
saturate the gates; stationary parameters start from biased matrix factorisation and stay there unless
`stationary="learned"`.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints, offsets, segments
from irkit.config import digest
from irkit.errors import ConfigError, DivergedError
from irkit.recommend.biased_mf import BiasedMF
from irkit.recommend.neural import Arrays, Network, NeuralConfig, Weights, beside, glorot
from irkit.recommend.steps import Clock, History, history
from irkit.recommend.table import RatingTable, check_learnable
from irkit.rng import generator

if TYPE_CHECKING:
    from torch import Tensor

SIDES = ("user", "item")

STATIONARY = [f"{side}_{name}" for side in SIDES for name in ("deviations", "factors")]

BLOCK = 256
"Entities whose states are computed together when predicting; the last block is shorter."


class RRNConfig(NeuralConfig):
    """Settings of `RRN`."""

    user_step: float = Field(7.0, gt=0)
    "Days in a step of users."
    item_step: float = Field(7.0, gt=0)
    "Days in a step of items."
    hidden_size: int = Field(24, ge=1)
    "LSTM units; 40 in the paper."
    input_size: int = Field(16, ge=1)
    "Width of the inputs; 40 in the paper."
    dynamic_size: int = Field(8, ge=1)
    "Width of the dynamic vectors; 20 in the paper."
    stationary_size: int = Field(20, ge=0)
    "Width of the stationary factors; 20 in the paper."
    stationary: Literal["fixed", "learned"] = "fixed"
    "Whether the stationary parameters move from where matrix factorisation put them."
    mf_epochs: int = Field(60, ge=1)
    "Passes of the matrix factorisation."
    mf_learning_rate: float = Field(0.02, gt=0, lt=1)
    "Its step size at the start."
    mf_reg: float = Field(0.08, ge=0)
    "Its penalty on squared factors, per rating."
    init: float = Field(0.02, ge=0)
    "Standard deviation of the projections W at the start; with 0 nothing dynamic can be learned."
    epochs: int = Field(30, ge=1)
    "Passes over the users and over the items; with held-out ratings, at most."
    reg: float = Field(0.08, ge=0)
    "Penalty on squared stationary parameters, per rating, where they are learned."
    clip: float = Field(1.0, gt=0)
    "Largest norm of a gradient."
    truncate: int = Field(50, ge=1)
    "Steps that gradients reach back over, at most."
    batch_size: int = Field(256, ge=1)
    "Users, or items, in a batch."


def step_inputs(weights: Weights, side: str, read: History, steps: Ints) -> Tensor:
    """Compute the inputs y of some steps: (s, E)."""

    counts = read.rating_ptr[steps + 1] - read.rating_ptr[steps]
    ptr = offsets(counts)
    local = segments(ptr)
    at = read.rating_ptr[steps][local] + np.arange(ptr[-1]) - ptr[local]
    embedding = weights[f"{side}_embedding"]
    rated = embedding[beside(embedding, read.other[at])]
    value = beside(embedding, read.value[at])[:, None]
    y = rated.new_zeros(len(steps), rated.shape[1])
    y = y.index_add(0, beside(embedding, local), value * rated)
    signs = beside(embedding, np.stack([part[steps] for part in (read.newbie, read.now, read.last)]))
    for sign, row in zip(signs, weights[f"{side}_signs"], strict=True):
        y = y + sign[:, None] * row
    return y


def vectors(weights: Weights, side: str, read: History, entities: Ints, truncate: int = 1 << 30) -> Tensor:
    """Run a side's network over the steps of some entities: (rows, d), n + 1 rows for an entity with n steps.

    Parameters
    ----------
    side : {"user", "item"}
        Whose weights: `_embedding` (others, E), `_signs` (3, E), `_in` (E, 4 H), `_back` (H, 4 H), `_gate_bias`
        (4 H,) for the gates input, forget, output and the candidate, `_projection` (H, d), `_constant` (d,).
    truncate : int
        Steps after which gradients are cut.
    """
    import torch

    sizes = read.ptr[entities + 1] - read.ptr[entities]
    longest = int(sizes.max(initial=0))
    ptr = offsets(sizes)
    local = segments(ptr)
    place = np.arange(ptr[-1]) - ptr[local]
    y = step_inputs(weights, side, read, read.ptr[entities][local] + place)
    at = np.zeros((len(entities), longest), dtype=np.int64)
    at[local, place] = np.arange(ptr[-1])
    back = weights[f"{side}_back"]
    step, active = beside(back, at), beside(back, np.arange(longest) < sizes[:, None])
    h = back.new_zeros(len(entities), len(back))
    c = torch.zeros_like(h)
    states = [h]
    for k in range(longest):
        if k and k % truncate == 0:
            h, c = h.detach(), c.detach()
        # An entity whose steps are over stays in the batch, so that no other's numbers depend on when that is.
        gates = y[step[:, k]] @ weights[f"{side}_in"] + h @ back + weights[f"{side}_gate_bias"]
        i, f, o, g = gates.chunk(4, dim=1)
        new_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        new_h = o.sigmoid() * new_c.tanh()
        on = active[:, k, None]
        h, c = torch.where(on, new_h, h), torch.where(on, new_c, c)
        states.append(h)
    projected = [state @ weights[f"{side}_projection"] + weights[f"{side}_constant"] for state in states]
    rows = np.flatnonzero(np.arange(longest + 1) <= sizes[:, None])
    return torch.stack(projected, dim=1).flatten(0, 1)[beside(back, rows)]


class Pairs(NamedTuple):
    """Ratings as a half of the training sees them; its own side first."""

    own: Ints
    "(m,): numbers of the side that is trained."
    other: Ints
    "(m,)"
    own_row: Ints
    "(m,): rows of `vectors` of the entities in the batch."
    other_row: Ints
    "(m,): rows of the held table."
    rating: Floats
    "(m,): r - mu."


def half_loss(weights: Weights, side: str, pairs: Pairs, own: Tensor, held: Tensor, reg: float = 0.0) -> Tensor:
    """Compute the loss of one side's half; the other side gets no gradient.

    Parameters
    ----------
    own : (rows, d)
        `vectors` of the batch's entities.
    held : (rows, d)
        The other side's, without a gradient.
    """
    opposite = "item" if side == "user" else "user"
    u, i, own_row, other_row, rating = (beside(own, part) for part in pairs)
    b, p = weights[f"{side}_deviations"][u], weights[f"{side}_factors"][u]
    b_held, p_held = weights[f"{opposite}_deviations"].detach()[i], weights[f"{opposite}_factors"].detach()[i]
    dynamic = (own[own_row] * held[other_row]).sum(1)
    error = rating - b - b_held - (p * p_held).sum(1) - dynamic
    return error.square().mean() + reg * (b.square().mean() + p.square().sum(1).mean())


class RRN(Network):
    """Predict from stationary factors and the states of two recurrent networks at the day asked for.

    `predict` is causal: states end with the training ratings (and, within them, before the step asked for);
    of what comes later only the clock of the question advances. `observing` gives the online protocol.
    """

    name = "rrn"
    config_type = RRNConfig
    config: RRNConfig
    uses_time = True
    user_vectors_: Floats
    "(S + U, dynamic_size) float32: rows as `Clock.before` numbers them."
    item_vectors_: Floats
    "(S' + I, dynamic_size) float32."
    user_deviations_: Floats
    item_deviations_: Floats
    user_factors_: Floats
    item_factors_: Floats
    observed_: str = ""
    "Fingerprint of the ratings observed after training, if any."

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Start from matrix factorisation, then alternate."""
        import torch

        from irkit.learn.batches import Drawn

        c = self.config
        self.origin_ = float(train.days.min())
        reads = self._read(train)
        number = {"user": train.user, "item": train.item}
        row = {side: reads[side].clock.before(number[side], train.days) for side in reads}
        groups = {"user": train.by_user, "item": train.by_item}
        centred = train.rating - self.mean_
        held: dict[str, Tensor] = {}

        def batches(rng: np.random.Generator) -> Iterator[tuple[str, int, Ints]]:
            for side in SIDES:
                shuffled = rng.permutation(len(groups[side][0]) - 1)
                for at in range(0, len(shuffled), c.batch_size):
                    yield side, at, shuffled[at : at + c.batch_size]

        def loss(weights: Weights, batch: tuple[str, int, Ints]) -> Tensor:
            side, at, entities = batch
            opposite = SIDES[side == "user"]
            if at == 0 or opposite not in held:  # a resumed half begins in its middle
                with torch.no_grad():
                    held[opposite] = all_vectors(weights, opposite, reads[opposite])
            ptr, order = groups[side]
            own = vectors(weights, side, reads[side], entities, c.truncate)
            inner = offsets(ptr[entities + 1] - ptr[entities])
            local = segments(inner)
            rated = order[ptr[entities][local] + np.arange(inner[-1]) - inner[local]]
            whose, others = number[side][rated], number[opposite][rated]
            # From rows among all entities to rows among those of the batch.
            steps = offsets(np.diff(reads[side].ptr)[entities] + 1)[:-1]
            shift = steps[local] - reads[side].ptr[whose] - whose
            pairs = Pairs(whose, others, row[side][rated] + shift, row[opposite][rated], centred[rated])
            return half_loss(weights, side, pairs, own, held[opposite], c.reg if c.stationary == "learned" else 0.0)

        def keep(found: Arrays) -> None:
            for name, values in found.items():
                setattr(self, f"{name}_", values)
            self._run(reads)

        start = self._start(train)
        fixed = STATIONARY if c.stationary == "fixed" else ()
        size = sum(-(-(len(ptr) - 1) // c.batch_size) for ptr, _ in groups.values())
        source = Drawn(batches, size, generator(c.seed, "rrn", "order"), train.fingerprint)
        self.descend(start, loss, source, keep=keep, batch_size=c.batch_size, clip=c.clip, fixed=fixed)

    @property
    def fingerprint(self) -> str:
        """Hash of everything the output depends on, observed ratings included."""
        return digest(super().fingerprint, self.observed_)

    def observing(self, ratings: RatingTable) -> RRN:
        """Return a copy whose states also read further ratings; no weight changes.

        The online protocol: predictions for a step of `ratings` use the ratings of all steps before it and
        none of its own or later ones. Ratings of users or items unknown in training are left out.

        Raises
        ------
        FrameError
            If `ratings` is no RatingTable, is empty, or has no timestamps.
        ConfigError
            If this copy has observed ratings already.
        """
        check_learnable(ratings, "ratings", who=self.name, timed=self.uses_time)
        if self.observed_:
            raise ConfigError("rrn: has observed ratings already; give all of them to the model that fit returned")
        train, more = self.fitted, ratings.like(self.fitted)
        both = RatingTable(
            train.users,
            train.items,
            np.concatenate([train.user, more.user]),
            np.concatenate([train.item, more.item]),
            np.concatenate([train.rating, more.rating]),
            np.concatenate([train.days, more.days]),
            train.scale,
        )
        online = copy(self)
        online.observed_ = ratings.fingerprint
        online._run(online._read(both))
        return online

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return the prediction at each day."""
        days = np.full(len(user), self.fitted.days.max()) if day is None else day
        stationary = np.einsum("md,md->m", self.user_factors_[user], self.item_factors_[item])
        x = self.user_vectors_[self._clock("user").before(user, days)]
        z = self.item_vectors_[self._clock("item").before(item, days)]
        offset = self.user_deviations_[user] + self.item_deviations_[item]
        score: Floats = self.mean_ + (offset + stationary + np.einsum("md,md->m", x, z)).astype(np.float64)
        return score

    def _read(self, table: RatingTable) -> dict[str, History]:
        c, value, sizes = self.config, table.rating - self.mean_, (len(table.users), len(table.items))
        return {
            "user": history(table.user, table.item, value, table.days, sizes[0], c.user_step, self.origin_),
            "item": history(table.item, table.user, value, table.days, sizes[1], c.item_step, self.origin_),
        }

    def _run(self, reads: dict[str, History]) -> None:
        """Set the vectors, and what `Clock.before` needs to find them."""
        import torch

        names = ("embedding", "signs", "in", "back", "gate_bias", "projection", "constant")
        with torch.no_grad():
            for side, read in reads.items():
                weights = {f"{side}_{name}": torch.from_numpy(getattr(self, f"{side}_{name}_")) for name in names}
                setattr(self, f"{side}_vectors_", all_vectors(weights, side, read).numpy())
                setattr(self, f"{side}_keys_", read.clock.keys)
                setattr(self, f"{side}_steps_", np.array([read.clock.start, read.clock.width]))

    def _clock(self, side: str) -> Clock:
        start, width = getattr(self, f"{side}_steps_").tolist()
        return Clock(getattr(self, f"{side}_keys_"), start, width, getattr(self.config, f"{side}_step"))

    def _start(self, train: RatingTable) -> Arrays:
        c = self.config
        mf = BiasedMF(
            embedding_size=c.stationary_size,
            epochs=c.mf_epochs,
            learning_rate=c.mf_learning_rate,
            reg=c.mf_reg,
            damping=c.damping,
            seed=c.seed,
        )
        try:
            mf = mf.fit(train)
        except (ConfigError, DivergedError) as error:
            reason = str(error).removeprefix("biased-mf: ").replace("learning_rate", "mf_learning_rate")
            raise type(error)(f"rrn: in its matrix factorisation, {reason}") from None
        rng = generator(c.seed, "rrn", "start")
        e, h, d = c.input_size, c.hidden_size, c.dynamic_size
        gate_bias = np.zeros(4 * h)
        gate_bias[h : 2 * h] = 1  # gates that forget little at first
        start = {
            "user_deviations": mf.user_deviations_,
            "item_deviations": mf.item_deviations_,
            "user_factors": mf.user_factors_,
            "item_factors": mf.item_factors_,
        }
        for side, others in (("user", len(train.items)), ("item", len(train.users))):
            start |= {
                f"{side}_embedding": rng.normal(0, e**-0.5, (others, e)),
                f"{side}_signs": rng.normal(0, e**-0.5, (3, e)),
                f"{side}_in": glorot(rng, e, 4 * h, e, 4 * h),
                f"{side}_back": glorot(rng, h, 4 * h, h, 4 * h),
                f"{side}_gate_bias": gate_bias,
                f"{side}_projection": rng.normal(0, c.init, (h, d)),
                f"{side}_constant": np.zeros(d),
            }
        return start


def all_vectors(weights: Weights, side: str, read: History) -> Tensor:
    """Run a side's network over all its entities, in blocks of fixed size.

    With the same entities in the same places the products have the same shapes whatever is in the
    histories, so what one row holds does not depend on later steps by a single bit.
    """
    import torch

    every = np.arange(len(read.ptr) - 1)
    blocks = [every[at : at + BLOCK] for at in range(0, len(every), BLOCK)]
    return torch.cat([vectors(weights, side, read, entities) for entities in blocks])
