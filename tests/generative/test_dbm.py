"""Tests of irkit.generative.dbm: everything against enumeration of all (v, h1, h2)."""

import numpy as np
import pytest
import torch

from irkit.generative.dbm import DBM, DBMConfig
from irkit.generative.rbm import ais_log_z
from irkit.io.kinds import Spec
from irkit.learn.phases import Now
from tests.oracles import density as oracle


def model(size: int = 4, hidden: tuple[int, int] = (3, 2), seed: int = 0, **config) -> DBM:
    torch.manual_seed(seed)
    found = DBM(DBMConfig(hidden_sizes=hidden, **config))
    found.net = found.build(Spec("rows", (size,))).double()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_()
    return found


def slow_log_joint(net) -> np.ndarray:
    """Minus the energy of every (v, h1, h2)."""
    w1, w2, b, c1, c2 = (p.detach().numpy() for p in (net.w1, net.w2, net.b, net.c1, net.c2))
    joint = np.zeros((2 ** len(b), 2 ** len(c1), 2 ** len(c2)))
    for i, v in enumerate(oracle.bits(len(b))):
        for j, h1 in enumerate(oracle.bits(len(c1))):
            for k, h2 in enumerate(oracle.bits(len(c2))):
                joint[i, j, k] = v @ w1 @ h1 + h1 @ w2 @ h2 + b @ v + c1 @ h1 + c2 @ h2
    return joint


def test_the_likelihood_is_that_of_enumeration():
    found = model()
    joint = slow_log_joint(found.net)
    log_z = oracle.log_sum(joint)
    assert found.log_z().kind == "exact"
    assert found.log_z().value == pytest.approx(log_z, rel=1e-12)
    slow = [oracle.log_sum(part) - log_z for part in joint]
    estimate = found.log_prob(oracle.bits(4))
    assert estimate.kind == "exact"
    np.testing.assert_allclose(estimate.value, slow, rtol=1e-11)
    assert oracle.total(estimate.value) == pytest.approx(1, abs=1e-12)


def test_the_energy_is_the_formula():
    found = model()
    joint = slow_log_joint(found.net)
    v, h1, h2 = (torch.from_numpy(oracle.bits(n)) for n in (4, 3, 2))
    with torch.no_grad():
        assert found.net.energy(v[[9]], h1[[5]], h2[[2]]).item() == pytest.approx(-joint[9, 5, 2], rel=1e-12)


def test_the_mean_field_is_a_fixed_point_and_its_bound_a_bound():
    found = model(mean_field=200)
    v = torch.from_numpy(oracle.bits(4))
    with torch.no_grad():
        m1, m2 = found.net.mean_field(v)
        np.testing.assert_allclose(m1, torch.sigmoid(found.net.h1_logits(v, m2)), atol=1e-8)
        bound, truth = found.net.log_f_bound(v), found.net.log_f(v)
    assert (bound <= truth + 1e-9).all()
    # The gap is the KL from the mean field to the posterior.
    joint = slow_log_joint(found.net)[7]
    q = np.zeros_like(joint)
    for j, h1 in enumerate(oracle.bits(3)):
        for k, h2 in enumerate(oracle.bits(2)):
            one, two = m1[7].numpy(), m2[7].numpy()
            q[j, k] = np.prod(np.where(h1 == 1, one, 1 - one)) * np.prod(np.where(h2 == 1, two, 1 - two))
    kl = (q * (np.log(q) - joint)).sum() + oracle.log_sum(joint)
    assert (truth - bound)[7].item() == pytest.approx(kl, abs=1e-9)


@torch.no_grad()
def test_the_representation_is_the_mean_field_of_both_layers():
    found, v = model(mean_field=60), oracle.bits(4)
    m1, m2 = (part.numpy() for part in found.net.mean_field(torch.from_numpy(v)))
    w1, w2, c1 = (p.detach().numpy() for p in (found.net.w1, found.net.w2, found.net.c1))
    vectors = found.encode(v)
    np.testing.assert_allclose(vectors, np.concatenate([m1, m2], 1), rtol=1e-6)
    np.testing.assert_allclose(vectors[:, :3], 1 / (1 + np.exp(-(c1 + v @ w1 + vectors[:, 3:] @ w2.T))), atol=1e-3)


def test_the_gradient_is_data_less_chains():
    found = model(chains=6, sweeps=2)
    batch = torch.from_numpy(oracle.bits(4)[[3, 12]])
    net = found.net
    gradient = torch.autograd.grad(
        net.loss(batch, Now(0, 0, 0.0, torch.Generator().manual_seed(0))).total, (net.w1, net.w2)
    )
    with torch.no_grad():
        m1, m2 = net.mean_field(batch)
        v, h2 = net.chains_v, net.chains_h2  # as they are after the loss
        h1 = torch.sigmoid(net.h1_logits(v, h2))
        np.testing.assert_allclose(gradient[0], v.T @ h1 / 6 - batch.T @ m1 / 2, atol=1e-13)
        np.testing.assert_allclose(gradient[1], h1.T @ h2 / 6 - m1.T @ m2 / 2, atol=1e-13)


def test_gibbs_has_the_models_marginals():
    found = model()
    with torch.no_grad():
        samples = found.net.sample(20_000, torch.Generator().manual_seed(1), sweeps=100).numpy()
    assert oracle.chi_square(samples, np.exp(found.log_prob(oracle.bits(4)).value)) > 1e-3


def test_ais_of_the_equivalent_rbm_finds_log_z():
    found = model(8, (7, 5), seed=1)
    with torch.no_grad():
        w, b, c = found.net.as_rbm()
        betas = torch.linspace(0, 1, 500, dtype=torch.float64)
        estimate = ais_log_z(w, b, c, b, torch.Generator().manual_seed(0), chains=300, betas=betas)
    assert abs(estimate.value - found.log_z().value) < 4 * estimate.stderr
    assert estimate.stderr < 0.1
