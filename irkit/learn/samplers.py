"""Markov chains: alternating Gibbs sampling, and annealed importance sampling for normalisers.

Sources: Neal, "Annealed importance sampling", Statistics and Computing 2001; Salakhutdinov and
Murray, "On the quantitative analysis of deep belief networks", ICML 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from irkit.errors import ConfigError
from irkit.learn.estimate import Estimate
from irkit.learn.objectives import log_mean_exp


def gibbs(sweep: Callable[[Tensor], Tensor], state: Tensor, steps: int) -> Tensor:
    """Apply a sweep, one full pass of conditional draws, `steps` times to all chains."""
    for _ in range(steps):
        state = sweep(state)
    return state


def ais(
    start: Tensor,
    step: Callable[[Tensor, float, float], tuple[Tensor, Tensor]],
    betas: Tensor,
    log_z_start: float,
) -> Estimate:
    """Estimate a log-normaliser by annealing from a distribution whose own is known.

    log w = sum over k of log f(v_k, beta_k+1) - log f(v_k, beta_k), with v_k+1 drawn from v_k by a
    sweep that leaves f(., beta_k+1) invariant: the beta of the ratio just added, not the next.

    Parameters
    ----------
    start : (M, D)
        Exact draws at beta 0, one a chain.
    step : (v, before, beta) -> (log f(v, beta) - log f(v, before), next v)
        The ratio (M,) and the sweep at `beta`; both in one since they share most of their work.
    betas : (T,) float64, from 0 to 1, increasing
        Inverse temperatures.
    log_z_start : float
        Log-normaliser at beta 0.

    Returns
    -------
    Estimate
        log Z, low in expectation; `stderr` by the delta method; `ess` as a share of the chains.

    Raises
    ------
    ConfigError
        If `betas` does not climb from 0 to 1.
    """
    if betas[0] != 0 or betas[-1] != 1 or bool((betas.diff() <= 0).any()):
        raise ConfigError("ais: betas must climb from 0 to 1, got others; use torch.linspace(0, 1, n)")
    v = start
    log_w = torch.zeros(len(start), dtype=torch.float64, device=start.device)
    for before, beta in pairwise(betas.tolist()):
        ratio, v = step(v, before, beta)
        log_w += ratio.double()
    mean = log_mean_exp(log_w)
    return Estimate(log_z_start + float(mean.value), float(mean.stderr), "estimate", ess=float(mean.ess))
