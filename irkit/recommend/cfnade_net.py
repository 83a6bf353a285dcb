"""The network of CF-NADE, as functions of its weights: conditionals of ratings, and what a row costs.

Source and symbols: `irkit.recommend.cfnade`. Rows have different numbers of ratings, and the cost of a random split
of them (`split_costs`) is computed in one of two forms that are equal within rounding. On a processor
(`rating_costs`) it is looked up for these ratings alone. On an accelerator (`cell_costs`) it is computed for all
B M cells of the rows, by shapes that depend on B, K, M and H alone; nothing in it is read back.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from irkit.learn.conditions import sent
from irkit.learn.slices import accelerated, in_slices
from irkit.recommend.neural import Weights


class Entries(NamedTuple):
    """The ratings of some rows."""

    row: Tensor
    "(n,) int64: which of the rows, from 0."
    column: Tensor
    "(n,) int64"
    level: Tensor
    "(n,) int64, from 0 the least."
    rows: int
    "Rows B, those without a rating included."


def hidden_units(weights: Weights, given: Entries, shared: bool = True) -> Tensor:
    """Compute the last hidden layer of rows, conditioned on the ratings given: (B, H)."""
    levels, columns, _ = weights["input"].shape
    x = weights["input"].new_zeros(given.rows, levels, columns)
    x[given.row, given.level, given.column] = x.new_ones(())  # a number would have to be sent first
    if shared:  # 1 at a rating's level and all below
        x = x.flip(1).cumsum(1).flip(1)
    return _layers(weights, x)


def _layers(weights: Weights, x: Tensor) -> Tensor:
    """Compute the last hidden layer from which of the W^k_m are added: (B, K, M) of 0 and 1 to (B, H)."""
    a = x.flatten(1) @ weights["input"].flatten(0, 1)
    if "input_mixer" in weights:
        a = a @ weights["input_mixer"]
    h = (a + weights["hidden_bias_1"]).tanh()
    layer = 2
    while f"hidden_{layer}" in weights:
        h = (h @ weights[f"hidden_{layer}"].T + weights[f"hidden_bias_{layer}"]).tanh()
        layer += 1
    return h


def codes(weights: Weights, hidden: Tensor) -> Tensor:
    """Return what meets the output weights: Q h, or h itself without a factorisation."""
    return hidden @ weights["output_mixer"].T if "output_mixer" in weights else hidden


def level_scores(weights: Weights, hidden: Tensor, row: Tensor, column: Tensor, shared: bool = True) -> Tensor:
    """Compute s^k of some cells.

    Parameters
    ----------
    hidden : (B, H)
    row, column : (n,) int64

    Returns
    -------
    (n, K)
    """
    # All cells of the rows in one matrix product are faster than gathering weights for those asked.
    steps = _products(weights, hidden)[row, :, column] + weights["level_bias"][:, column].T
    return steps.cumsum(1) if shared else steps


def _products(weights: Weights, hidden: Tensor) -> Tensor:
    """Return V^k_m . h of all cells: (B, K, M)."""
    levels, columns, _ = weights["output"].shape
    return (codes(weights, hidden) @ weights["output"].flatten(0, 1).T).view(-1, levels, columns)


def level_costs(scores: Tensor, level: Tensor, ordinal_weight: float = 1.0) -> Tensor:
    """Compute the cost of each true level k: (1 - ordinal_weight) regular + ordinal_weight ordinal.

    Regular: -log softmax(s)_k. Ordinal, with up_j = s^j - log sum over t <= j of exp(s^t) and
    down_j = s^j - log sum over t >= j of exp(s^t):

        - sum over j <= k of up_j - sum over j >= k of down_j

    the negative log-probability of ranking k, k - 1, ..., 1 and k, k + 1, ..., K. Paper and released code agree.

    Parameters
    ----------
    scores : (n, K), or (n, K, m) of several columns
    level : (n,) or (n, m) int64, from 0

    Returns
    -------
    (n,) or (n, m) nonnegative, nats
    """
    k = level[:, None]
    j = torch.arange(scores.shape[1], device=level.device).view(-1, *[1] * (level.ndim - 1))
    regular = -(scores.log_softmax(1) * (j == k)).sum(1)
    if not ordinal_weight:
        return regular
    up = scores - scores.logcumsumexp(1)
    down = scores - scores.flip(1).logcumsumexp(1).flip(1)
    ranking = -(up * (j <= k) + down * (j >= k)).sum(1)
    return (1 - ordinal_weight) * regular + ordinal_weight * ranking


def split_costs(
    weights: Weights, entries: Entries, given: Tensor, *, shared: bool = True, ordinal_weight: float = 1.0
) -> Tensor:
    """Estimate the cost of all D conditionals of each row from one split of its ratings, in the form for the device.

    With d ratings given, D / (D - d) times the summed cost of the others. Under d uniform on 0, ..., D - 1
    and a uniform ordering its mean is the cost of all conditionals, averaged over orderings.

    Parameters
    ----------
    entries : Entries
        At most one rating of a cell. On the host, or where the weights are: an accelerator would wait for the choice
        of some.
    given : (n,) bool
        The ratings that are conditioned on; fewer than all of a row. In the same place.

    Returns
    -------
    (B,)
    """
    form = cell_costs if accelerated(weights["input"].device) else rating_costs
    return form(weights, entries, given, shared=shared, ordinal_weight=ordinal_weight)


def rating_costs(
    weights: Weights, entries: Entries, given: Tensor, *, shared: bool = True, ordinal_weight: float = 1.0
) -> Tensor:
    """Return `split_costs`, with a score for each rating that is not given."""
    device = weights["input"].device
    known = [sent(part[given], device) for part in entries[:3]]
    row, column, level = (sent(part[~given], device) for part in entries[:3])
    hidden = hidden_units(weights, Entries(known[0], known[1], known[2], entries.rows), shared)
    costs = level_costs(level_scores(weights, hidden, row, column, shared), level, ordinal_weight)
    ratings = torch.bincount(entries.row, minlength=entries.rows)
    left = torch.bincount(entries.row[~given], minlength=entries.rows)
    scale = sent(ratings / left.clamp(min=1), device)
    return costs.new_zeros(entries.rows).index_add(0, row, costs * scale[row])


def cell_costs(
    weights: Weights, entries: Entries, given: Tensor, *, shared: bool = True, ordinal_weight: float = 1.0
) -> Tensor:
    """Return `split_costs`, with a score for each cell of the rows, counted where a rating is asked for.

    It holds about 18 B K M numbers; rows are cut where that is more than `irkit.learn.slices.NUMBERS`.
    """
    levels, columns, _ = weights["input"].shape
    cells = torch.full((2, entries.rows, columns), -1, device=given.device)
    cells[(~given).long(), entries.row, entries.column] = entries.level
    k = torch.arange(levels, device=weights["input"].device)[:, None]

    def compute(known: Tensor, asked: Tensor) -> Tensor:
        below = known[:, None]  # an absent rating, -1, is below every level
        x = (below >= k if shared else below == k).to(weights["input"])  # (B, K, M)
        steps = _products(weights, _layers(weights, x)) + weights["level_bias"]
        scores = steps.cumsum(1) if shared else steps
        left = asked >= 0
        costs = level_costs(scores, asked.clamp(min=0), ordinal_weight) * left
        ratings = (left | (known >= 0)).sum(1)
        return costs.sum(1) * (ratings / left.sum(1).clamp(min=1))

    known, asked = sent(cells, weights["input"].device)
    return in_slices(compute, 18 * levels * columns, known, asked)
