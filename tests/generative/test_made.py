"""Tests of irkit.generative.made."""

import numpy as np
import pytest
import torch

from irkit.generative.made import MADE, MADEConfig, masks
from irkit.io.kinds import Spec
from tests.oracles import density as oracle

CONFIGS = [{"hidden_sizes": (7,)}, {"hidden_sizes": (9, 4)}, {"hidden_sizes": (5, 20), "direct": False}]


def model(size: int = 6, **config) -> MADE:
    torch.manual_seed(0)
    found = MADE(MADEConfig(**config))
    found.net = found.build(Spec("rows", (size,))).double()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_()
    return found


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("hidden_sizes", [(7,), (9, 4), (3, 20, 5)])
def test_paths_lead_from_a_bit_to_later_ones_only(size, hidden_sizes):
    paths = torch.eye(size)
    for mask in masks(size, hidden_sizes):
        paths = mask @ paths
    reached = paths.numpy() > 0
    assert not np.triu(reached).any()
    if min(hidden_sizes) >= size - 1:
        assert (np.tril(np.ones((size, size)), -1) == reached).all()


@pytest.mark.parametrize("config", CONFIGS)
def test_all_configurations_sum_to_one(config):
    found = model(**config)
    estimate = found.log_prob(oracle.bits(6))
    assert estimate.kind == "exact"
    assert oracle.total(estimate.value) == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_flip_changes_no_earlier_logit_to_the_bit(config):
    found, x = model(**config), torch.tensor(oracle.bits(6)[41])
    with torch.no_grad():
        base = found.net.logits(x[None])[0]
        for k in range(6):
            flipped = x.clone()
            flipped[k] = 1 - flipped[k]
            logits = found.net.logits(flipped[None])[0]
            assert torch.equal(logits[: k + 1], base[: k + 1])
            if k < 5:
                assert not torch.equal(logits[k + 1 :], base[k + 1 :])


@pytest.mark.parametrize("config", CONFIGS)
def test_samples_have_the_probabilities(config):
    found = model(5, **config)
    samples = found.sample(30_000, seed=2)
    assert oracle.chi_square(samples, np.exp(found.log_prob(oracle.bits(5)).value)) > 1e-3
