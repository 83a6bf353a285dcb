"""Tests of irkit.learn.latent."""

import numpy as np
import pytest
import torch

from irkit.learn.latent import Bound, bound_measures, standard_normal


def test_the_prior_is_a_standard_normal_over_the_last_axis():
    z = torch.tensor([[[0.0, 0], [1, -2]]], dtype=torch.float64)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    torch.testing.assert_close(standard_normal(z), expected)


def test_parts_of_the_bound_are_averaged_over_all_batches_and_units_that_move_are_counted():
    first = Bound(torch.tensor([-10.0, -20.0]), torch.tensor([[1.0, 0], [2, 0]]))
    second = Bound(torch.tensor([-60.0]), torch.tensor([[0.0, 3]]))
    assert second.elbo.item() == -63
    means = np.array([[0.0, 0.5], [0.3, 0.5], [0.0, 0.6]])  # variances 0.02 and 0.002
    found = bound_measures([first, second], means)
    assert {name: (one.estimate.value, one.estimate.kind) for name, one in found.items()} == {
        "elbo": (pytest.approx(-32), "lower_bound"),
        "reconstruction": (pytest.approx(-30), "estimate"),
        "kl": (pytest.approx(2), "exact"),
        "active_units": (1, "exact"),
    }
