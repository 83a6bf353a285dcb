"""Nonnegative matrix factorisation by multiplicative updates, with deterministic starts.

Source: Lee and Seung, "Algorithms for non-negative matrix factorization", NIPS 2000 (updates);
Boutsidis and Gallopoulos, "SVD based initialization", Pattern Recognition 41, 2008 (NNDSVD);
Wild, Curry and Dougherty, "Improving non-negative matrix factorizations through structured initialization",
Pattern Recognition 37, 2004 (starts from clusters of rows).
Symbols: R (n, W) data, U (n, r) and V (r, W) factors, M (n, W) mask of the cells that count.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from irkit.arrays import Floats

TINY = 1e-12
"Keeps denominators and logarithms away from 0."

SMOOTHING = 0.7
"Weight of all rows' distribution in that of a row; at 0.1 three times as much loss is left above the best known."

SHARED = 0.2
"What a factor shares with rows of other groups, so that updates, which cannot leave 0, may move it there."


def loss(r: Floats, u: Floats, v: Floats, mask: Floats, objective: Literal["kl", "frobenius"]) -> float:
    """Compute the divergence of U V from R over the cells of the mask.

    kl: sum r log(r / x) - r + x with 0 log 0 = 0; frobenius: half the sum of squared differences.
    """
    x = u @ v
    if objective == "frobenius":
        return float(0.5 * (mask * (r - x) ** 2).sum())
    ratio = np.where(r > 0, np.log(np.maximum(r, TINY) / np.maximum(x, TINY)), 0.0)
    return float((mask * (r * ratio - r + x)).sum())


def nndsvd(r: Floats, rank: int) -> tuple[Floats, Floats]:
    """Start the factors from the positive parts of the singular vectors, zeros filled with the mean of R / 100.

    The filling is deterministic (NNDSVDa scaled down): multiplicative updates cannot leave 0.

    Returns
    -------
    (n, rank) and (rank, W) float64, positive
    """
    left, size, right = np.linalg.svd(r, full_matrices=False)
    u, v = np.zeros((r.shape[0], rank)), np.zeros((rank, r.shape[1]))
    for k in range(min(rank, len(size))):
        x, y = left[:, k], right[k]
        if k == 0:
            u[:, 0], v[0] = np.sqrt(size[0]) * np.abs(x), np.sqrt(size[0]) * np.abs(y)
            continue
        sides = [(np.maximum(sign * x, 0), np.maximum(sign * y, 0)) for sign in (1.0, -1.0)]
        xs, ys = max(sides, key=lambda side: np.linalg.norm(side[0]) * np.linalg.norm(side[1]))
        norms = np.linalg.norm(xs), np.linalg.norm(ys)
        if min(norms) > 0:
            scale = np.sqrt(size[k] * norms[0] * norms[1])
            u[:, k], v[k] = scale * xs / norms[0], scale * ys / norms[1]
    fill = max(r.mean() / 100, TINY)
    return np.where(u > TINY, u, fill), np.where(v > TINY, v, fill)


def grouped_start(r: Floats, rank: int) -> tuple[Floats, Floats]:
    """Start the factors from groups of rows: each factor is the sum of a group, shared a little with all rows.

    A group is a row and those nearer to it than to the rows of other groups, in the likelihood of a row under
    another's distribution, smoothed with that of all rows. The first of these rows is tried out, the others are
    those that are worst explained so far; groups whose sums explain the rows best are taken.

    Returns
    -------
    (n, rank) and (rank, W) float64, nonnegative; positive but for rows and columns of zeros
    """
    size = np.maximum(r.sum(axis=1), TINY)  # (n,)
    every = r.sum(axis=0) / size.sum()  # (W,)
    smoothed = (1 - SMOOTHING) * r / size[:, None] + SMOOTHING * every
    fit = np.log(np.maximum(smoothed, TINY)) @ r.T  # (n, n): row i as the centre of row j
    centres = [np.arange(len(r))]  # each row may be the first; (rank, n)
    best = fit
    for _ in range(rank - 1):
        centres.append(np.argmax(np.diag(fit) - best, axis=1))
        best = np.maximum(best, fit[centres[-1]])
    group = np.argmax(fit[np.stack(centres)], axis=0)  # (n, n): of each try and row
    member = (group[:, None] == np.arange(rank)[:, None]).astype(np.float64)  # (n, rank, n)
    sums = member @ r  # (n, rank, W)
    total = sums.sum(axis=2)
    took = np.argmax(_x_log_x(sums).sum(axis=(1, 2)) - _x_log_x(total).sum(axis=1))
    share = member[took] / np.maximum(total[took], TINY)[:, None]
    u = size[:, None] * ((1 - SHARED) * share.T + SHARED / size.sum())
    v = (1 - SHARED) * sums[took] + SHARED / rank * r.sum(axis=0)
    return u, v


def _x_log_x(x: Floats) -> Floats:
    found: Floats = x * np.log(np.maximum(x, TINY))
    return found


def random_start(r: Floats, rank: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw positive factors whose product has the scale of R."""
    scale = np.sqrt(max(r.mean(), TINY) / rank)
    return scale * rng.random((r.shape[0], rank)) + TINY, scale * rng.random((rank, r.shape[1])) + TINY


def nmf(
    r: Floats,
    u: Floats,
    v: Floats,
    *,
    objective: Literal["kl", "frobenius"] = "kl",
    iterations: int = 100,
    mask: Floats | None = None,
    tolerance: float = 0.0,
) -> tuple[Floats, Floats]:
    """Minimise the divergence of U V from R; the loss never increases.

    Parameters
    ----------
    r : (n, W) float64, nonnegative
    u : (n, rank) float64, nonnegative
    v : (rank, W) float64, nonnegative
        The start; not changed.
    objective : {"kl", "frobenius"}
    iterations : int
        Updates of each factor.
    mask : (n, W) float64 of 0 and 1, optional
        Cells that count; default all.
    tolerance : float
        Stop when the loss falls by less than this share of its first value in ten iterations; 0 never stops.

    Returns
    -------
    U, V
    """
    m = np.ones_like(r) if mask is None else mask
    first = last = loss(r, u, v, m, objective) if tolerance else 0.0
    for step in range(1, iterations + 1):
        if objective == "kl":
            u = u * ((m * r / np.maximum(u @ v, TINY)) @ v.T) / np.maximum(m @ v.T, TINY)
            v = v * (u.T @ (m * r / np.maximum(u @ v, TINY))) / np.maximum(u.T @ m, TINY)
        else:
            u = u * ((m * r) @ v.T) / np.maximum((m * (u @ v)) @ v.T, TINY)
            v = v * (u.T @ (m * r)) / np.maximum(u.T @ (m * (u @ v)), TINY)
        if tolerance and step % 10 == 0:
            now = loss(r, u, v, m, objective)
            if last - now < tolerance * first:
                break
            last = now
    return u, v
