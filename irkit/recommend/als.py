"""Alternating least squares on implicit feedback.

Source: Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.
Takacs, Pilaszy and Tikk, "Applications of the conjugate gradient method for implicit feedback collaborative
filtering", RecSys 2011, for the steps of conjugate gradients.
Symbols: X (U, d), Y (I, d) factors; p_ui = 1 where user u likes item i, else 0; confidence c_ui = 1 + alpha r_ui, where
r_ui is the count of what u likes (`RatingTable.counts`), 1 where there are ratings and no counts, and 0 elsewhere.
Minimised: sum c_ui (p_ui - x_u.y_i)^2 + reg (|X|^2 + |Y|^2).
Departures: a side is not solved to the end but improved by a few steps of conjugate gradients, from where it stands;
`cg_steps: 0` solves it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.recommend.normal import grams, solve_each
from irkit.recommend.ranker import Ranker, RankerConfig
from irkit.recommend.table import RatingTable
from irkit.rng import Seed, generator

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from torch import Tensor

    from irkit.pipeline.explain import Terms

TINY = 1e-30
"Keeps 0 / 0 from being no number, where a row is solved already."


class ALSConfig(RankerConfig):
    """Settings of `ALS`."""

    embedding_size: int = Field(16, ge=1)
    "Factors."
    alpha: float = Field(1.0, gt=0)
    "Extra confidence in what was seen, for each of its counts where there are counts."
    reg: float = Field(10.0, gt=0)
    "Penalty on squared factors, per user and item."
    epochs: int = Field(15, ge=1)
    "Alternations."
    cg_steps: int = Field(3, ge=0)
    "Steps of conjugate gradients per side and alternation, at most one a factor; 0 solves exactly, which takes longer."
    seed: Seed = 1
    "Seed of the start."


def solve_side(x: csr_matrix, y: Floats, alpha: float, reg: float) -> Floats:
    """Solve one side's factors while the other's are held.

    x_u = (Y'Y + alpha sum over seen i of r_ui y_i y_i' + reg I)^-1 sum over seen i of (1 + alpha r_ui) y_i

    Parameters
    ----------
    x : (U, I) sparse
        r_ui, of seen cells only: counts, or ones.
    y : (I, d) float64 or float32

    Returns
    -------
    (U, d) of the type of y
    """
    shared = y.T @ y + reg * np.eye(y.shape[1], dtype=y.dtype)
    right = (1 + alpha) * (x @ y) if _ones(x) else confidence(x, alpha) @ y
    out = np.empty((x.shape[0], y.shape[1]), y.dtype)
    for rows, gram in grams(x, y):
        gram *= alpha
        gram += shared
        out[rows] = solve_each(gram, right[rows])
    return out


def confidence(x: csr_matrix, alpha: float) -> csr_matrix:
    """Return the confidence 1 + alpha r_ui of the seen cells: (U, I) sparse."""
    found = x.copy()
    found.data = 1 + alpha * found.data
    return found


def _ones(x: csr_matrix) -> bool:
    return bool((x.data == 1).all())


class Seen:
    """The cells of a side's matrix that are not 0, as the products of `improve_side` want them."""

    def __init__(self, x: csr_matrix) -> None:
        import torch

        self.ptr, self.column = (torch.from_numpy(part.astype(np.int64)) for part in (x.indptr, x.indices))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            zeros = torch.zeros(len(self.column))
            self.cells = torch.sparse_csr_tensor(self.ptr, self.column, zeros, x.shape, check_invariants=True)
        # One number where all counts are 1, so that nothing is computed for each cell that is the same for all.
        self.count: float | Tensor = 1.0 if _ones(x) else torch.from_numpy(x.data)

    def products(self, x: Tensor, y: Tensor) -> Tensor:
        """Compute x_u . y_i of the seen cells alone: (U, d) and (I, d) to (n,)."""
        import torch

        found: Tensor = torch.sparse.sampled_addmm(self.cells, x, y.T, beta=0.0).values()
        return found

    def sums(self, weight: Tensor, y: Tensor) -> Tensor:
        """Sum weight_ui y_i over each row's seen cells: (n,) and (I, d) to (U, d)."""
        from torch.nn.functional import embedding_bag

        return embedding_bag(self.column, y, self.ptr, mode="sum", per_sample_weights=weight, include_last_offset=True)


def improve_side(seen: Seen, x: Tensor, y: Tensor, alpha: float, reg: float, steps: int) -> Tensor:
    """Take steps of conjugate gradients towards `solve_side`, for all rows at once.

    The matrix A_u = Y'Y + reg I + alpha sum over seen i of r_ui y_i y_i' is never made: with it a direction d is
    (Y'Y + reg I) d + alpha sum over seen i of r_ui (y_i . d) y_i.

    Parameters
    ----------
    seen : (U, I)
    x : (U, d) float32
        Where the rows stand.
    y : (I, d) float32
    steps : int
        d of them solve a side but for rounding, so more are not taken; the objective falls in each.

    Returns
    -------
    (U, d) float32
    """
    import torch

    shared = y.T @ y
    shared.diagonal().add_(reg)
    extra = alpha * seen.count
    residual = seen.sums(1 + extra - extra * seen.products(x, y), y) - x @ shared
    direction, norm = residual, (residual**2).sum(1, keepdim=True)
    for _ in range(min(steps, x.shape[1])):
        image = torch.addmm(seen.sums(extra * seen.products(direction, y), y), direction, shared)
        size = norm / (direction * image).sum(1, keepdim=True).clamp_min(TINY)
        x = torch.addcmul(x, size, direction)
        residual = torch.addcmul(residual, size, image, value=-1)
        before, norm = norm, (residual**2).sum(1, keepdim=True)
        direction = torch.addcmul(residual, norm / before.clamp_min(TINY), direction)
    return x


class ALS(Ranker):
    """Rank items by factors fitted to liked items against all others; counts say how surely they are liked."""

    name = "als"
    weighs_counts = True
    config_type = ALSConfig
    config: ALSConfig

    def learn(self, train: RatingTable, valid: RatingTable | None) -> None:
        """Alternate between users and items."""
        c = self.config
        x = self._seen_counts.astype(np.float32)
        start = generator(c.seed, "als").normal(0, 0.1, (x.shape[1], c.embedding_size)).astype(np.float32)
        alternate = self._improve if c.cg_steps else self._solve
        self.user_factors_, self.item_factors_ = alternate(x, x.T.tocsr(), start)

    def score(self, user: Ints, item: Ints, day: Floats | None) -> Floats:
        """Return x_u . y_i."""
        score: Floats = np.einsum("md,md->m", self.user_factors_[user], self.item_factors_[item])
        return score

    def contributions(self, user: int, item: int) -> Terms:
        """Return what each liked item i adds, (1 + alpha r_ui) y_i' A_u^-1 y_j, and what is left of the score.

        It is left where the user's factors are not solved to the end: items are improved after users, and `cg_steps`
        are few. Source: Hu, Koren and Volinsky, section 5, with A_u of `improve_side`.
        """
        c, y = self.config, self.item_factors_.astype(np.float64)
        row = self._seen_counts[[user]]
        liked, extra = row.indices, c.alpha * row.data
        own = y[liked]
        matrix = y.T @ y + c.reg * np.eye(y.shape[1]) + (own * extra[:, None]).T @ own
        added = (1 + extra) * (own @ np.linalg.solve(matrix, y[item]))
        score = float(self.user_factors_[user].astype(np.float64) @ y[item])
        names = self.fitted.items.take(liked).to_pylist()
        found = list(zip(names, (1 + extra).tolist(), added.tolist(), strict=True))
        return [*found, ("factors not settled", 1.0, score - float(added.sum()))]

    def scores(self, user: Ints, day: Floats | None = None) -> Floats:
        """Return x_u . y_i for every item."""
        return self.user_factors_[user] @ self.item_factors_.T

    # ------------------------------------------------------------------ inside

    @property
    def _seen_counts(self) -> csr_matrix:
        """R (U, I): counts of what users like, or ones."""
        return self.liked.matrix if self.liked.counts else self.liked.matrix_of_ones

    def _solve(self, x: csr_matrix, transposed: csr_matrix, y: Floats) -> tuple[Floats, Floats]:
        c = self.config
        for _ in range(c.epochs):
            users = solve_side(x, y, c.alpha, c.reg)
            y = solve_side(transposed, users, c.alpha, c.reg)
        return users, y

    def _improve(self, x: csr_matrix, transposed: csr_matrix, start: Floats) -> tuple[Floats, Floats]:
        import torch

        c = self.config
        rows, columns = Seen(x), Seen(transposed)
        users, items = torch.zeros(x.shape[0], c.embedding_size), torch.from_numpy(start)
        with torch.inference_mode():
            for _ in range(c.epochs):
                users = improve_side(rows, users, items, c.alpha, c.reg, c.cg_steps)
                items = improve_side(columns, items, users, c.alpha, c.reg, c.cg_steps)
        return users.numpy(), items.numpy()
