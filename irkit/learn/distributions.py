"""Log-probabilities and divergences from raw parameters: logits and log-variances, never probabilities.

`log(sigmoid(l) + eps)` loses all precision for confident units, `x l - softplus(l)` none. Every
function sums over the last axis and returns nats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

LOG_2PI = math.log(2 * math.pi)


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + exp(x)) to full precision; torch's own becomes linear at 20, an error of 2e-9."""
    return -logsigmoid(-x)


def bernoulli_log_prob(x: Tensor, logits: Tensor) -> Tensor:
    """Return log p(x) of independent bits.

    sum over d of x_d l_d - softplus(l_d); an x between 0 and 1 gives the expected log-probability.

    Parameters
    ----------
    x, logits : (..., D)

    Returns
    -------
    (...)
    """
    return (x * logits - softplus(logits)).sum(-1)


def gaussian_log_prob(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return log N(x; mean, exp(log_var)) with a diagonal covariance.

    Parameters
    ----------
    x, mean, log_var : (..., D), broadcast together

    Returns
    -------
    (...)
    """
    return -0.5 * (LOG_2PI + log_var + (x - mean).square() * torch.exp(-log_var)).sum(-1)


def mixture_log_prob(x: Tensor, log_weights: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    """Return log p(x) of a mixture of K Gaussians with diagonal covariances.

    log sum over k of exp(log_weights_k) N(x; mean_k, exp(log_var_k)); over all of x at once, not over each d.

    Parameters
    ----------
    x : (..., D)
    log_weights : (..., K)
        Of sum 1 when exponentiated.
    mean, log_var : (..., K, D)

    Returns
    -------
    (...)
    """
    return (log_weights + gaussian_log_prob(x[..., None, :], mean, log_var)).logsumexp(-1)


def gaussian_kl(
    mean: Tensor, log_var: Tensor, prior_mean: Tensor | None = None, prior_log_var: Tensor | None = None
) -> Tensor:
    """Return KL(N(mean, exp(log_var)) || N(prior_mean, exp(prior_log_var))) of each dimension, at least 0.

    1/2 ((mean - m)^2 / v + s^2 / v - 1 - log s^2 / v), the prior N(m, v) standard normal unless it is given. Not
    summed, so that free bits can act on single dimensions.

    Parameters
    ----------
    mean, log_var : (..., Z)
    prior_mean, prior_log_var : (..., Z), both or neither

    Returns
    -------
    (..., Z)
    """
    if prior_mean is None or prior_log_var is None:
        return 0.5 * (mean.square() + torch.exp(log_var) - 1 - log_var)
    ratio = log_var - prior_log_var
    return 0.5 * ((mean - prior_mean).square() * torch.exp(-prior_log_var) + torch.exp(ratio) - 1 - ratio)


def logit(p: Tensor, floor: float = 1e-3) -> Tensor:
    """Return log(p / (1 - p)) with p kept between `floor` and 1 - `floor`: a bias that starts at the data's mean."""
    p = p.clamp(floor, 1 - floor)
    return torch.log(p) - torch.log1p(-p)
