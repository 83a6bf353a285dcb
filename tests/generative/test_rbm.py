"""Tests of irkit.generative.rbm: everything against enumeration of all (v, h)."""

import math

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, DataError
from irkit.generative.nade import NADE
from irkit.generative.rbm import RBM, RBMConfig, ais_log_z, exact_log_z, log_unnormalised, stack_rbms
from irkit.io import load_rows
from irkit.io.kinds import Spec
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Now
from irkit.learn.trainer import TrainerConfig
from tests.oracles import density as oracle


def weights(d: int, h: int, scale: float = 1.0, seed: int = 0) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(shape, generator=rng, dtype=torch.float64) for shape in ((d, h), (d,), (h,))]


def model(d: int, h: int, *, scale: float = 1.0, seed: int = 0, **config) -> RBM:
    found = RBM(RBMConfig(hidden_size=h, **config))
    found.net = found.build(Spec("rows", (d,))).double()
    with torch.no_grad():
        for parameter, value in zip((found.net.w, found.net.b, found.net.c), weights(d, h, scale, seed), strict=True):
            parameter.copy_(value)
    return found


def now(seed: int = 0) -> Now:
    return Now(0, 0, 0.0, torch.Generator().manual_seed(seed))


# ------------------------------------------------------------------------------------------------ exact


def test_log_z_three_ways():
    w, b, c = weights(5, 4)
    _, _, joint = oracle.rbm_log_joint(w.numpy(), b.numpy(), c.numpy())
    assert exact_log_z(w, b, c) == pytest.approx(oracle.log_sum(joint), rel=1e-12)
    w, b, c = weights(12, 8)
    by_hidden = exact_log_z(w, b, c)
    by_visible = exact_log_z(w.T, c, b)  # the roles exchanged: 8 visible units are now the smaller layer
    assert by_hidden == pytest.approx(by_visible, rel=1e-13)
    every = log_unnormalised(torch.from_numpy(oracle.bits(12)), w, b, c)
    assert by_hidden == pytest.approx(float(every.logsumexp(0)), rel=1e-13)


def test_the_free_energy_is_the_sum_over_hidden_configurations():
    w, b, c = weights(4, 3)
    v, _, joint = oracle.rbm_log_joint(w.numpy(), b.numpy(), c.numpy())
    found = log_unnormalised(torch.from_numpy(v), w, b, c)
    np.testing.assert_allclose(found, [oracle.log_sum(row) for row in joint], rtol=1e-12)


def test_all_configurations_sum_to_one():
    assert oracle.total(model(10, 6).log_prob(oracle.bits(10)).value) == pytest.approx(1, abs=1e-12)


def test_reals_integrate_to_one():
    w, b, c = weights(1, 3)
    v = torch.linspace(-15, 15, 20_001, dtype=torch.float64)[:, None]
    log_p = log_unnormalised(v, w, b, c, "reals") - exact_log_z(w, b, c, "reals")
    assert float(torch.trapezoid(log_p.exp(), v[:, 0])) == pytest.approx(1, abs=1e-10)
    h = oracle.bits(3)
    slow = [
        oracle.log_sum(
            np.array([-oracle.rbm_energy(one, other, w.numpy(), b.numpy(), c.numpy(), "reals") for other in h])
        )
        for one in v[::4000].numpy()
    ]
    np.testing.assert_allclose(log_unnormalised(v[::4000], w, b, c, "reals"), slow, rtol=1e-12)


def test_a_layer_too_big_to_enumerate_is_refused():
    with pytest.raises(ConfigError, match="log Z of 30 x 21 units cannot be enumerated, at most 20; use ais_log_z"):
        exact_log_z(*weights(30, 21))


# ------------------------------------------------------------------------------------------------ learning rule


def test_the_gradient_of_cd_is_the_formula_with_probabilities_last():
    found = model(6, 4, chains=None, k=3)
    batch = torch.from_numpy(oracle.bits(6)[::5])
    names = (found.net.w, found.net.b, found.net.c)
    gradient = torch.autograd.grad(found.net.loss(batch, now()).total, names)
    w, b, c = (p.detach() for p in names)
    rng, v = torch.Generator().manual_seed(0), batch
    for _ in range(3):
        h = torch.bernoulli(torch.sigmoid(c + v @ w), generator=rng)
        v = torch.bernoulli(torch.sigmoid(b + h @ w.T), generator=rng)
    ph0, phk = torch.sigmoid(c + batch @ w), torch.sigmoid(c + v @ w)
    by_hand = [(v.T @ phk - batch.T @ ph0) / len(batch), (v - batch).mean(0), (phk - ph0).mean(0)]
    for ours, theirs in zip(gradient, by_hand, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-14)


def test_the_exact_gradient_is_that_of_the_exact_likelihood():
    found = model(5, 3)
    names = (found.net.w, found.net.b, found.net.c)
    batch = torch.from_numpy(oracle.bits(5)[[3, 9, 9, 17]])
    every = torch.from_numpy(oracle.bits(5))
    log_p = found.net.log_f(batch).mean() - found.net.log_f(every).logsumexp(0)
    gradient = torch.autograd.grad(log_p, names)
    w, b, c = (p.detach().numpy() for p in names)
    v, h, joint = oracle.rbm_log_joint(w, b, c)
    p = np.exp(joint - oracle.log_sum(joint))
    model_vh = np.einsum("vh,vi,hj->ij", p, v, h)
    data_vh = np.zeros((5, 3))
    for one in batch.numpy():
        data_vh += np.outer(one, [oracle.sigmoid(c[j] + one @ w[:, j]) for j in range(3)]) / len(batch)
    np.testing.assert_allclose(gradient[0], data_vh - model_vh, atol=1e-14)


def test_chains_persist_and_start_from_the_data():
    found = RBM(RBMConfig(hidden_size=3, chains=50))
    found.net = found.build(Spec("rows", (4,)))
    found.net.start(torch.tensor([[1.0, 0, 1, 0]]).repeat(10, 1))
    assert torch.equal(found.net.chains, torch.tensor([1.0, 0, 1, 0]).expand(50, 4))
    found.net.b.data.zero_()
    before = found.net.chains.clone()
    found.net.loss(torch.zeros(5, 4), now())
    after = found.net.chains.clone()
    assert not torch.equal(before, after)
    assert "chains" in found.net.state_dict()
    assert RBM(RBMConfig(chains=None)).build(Spec("rows", (4,))).chains.numel() == 0


def test_gibbs_has_the_models_marginals():
    found = model(5, 4, scale=0.7)
    with torch.no_grad():
        samples = found.net.sample(20_000, torch.Generator().manual_seed(2), sweeps=100).numpy()
    assert oracle.chi_square(samples, np.exp(found.log_prob(oracle.bits(5)).value)) > 1e-3


def test_many_sweeps_bring_the_exact_kl_down():
    data = oracle.bits(6)[[0, 7, 7, 56, 63, 63]].repeat(20, axis=0)
    values, counts = np.unique(data, axis=0, return_counts=True)
    entropy = -sum(n / len(data) * math.log(n / len(data)) for n in counts)
    rule = OptimiserConfig(kind="sgd", learning_rate=0.5)
    kls = []
    for epochs in (50, 100, 200, 400):
        trainer = TrainerConfig(epochs=epochs, batch_size=120, optimiser=rule)
        fitted = RBM(RBMConfig(hidden_size=6, chains=None, k=20)).fit(data, trainer=trainer)
        kls.append(-entropy - float(fitted.log_prob(values).value @ counts) / len(data))
    assert kls == sorted(kls, reverse=True)
    assert kls[-1] < 0.1 * kls[0]
    assert min(kls) >= 0


# ------------------------------------------------------------------------------------------------ AIS


@pytest.mark.parametrize("visible", ["bits", "reals"])
def test_ais_finds_the_exact_normaliser(visible):
    w, b, c = weights(12, 8, scale=0.5 if visible == "reals" else 1.0)
    exact = exact_log_z(w, b, c, visible)
    base = b + 0.3
    betas = torch.linspace(0, 1, 400, dtype=torch.float64)
    found = ais_log_z(w, b, c, base, torch.Generator().manual_seed(1), visible=visible, chains=400, betas=betas)
    assert found.kind == "estimate"
    assert abs(found.value - exact) < 4 * found.stderr + 1e-3
    assert found.stderr < 0.1
    assert found.ess > 0.2
    low, high = found.interval()
    assert low < exact < high


def test_ais_of_a_model_without_weights_is_exact_in_one_step():
    w, b, c = weights(6, 3)
    found = ais_log_z(0 * w, b, 0 * c, b, torch.Generator().manual_seed(0), chains=5, betas=torch.tensor([0.0, 1.0]))
    assert found.value == pytest.approx(float(torch.nn.functional.softplus(b).sum()) + 3 * math.log(2), rel=1e-6)
    assert found.stderr < 1e-6


def test_a_big_model_gets_an_estimate_with_one_error_for_all_rows():
    found = model(14, 13, scale=0.5)
    x = oracle.bits(14)[:5]
    estimate = found.log_prob(x, chains=200, temperatures=300)
    assert estimate.kind == "estimate"
    assert estimate.shared > 0
    assert estimate.mean().error == pytest.approx(estimate.shared)
    exact = log_unnormalised(torch.from_numpy(x), *(p.detach() for p in (found.net.w, found.net.b, found.net.c)))
    truth = exact.numpy() - exact_log_z(found.net.w.detach(), found.net.b.detach(), found.net.c.detach())
    np.testing.assert_allclose(estimate.value, truth, atol=4 * estimate.shared)


# ------------------------------------------------------------------------------------------------ the mean-field link


@pytest.mark.parametrize("order", [None, np.array([3, 0, 4, 2, 1])])
def test_one_mean_field_sweep_of_an_rbm_is_nade_with_tied_weights(order):
    rbm = model(5, 4)
    nade = NADE.from_rbm(rbm, order)
    w, b, c = (p.detach().numpy() for p in (rbm.net.w, rbm.net.b, rbm.net.c))
    sequence = range(5) if order is None else order.tolist()
    slow = []
    for v in oracle.bits(5):
        log_p, seen = 0.0, []
        for i in sequence:
            # q(h | v_seen) with the other visibles at mu = 0, then mu_i from q(h).
            q = [oracle.sigmoid(c[j] + sum(w[k, j] * v[k] for k in seen)) for j in range(4)]
            mu = oracle.sigmoid(b[i] + sum(w[i, j] * q[j] for j in range(4)))
            log_p += math.log(mu if v[i] else 1 - mu)
            seen.append(i)
        slow.append(log_p)
    np.testing.assert_allclose(nade.log_prob(oracle.bits(5)).value, slow, rtol=1e-12)


def test_only_an_rbm_of_bits_becomes_a_nade():
    with pytest.raises(ConfigError, match="nade: an RBM of reals has no such link, got visible='reals'"):
        NADE.from_rbm(model(3, 2, visible="reals"))


# ------------------------------------------------------------------------------------------------ data


@pytest.fixture(scope="module")
def digits():
    return load_rows("digits")


@pytest.mark.slow
def test_it_learns_the_digits_without_chains_that_persist(digits, tmp_path):
    rule = OptimiserConfig(kind="sgd", learning_rate=0.3, schedule="linear")
    trainer = TrainerConfig(epochs=40, batch_size=20, optimiser=rule, every=650)
    fitted = RBM(RBMConfig(hidden_size=60, chains=None)).fit(digits.train, digits.valid, trainer=trainer)
    found = fitted.log_prob(digits.test, temperatures=2000).mean()
    assert found.ess > 0.2
    assert found.interval()[0] >= 0.75 * oracle.independent_bits(digits.train, digits.test)
    fitted.save(tmp_path / "a")
    np.testing.assert_array_equal(RBM.load(tmp_path / "a").encode(digits.test), fitted.encode(digits.test))


def test_reals_are_learned_better_than_one_gaussian():
    rng = np.random.default_rng(0)
    x = rng.choice([-2.0, 2.0], (400, 1)) * np.array([[1.0, -1.0]]) + rng.normal(size=(400, 2))
    rule = OptimiserConfig(learning_rate=0.02)
    fitted = RBM(RBMConfig(hidden_size=4, visible="reals", k=5)).fit(
        x, trainer=TrainerConfig(epochs=60, batch_size=50, optimiser=rule)
    )
    found = fitted.log_prob(x)
    assert found.kind == "exact"
    independent = -0.5 * (np.log(2 * np.pi * x.var(0)) + 1).sum()
    assert found.mean().value > independent + 0.3
    with pytest.raises(ConfigError, match="rbm: a model of reals has no bits to sample"):
        fitted.fit(x, dynamic=True)
    with pytest.raises(DataError, match="rbm: rows must hold finite numbers, got inf in row 0, column 1"):
        fitted.log_prob(np.array([[0, np.inf]]))


def test_a_stack_passes_features_up(digits):
    trainer = TrainerConfig(epochs=1, batch_size=100, optimiser=OptimiserConfig(kind="sgd", learning_rate=0.1))
    stack = stack_rbms(digits.train, [20, 10], trainer=trainer)
    assert [tuple(one.net.w.shape) for one in stack] == [(64, 20), (20, 10)]
    first = stack[0].encode(digits.test)
    w, c = (getattr(stack[0].net, name).detach().cpu().numpy() for name in "wc")
    assert first[3, 7] == pytest.approx(oracle.sigmoid(c[7] + digits.test[3] @ w[:, 7]), rel=1e-5)
    assert stack[1].encode(first).shape == (250, 10)


def test_the_reconstruction_is_one_pass_of_means():
    x = load_rows("digits").cut(100, 30, 20)
    found = RBM(RBMConfig(hidden_size=3)).fit(x.train, trainer=TrainerConfig(epochs=2, batch_size=50))
    w, b, c = (getattr(found.net, name).detach().cpu().numpy() for name in "wbc")
    hidden = 1 / (1 + np.exp(-(x.test @ w + c)))
    np.testing.assert_allclose(found.reconstruct(x.test), 1 / (1 + np.exp(-(hidden @ w.T + b))), rtol=1e-5)
    np.testing.assert_allclose(found.encode(x.test), hidden, rtol=1e-5)
