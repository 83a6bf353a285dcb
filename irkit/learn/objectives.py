"""What latent-variable models maximise: the ELBO, the importance-weighted bound, and schedules for its KL term.

Sources: Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014 (ELBO); Burda, Grosse and
Salakhutdinov, "Importance weighted autoencoders", ICLR 2016 (IW bound); Kingma et al., "Improved
variational inference with inverse autoregressive flow", NIPS 2016, section C.8 (free bits); Bowman
et al., "Generating sentences from a continuous space", CoNLL 2016 (annealing).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor

from irkit.config import Config
from irkit.learn.estimate import Estimate

NATS_PER_BIT = math.log(2)


class LogMean(NamedTuple):
    """The log of a mean of weights, with what is known of its error."""

    value: Tensor
    stderr: Tensor
    "Standard error of `value`: the relative error of the mean (delta method)."
    ess: Tensor
    "Effective sample size over the number of samples, 1 / K to 1."


def log_mean_exp(log_w: Tensor, dim: int = 0) -> LogMean:
    """Return log mean exp(log_w) over K samples; the importance-weighted bound if log_w = log p(x, z) - log q(z | x).

    Parameters
    ----------
    log_w : (..., K, ...)
    dim : int
        The axis of the samples.

    Returns
    -------
    LogMean
        Each field has the shape of `log_w` without `dim`. With one sample the error is unknown: inf.
    """
    k = log_w.shape[dim]
    top = log_w.amax(dim, keepdim=True)
    w = torch.exp(log_w - top)
    mean = w.mean(dim)
    value = torch.log(mean) + top.squeeze(dim)
    if k == 1:
        return LogMean(value, torch.full_like(value, math.inf), torch.ones_like(value))
    stderr = w.std(dim) / (mean * math.sqrt(k))
    ess = mean.square() / w.square().mean(dim)
    return LogMean(value, stderr, ess)


def importance_weighted(log_weights: Iterable[Tensor]) -> Estimate:
    """Return the importance-weighted bound on log p(x) of each example: (n,) nats.

    Parameters
    ----------
    log_weights : iterable of (K, B)
        log p(x, z) - log q(z | x) of K draws for the examples of a batch, batch after batch.
    """
    found = [log_mean_exp(one) for one in log_weights]
    value, stderr, ess = (torch.cat(part).double().cpu().numpy() for part in zip(*found, strict=True))
    return Estimate(value, stderr, "lower_bound", ess=float(ess.mean()))


class KLSchedule(Config):
    """How the weight of the KL term grows over training."""

    shape: Literal["constant", "linear", "sigmoid", "cyclical"] = "constant"
    "Constant 1; a line or a logistic curve from 0 to 1; or lines that start anew `cycles` times."
    over: float = Field(0.2, gt=0, le=1)
    "Share of the budget after which the weight is 1; of each cycle, if cyclical."
    cycles: int = Field(4, ge=1)
    "Times a cyclical schedule starts again."
    start: float = Field(0.0, ge=0, le=1)
    "Weight at the beginning."
    wait: float = Field(0.0, ge=0, lt=1)
    "Share of the budget, or of each cycle, before the weight begins to grow."

    @model_validator(mode="after")
    def _grows(self) -> KLSchedule:
        if self.wait >= self.over:
            raise ValueError(f"wait must be below over, got {self.wait:g} and {self.over:g}; lower it")
        return self

    def weight(self, progress: float) -> float:
        """Return the weight at a share `progress` of the budget, `start` to 1.

        Examples
        --------
        >>> KLSchedule(shape="linear", over=0.5).weight(0.25)
        0.5
        >>> KLSchedule(shape="linear", wait=0.25, over=0.75).weight(0.5)
        0.5
        """
        if self.shape == "constant":
            return 1.0
        within = progress * self.cycles % 1 if self.shape == "cyclical" and progress < 1 else progress
        t = min(1.0, max(0.0, within - self.wait) / (self.over - self.wait))
        if self.shape == "sigmoid":
            low, high = (1 / (1 + math.exp(-12 * (u - 0.5))) for u in (0.0, 1.0))
            t = (1 / (1 + math.exp(-12 * (t - 0.5))) - low) / (high - low)
        return self.start + (1 - self.start) * t


def free_bits(kl: Tensor, floor: float) -> Tensor:
    """Sum the KL of each latent dimension, dimensions below `floor` costing `floor` and getting no gradient.

    sum over z of max(floor, mean over the batch of kl_z).

    Parameters
    ----------
    kl : (B, Z), nats
    floor : float
        Nats a dimension; 0 leaves the mean of the sum unchanged.

    Returns
    -------
    () nats, averaged over the batch
    """
    return kl.mean(0).clamp_min(floor).sum()


def nats_to_bits(nats: float) -> float:
    """Turn nats into bits: the description length in the usual unit."""
    return nats / NATS_PER_BIT
