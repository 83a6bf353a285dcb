"""Tests of irkit.rank.scorers."""

import numpy as np
import pytest
import torch

from irkit.rank.scorers import Scorer


def started(*given, seed=1, **named):
    return Scorer(*given, **named).start(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("hidden_size", [0, 6])
@pytest.mark.parametrize("output_bias", [True, False])
def test_a_score_is_what_the_formula_says(hidden_size, output_bias):
    net = started(4, hidden_size, output_bias=output_bias)
    with torch.no_grad():
        for weights in net.parameters():
            weights += 0.5 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(2))
    values = {name: value.numpy().astype(np.float64) for name, value in net.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(3, 5, 4))
    inner = np.tanh(x @ values["hidden.weight"].T + values["hidden.bias"]) if hidden_size else x
    expected = inner @ values["output.weight"][0] + values.get("output.bias", 0.0)
    found = net(torch.from_numpy(x))
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(net(torch.from_numpy(x).float()).detach().numpy(), expected, rtol=1e-4)
    assert ("output.bias" in values) == output_bias


def test_weights_start_within_two_deviations_and_biases_at_0():
    net = started(46, 46)
    weights = net.hidden.weight.detach().numpy()
    assert np.abs(weights).max() < 0.2
    # A normal distribution cut at 2 deviations has .8796 of its deviation.
    assert weights.std() == pytest.approx(0.08796, rel=0.05)
    assert not net.hidden.bias.any()
    assert not net.output.bias.any()
    wider = Scorer(46, 46).start(torch.Generator().manual_seed(1), deviation=0.5)
    assert wider.hidden.weight.std().item() == pytest.approx(5 * weights.std(), rel=1e-3)


def test_a_seed_decides_the_start():
    same, other = started(5, 3), started(5, 3, seed=2)
    for name, value in started(5, 3).state_dict().items():
        assert torch.equal(value, same.state_dict()[name])
    assert not torch.equal(same.hidden.weight, other.hidden.weight)
