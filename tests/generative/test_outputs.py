"""Tests of irkit.generative.outputs."""

import numpy as np
import pytest
import torch
from scipy import stats

from irkit.generative.outputs import Output

KINDS = {
    "bernoulli": {"kind": "bernoulli", "components": 3, "bits": 0},
    "gaussian": {"kind": "gaussian", "components": 3, "bits": 0},
    "mixture": {"kind": "mixture", "components": 3, "bits": 0},
    "mixture-bit": {"kind": "mixture", "components": 3, "bits": 1},
}


def output(size: int, settings: dict, seed: int = 0, floor: float = 0.1) -> Output:
    torch.manual_seed(seed)
    found = Output(2, size, floor=floor, **settings).double()
    torch.nn.init.normal_(found.map.weight)
    torch.nn.init.normal_(found.map.bias)
    return found


def parts_of(found: Output, h: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weights, means, deviations and probabilities of bits, from the raw weights."""
    raw = found.map.weight.detach().numpy() @ h + found.map.bias.detach().numpy()
    weights, mean, spread, logits = np.split(raw, np.cumsum(found.sizes)[:-1])
    shape = (found.components, found.reals)
    weights = np.exp(weights) / np.exp(weights).sum() if len(weights) else np.ones(1)
    deviation = found.floor + np.log1p(np.exp(spread.reshape(shape)))
    return weights, mean.reshape(shape), deviation, 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_log_probabilities_are_those_of_loops_over_components_and_columns(settings):
    found = output(3, settings)
    h = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x[:, found.reals :] = (x[:, found.reals :] > 0).double()
    slow = []
    for row in range(4):
        weights, mean, deviation, p = parts_of(found, h[row].numpy())
        total = 0.0
        for k, weight in enumerate(weights):
            product = weight
            for d in range(found.reals):
                product *= stats.norm.pdf(float(x[row, d]), mean[k, d], deviation[k, d])
            total += product
        for d in range(found.bits):
            total *= stats.bernoulli.pmf(int(x[row, found.reals + d]), p[d])
        slow.append(np.log(total))
    with torch.no_grad():
        np.testing.assert_allclose(found.log_prob(x, found(h)), slow, rtol=1e-10)


def test_a_mixture_of_one_number_integrates_to_one():
    found = output(1, KINDS["mixture"])
    grid = torch.linspace(-30, 30, 60_001, dtype=torch.float64)[:, None]
    with torch.no_grad():
        density = found.log_prob(grid, found(torch.ones(1, 2, dtype=torch.float64))).exp()
    assert float(torch.trapezoid(density, grid[:, 0])) == pytest.approx(1, abs=1e-8)


def test_a_mixture_of_one_component_is_a_gaussian():
    one, other = (output(2, {"kind": kind, "components": 1, "bits": 0}) for kind in ("mixture", "gaussian"))
    h, x = torch.ones(1, 2, dtype=torch.float64), torch.tensor([[0.3, -2.0]], dtype=torch.float64)
    assert torch.equal(one.log_prob(x, one(h)), other.log_prob(x, other(h)))


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_what_is_drawn_has_the_means_and_the_spread_that_are_said(settings):
    found = output(2, settings, seed=3)
    h = np.array([0.5, -1.0])
    with torch.no_grad():
        p = found(torch.from_numpy(h).expand(40_000, 2))
        drawn = found.sample(p, torch.Generator().manual_seed(0)).numpy()
        said = found.means(p)[0].numpy()
    error = drawn.std(0) / 200
    np.testing.assert_array_less(np.abs(drawn.mean(0) - said), 4 * error)
    weights, mean, deviation, bits = parts_of(found, h)
    second = (weights[:, None] * (mean**2 + deviation**2)).sum(0)
    np.testing.assert_allclose((drawn[:, : found.reals] ** 2).mean(0), second, rtol=0.05)
    assert set(np.unique(drawn[:, found.reals :])) <= {0.0, 1.0}
    np.testing.assert_allclose(said[found.reals :], bits)


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
def test_it_starts_at_means_deviations_and_frequencies(settings):
    found = output(3, settings, floor=0.01)
    rng = np.random.default_rng(0)
    x = rng.normal([1.0, -2.0, 0.0], [0.5, 3.0, 1.0], (500, 3))
    x[:, found.reals :] = x[:, found.reals :] > 0
    found.start(torch.from_numpy(x))
    weights, mean, deviation, bits = parts_of(found, np.zeros(2))
    np.testing.assert_allclose(weights, 1 / len(weights))
    if found.components == 1:
        np.testing.assert_allclose(mean[0], x[:, : found.reals].mean(0), rtol=1e-6)
    elif found.reals:
        assert (np.ptp(mean, 0) > 0.05 * x[:, : found.reals].std(0)).all()
    np.testing.assert_allclose(deviation, np.tile(x[:, : found.reals].std(0), (found.components, 1)), rtol=1e-6)
    np.testing.assert_allclose(bits, x[:, found.reals :].mean(0).clip(1e-3, 1 - 1e-3), rtol=1e-6)


def test_a_column_without_spread_is_no_infinite_density():
    found = output(1, KINDS["gaussian"], floor=0.01)
    found.start(torch.zeros(10, 1))
    with torch.no_grad():
        p = found(torch.zeros(1, 2, dtype=torch.float64))
    assert 0.01 <= float(p.log_var.mul(0.5).exp()) < 0.02
