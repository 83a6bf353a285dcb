"""Density models by loops, and what any density of bits must satisfy."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import torch


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def softplus(x: float) -> float:
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def bits(n: int) -> np.ndarray:
    """Every vector of n bits, (2^n, n)."""
    return np.array(list(product([0.0, 1.0], repeat=n)))


def total(log_prob: np.ndarray) -> float:
    """The sum of probabilities."""
    return math.fsum(np.exp(np.ravel(log_prob)))


def chi_square(samples: np.ndarray, probability: np.ndarray) -> float:
    """The p-value of samples of bits against the probabilities of all configurations, rare ones pooled."""
    from scipy.stats import chisquare

    n = samples.shape[1]
    code = samples.astype(int) @ (1 << np.arange(n - 1, -1, -1))
    seen = np.bincount(code, minlength=1 << n).astype(float)
    expected = probability / probability.sum() * len(samples)
    rare = expected < 5
    seen = np.append(seen[~rare], seen[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    keep = expected > 0
    return float(chisquare(seen[keep], expected[keep] * seen[keep].sum() / expected[keep].sum()).pvalue)


def nade_logits(x, w, c, v, b, activation="sigmoid") -> np.ndarray:
    """The logits of NADE's conditionals for one row, each hidden unit from scratch."""
    size, hidden = w.shape
    logits = np.zeros(size)
    for d in range(size):
        logits[d] = b[d]
        for j in range(hidden):
            a = c[j] + sum(x[k] * w[k, j] for k in range(d))
            logits[d] += v[d, j] * (sigmoid(a) if activation == "sigmoid" else max(a, 0.0))
    return logits


def bernoulli_log_prob(x, logits) -> float:
    return math.fsum(bit * logit - softplus(logit) for bit, logit in zip(x, logits, strict=True))


def independent_bits(train: np.ndarray, test: np.ndarray) -> float:
    """The mean log-probability of test rows under independent bits with add-one frequencies."""
    p = (train.sum(0) + 1) / (len(train) + 2)
    return float((test * np.log(p) + (1 - test) * np.log1p(-p)).sum(1).mean())


def leaks(logits, x: torch.Tensor) -> list[tuple[int, int]]:
    """Pairs (k, d), d <= k, where logit d depends on bit k: a NaN put into bit k must not reach it.

    A NaN survives every product and sum, a product with 0 too, so this finds what a flip may miss.
    """
    found = []
    for k in range(x.shape[1]):
        poisoned = x.clone()
        poisoned[:, k] = torch.nan
        touched = logits(poisoned).isnan().any(0)
        found += [(k, d) for d in range(k + 1) if touched[d]]
        assert touched[k + 1 :].all(), f"bits after {k} do not depend on it"
    return found


def rbm_energy(v, h, w, b, c, visible="bits") -> float:
    energy = -sum(c[j] * h[j] for j in range(len(h)))
    for i in range(len(v)):
        energy += -b[i] * v[i] if visible == "bits" else 0.5 * (v[i] - b[i]) ** 2
        energy -= sum(v[i] * w[i, j] * h[j] for j in range(len(h)))
    return energy


def rbm_log_joint(w, b, c) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All v, all h, and minus the energy of every pair, (2^D, 2^H)."""
    v, h = bits(len(b)), bits(len(c))
    return v, h, np.array([[-rbm_energy(one, other, w, b, c) for other in h] for one in v])


def log_sum(x: np.ndarray) -> float:
    top = float(np.max(x))
    return top + math.log(math.fsum(np.exp(np.ravel(x) - top)))
