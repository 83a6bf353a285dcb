"""Tests of irkit.generative.avb."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from irkit.errors import ConfigError, DataError
from irkit.generative.avb import AVB, AVBConfig
from irkit.generative.implicit import Gaussian
from irkit.io import load_data
from irkit.io.kinds import Spec
from irkit.io.made.four_points import four_points, loadings
from irkit.learn.batches import Rows
from irkit.learn.distributions import gaussian_kl, gaussian_log_prob
from irkit.learn.judges.posterior import Posterior
from irkit.learn.latent import standard_normal
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Now
from irkit.learn.trainer import TrainerConfig, train
from irkit.recipe import load_training
from tests.oracles import density as oracle

SMALL = {"hidden_size": 5, "basis": 3, "basis_size": 4, "noise_size": 2, "moment_draws": 50, "adversary_size": 6}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def model(size: int = 6, seed: int = 0, scale: float = 0.7, **config) -> AVB:
    torch.manual_seed(seed)
    found = AVB(AVBConfig(**{**SMALL, "latent_size": 2, **config}))
    found.spec = Spec("rows", (size,))
    found.net = found.build(found.spec).double()
    with torch.no_grad():
        for part in (found.net.decoder, found.net.adversary):
            for parameter in part.parameters():
                parameter.normal_(0, scale)
    return found


class GaussianEncoder(nn.Module):
    """q = N(mean(x), exp(log_var(x))), whose contrast is itself; noise is given or drawn."""

    def __init__(self, size: int, latent: int, noise: torch.Tensor | None = None) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.mean, self.log_var = nn.Linear(size, latent).double(), nn.Linear(size, latent).double()
        self.noise = noise

    def read(self, x):
        return self.mean(x), self.log_var(x)

    def draw(self, read, rng):
        noise = torch.empty_like(read[0]).normal_(generator=rng) if self.noise is None else self.noise
        return read[0] + torch.exp(0.5 * read[1]) * noise

    def moments(self, read):
        return Gaussian(*(one.detach() for one in read))


class Analytic(nn.Module):
    """T* = log q - log r of Gaussians, as a function of x and standardised z, its parameters held fixed."""

    def __init__(self, encoder: GaussianEncoder, contrast: str) -> None:
        super().__init__()
        self.asked = encoder.moments, encoder.read, contrast

    def forward(self, x, *z):
        moments, read, contrast = self.asked
        q = moments(read(x))
        if contrast == "adaptive":  # r is q, standardised z are N(0, I) under both
            return [torch.zeros(len(x)).double() for _ in z]
        return [gaussian_log_prob(one, *q) - standard_normal(one) for one in z]


def gaussian_net(contrast: str, noise: torch.Tensor | None = None, size: int = 6):
    net = model(size, contrast=contrast).net
    net.encoder = GaussianEncoder(size, 2, noise)
    net.adversary = Analytic(net.encoder, contrast)
    return net


def by_grid(net, x: torch.Tensor, reach: float = 6.0, points: int = 121) -> np.ndarray:
    """log p(x) for two latent dimensions, by the trapezoid rule."""
    axis = torch.linspace(-reach, reach, points, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        joint = torch.stack([net.likelihood(one.expand(len(z), -1), z) + standard_normal(z) for one in x])
    return (joint.logsumexp(1) + 2 * math.log(2 * reach / (points - 1))).numpy()


# ------------------------------------------------------------------------------------------------ the adversary


def test_trained_alone_the_adversary_finds_the_ratio_of_two_gaussians():
    torch.manual_seed(0)
    found = model(1, contrast="plain", latent_size=1, adversary_size=32)
    net = found.net.float()
    net.adversary = type(net.adversary)(1, 1, 32)
    encoder = GaussianEncoder(1, 1).float()
    with torch.no_grad():
        for layer, values in ((encoder.mean, (0.8, -0.4)), (encoder.log_var, (-1.0, 0.5))):
            layer.weight.fill_(values[0])
            layer.bias.fill_(values[1])
    net.encoder = encoder
    x = torch.tensor([[0.0], [1.0]])
    rule = OptimiserConfig(learning_rate=0.01, schedule="linear")
    config = TrainerConfig(epochs=None, steps=500, batch_size=1000, threads=1, optimiser=rule)
    train(net, net.phases()[:1], Rows(x.repeat(500, 1), 1000, seed=1), config)
    for one in x:
        q = encoder.moments(encoder.read(one[None]))
        z = q.mean + torch.exp(0.5 * q.log_var) * torch.linspace(-2, 2, 41)[:, None]
        with torch.no_grad():
            (t,) = net.adversary(one.expand(41, 1), z)
        truth = gaussian_log_prob(z, *q) - standard_normal(z)
        assert float(truth.max() - truth.min()) > 1
        assert float((t - truth).abs().max()) < 0.15


def test_at_the_ratio_the_adversary_cannot_do_better():
    net, x = gaussian_net("plain"), torch.from_numpy(oracle.bits(6)[::9])
    read = net.encoder.read(x.repeat(4000, 1))
    with torch.no_grad():
        z = net.encoder.draw(read, rng(1))
        noise = torch.empty_like(z).normal_(generator=rng(2))
        of_q, of_r = net.adversary(x.repeat(4000, 1), z, noise)
    for direction in (torch.ones_like, lambda t: t, torch.square):  # dL/dT along each, of the cross-entropy
        slope = torch.cat([-torch.sigmoid(-of_q) * direction(of_q), torch.sigmoid(of_r) * direction(of_r)])
        assert abs(float(slope.mean())) < 4 * float(slope.std()) / math.sqrt(len(slope))


def test_the_gradient_of_the_best_adversary_in_the_parameters_of_q_is_0_on_average():
    n = 1_000_000
    mean = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    log_var = torch.tensor([-0.9], dtype=torch.float64, requires_grad=True)
    z = (mean + torch.exp(0.5 * log_var) * torch.randn(n, 1, dtype=torch.float64, generator=rng(4))).detach()
    each_mean, each_log_var = mean.expand(n, 1), log_var.expand(n, 1)
    t = gaussian_log_prob(z, each_mean, each_log_var) - standard_normal(z)
    for one in torch.autograd.grad(t.sum(), [each_mean, each_log_var]):  # of each draw
        assert float(one.std()) > 0.1
        assert abs(float(one.mean())) < 4 * float(one.std()) / math.sqrt(n)


def test_where_q_is_its_own_contrast_there_is_nothing_to_learn():
    net = model(contrast="adaptive", moment_draws=20_000).net
    with torch.no_grad():  # functions of noise that are linear, so that q is Gaussian
        net.encoder.functions = lambda noise: noise
    torch.nn.init.zeros_(net.adversary.out.weight)
    torch.nn.init.zeros_(net.adversary.out.bias)
    x = torch.from_numpy(oracle.bits(6)[5:7]).repeat(10_000, 1)
    now = Now(0, 0, 0.0, rng(3))
    loss = net.adversary_loss(x, now).total
    assert loss.item() == pytest.approx(math.log(2), abs=1e-12)
    with torch.no_grad():
        read = net.encoder.read(x)
        z = net.encoder.moments(read).standardised(net.encoder.draw(read, rng(4)))
        parts = net.parts(x, rng(4))
    np.testing.assert_allclose(z.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=0.05)
    moments = net.encoder.moments(read)
    exact = gaussian_kl(*moments).sum(1)
    error = float((parts.kl - exact).std()) / math.sqrt(len(x))
    assert float((parts.kl - exact).mean()) == pytest.approx(0, abs=5 * error + 0.05)
    found = []
    for seed in (5, 6):  # the slope of each draw of the noise is chance
        (slope,) = torch.autograd.grad(
            net.adversary_loss(x, Now(0, 0, 0.0, rng(seed))).total, [net.adversary.out.weight]
        )
        found.append(slope.abs().max())
    assert max(found) < 0.05


# ------------------------------------------------------------------------------------------------ the primal


@pytest.mark.parametrize("contrast", ["plain", "adaptive"])
def test_with_the_best_adversary_the_gradient_is_that_of_a_variational_autoencoder(contrast):
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 2)  # mean 0 and variance 1
    rows = torch.from_numpy(oracle.bits(6)[3:60:8])
    x, noise = rows.repeat_interleave(4, 0), signs.repeat(len(rows), 1)
    net = gaussian_net(contrast, noise)
    ours = torch.autograd.grad(net.primal_loss(x, Now(0, 0, 0.0, rng())).total, net.phases()[1].parameters)
    mean, log_var = net.encoder.read(x)
    z = mean + torch.exp(0.5 * log_var) * noise
    elbo = net.likelihood(x, z) - gaussian_kl(mean, log_var).sum(1)
    theirs = torch.autograd.grad(-elbo.mean(), net.phases()[1].parameters)
    assert len(ours) == 8
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("contrast", ["plain", "adaptive"])
def test_the_parts_are_those_of_the_formula(contrast):
    net, x = model(contrast=contrast).net, torch.from_numpy(oracle.bits(6)[::7])
    with torch.no_grad():
        read = net.encoder.read(x)
        z, q = net.encoder.draw(read, rng(2)), net.encoder.moments(read)
        found = net.parts(x, rng(2))
        if contrast == "plain":
            kl = net.adversary(x, z)[0]
        else:
            sigma = torch.exp(0.5 * q.log_var)
            log_r = torch.distributions.Normal(q.mean, sigma).log_prob(z).sum(1)
            log_p = torch.distributions.Normal(0, 1).log_prob(z).sum(1)
            kl = net.adversary(x, (z - q.mean) / sigma)[0] + log_r - log_p
        logits = net.decoder(z, x)
    np.testing.assert_allclose(found.kl, kl, rtol=1e-10)
    log_p = [oracle.bernoulli_log_prob(one, its) for one, its in zip(x.numpy(), logits.numpy(), strict=True)]
    np.testing.assert_allclose(found.reconstruction, log_p, rtol=1e-10)


@pytest.mark.parametrize("encoder", ["basis", "black-box"])
def test_each_phase_moves_its_own_parameters_and_the_gradient_goes_through_the_adversary(encoder):
    net, x = model(encoder=encoder, adversary_updates=3).net, torch.from_numpy(oracle.bits(6)[::7])
    adversary, primal = net.phases()
    assert (adversary.name, adversary.repeats, primal.name, primal.repeats) == ("adversary", 3, "primal", 1)
    every = {name for name, _ in net.named_parameters()}
    named = {id(one): name for name, one in net.named_parameters()}
    theirs, ours = ({named[id(one)] for one in phase.parameters} for phase in (adversary, primal))
    assert theirs | ours == every
    assert not theirs & ours
    assert {name.partition(".")[0] for name in theirs} == {"adversary"}
    before = torch.autograd.grad(net.parts(x, rng(1)).kl.sum(), net.encoder.parameters())
    nn.init.zeros_(net.adversary.out.weight)
    without = torch.autograd.grad(net.parts(x, rng(1)).kl.sum(), net.encoder.parameters())
    assert any(not torch.allclose(one, other) for one, other in zip(before, without, strict=True))
    assert adversary.loss(x, Now(0, 0, 0.0, rng(1))).total.requires_grad
    of_encoder = torch.autograd.grad(
        adversary.loss(x, Now(0, 0, 0.0, rng(1))).total, list(net.encoder.parameters()), allow_unused=True
    )
    assert all(one is None for one in of_encoder)


# ------------------------------------------------------------------------------------------------ the likelihood


@pytest.mark.parametrize("config", [{"widen": 1.3}, {"encoder": "black-box", "widen": 1.5}, {"contrast": "plain"}])
def test_weights_have_the_likelihood_as_their_mean_and_the_bound_lies_below(config):
    found = model(scale=0.5, hidden_size=20, **config)
    x = torch.from_numpy(oracle.bits(6))
    truth = by_grid(found.net, x)
    assert oracle.total(truth) == pytest.approx(1, abs=1e-6)
    x, truth = x[::5], truth[::5]
    estimate = found.log_prob(x, samples=5000)
    assert estimate.kind == "lower_bound"
    assert (np.abs(estimate.value - truth) < 5 * estimate.stderr + 1e-3).all()

    def over(values):
        """The mean over repeats and rows, and four standard errors of it."""
        return values.mean(), 4 * values.mean(1).std() / math.sqrt(len(values))

    one, error = over(np.array([found.log_prob(x, samples=1, seed=seed).value for seed in range(150)]))
    assert one < truth.mean() - error
    with torch.no_grad():
        ten, wrong = over(torch.stack([found.net.score(x, rng(seed)) for seed in range(150)]).numpy())
    assert one + error < ten < truth.mean() + wrong


def test_the_proposal_is_the_gaussian_of_the_moments_as_wide_as_asked():
    wide, plain = model(widen=2.0).net, model().net
    x = torch.from_numpy(oracle.bits(6)[::9])
    with torch.no_grad():
        mean, log_var = plain.encoder.moments(plain.encoder.read(x))
        noise = torch.empty_like(mean).normal_(generator=rng(8))
        for net, factor in ((plain, 1.0), (wide, 2.0)):
            sigma = factor * torch.exp(0.5 * log_var)
            z = mean + sigma * noise
            log_r = torch.distributions.Normal(mean, sigma).log_prob(z).sum(1)
            expected = net.likelihood(x, z) + standard_normal(z) - log_r
            np.testing.assert_allclose(net.log_weights(x, 1, rng(8))[0], expected, rtol=1e-10)


def test_what_training_maximises_is_an_estimate_and_never_called_a_bound():
    found = model()
    x = oracle.bits(6)[::7].astype(np.float64)
    with torch.no_grad():  # an adversary that is wrong, so that the value is above every log-likelihood
        found.net.adversary.out.bias.fill_(-100.0)
    values = found.values(x, samples=10)
    assert {name: one.kind for name, one in values.items()} == {"log p": "lower_bound", "training estimate": "estimate"}
    assert (values["training estimate"].value > 0).all()
    assert (values["log p"].value < 0).all()
    measures = found.measures(x, samples=10)
    assert [*measures] == ["log p", "training estimate", "reconstruction", "kl"]
    assert measures["log p"].estimate.kind == "lower_bound"
    assert {measures[name].estimate.kind for name in [*measures][1:]} == {"estimate"}
    assert measures["training estimate"].estimate.value == pytest.approx(values["training estimate"].value.mean())
    assert found.score(x).kind == "lower_bound"
    assert found.score(x).value < 0


# ------------------------------------------------------------------------------------------------ use


def test_what_it_draws_is_as_frequent_as_the_likelihood_says():
    found = model(4)
    truth = by_grid(found.net, torch.from_numpy(oracle.bits(4)))
    assert oracle.chi_square(found.sample(20_000, seed=5), np.exp(truth)) > 1e-4
    before = found.sample(20, seed=4)
    with torch.no_grad():
        for parameter in [*found.net.encoder.parameters(), *found.net.adversary.parameters()]:
            parameter.fill_(torch.nan)
    np.testing.assert_array_equal(found.sample(20, seed=4), before)


def test_one_hot_rows_have_a_softmax():
    found = model(3, observed="one-hot")
    truth = by_grid(found.net, torch.eye(3, dtype=torch.float64))
    assert np.exp(truth).sum() == pytest.approx(1, abs=1e-6)
    samples = found.sample(20_000, seed=2)
    assert (samples.sum(1) == 1).all()
    np.testing.assert_allclose(samples.mean(0), np.exp(truth), atol=0.02)
    np.testing.assert_allclose(found.decode(np.zeros((2, 2))).sum(1), 1, rtol=1e-6)
    with pytest.raises(DataError, match="avb: rows must hold a single 1, got a sum of 2 in row 1; set observed to b"):
        found.log_prob(np.array([[1.0, 0, 0], [1.0, 1, 0]]))


def test_vectors_are_the_means_of_q_and_reconstructions_their_decoding():
    found, x = model(), torch.from_numpy(oracle.bits(6)[::7])
    q = found.net.encoder.moments(found.net.encoder.read(x))
    np.testing.assert_allclose(found.encode(x), q.mean, rtol=1e-6)
    logits = found.net.decoder(q.mean, x)
    np.testing.assert_allclose(found.reconstruct(x), torch.sigmoid(logits).detach(), rtol=1e-6)
    with torch.no_grad():
        z = found.net.infer(x, 500, rng(1))
    assert z.shape == (500, len(x), 2)
    spread = torch.exp(0.5 * q.log_var)
    assert ((z.mean(0) - q.mean).abs() < spread).all()


@pytest.mark.parametrize(
    ("given", "got"),
    [(((1.0, 2.0),) * 3, "3 of 2"), (((1.0,),) * 6, "6 of 1"), (((1.0, 2.0), (1.0,)) * 3, "6 of 1 and 2")],
)
def test_loadings_of_another_shape_are_refused(given, got):
    with pytest.raises(ConfigError, match=f"avb: loadings must be 6 rows of 2 numbers, got {got}; correct them"):
        AVB(latent_size=2, loadings=given).build(Spec("rows", (6,)))


# ------------------------------------------------------------------------------------------------ learning

GIVEN = {"latent_size": 2, "observed": "one-hot", "loadings": tuple(map(tuple, loadings().tolist()))}


def test_the_likelihood_of_four_points_is_a_quarter_each():
    found = AVB(**{**SMALL, **GIVEN})
    net = found.build(four_points().spec).double()
    np.testing.assert_allclose(by_grid(net, torch.eye(4, dtype=torch.float64)), math.log(0.25), atol=1e-6)
    assert not list(net.decoder.parameters())


def test_it_comes_near_the_posteriors_of_four_points():
    data = four_points()
    trainer = TrainerConfig(
        epochs=None,
        steps=150,
        every=150,
        batch_size=128,
        threads=1,
        optimiser=OptimiserConfig(learning_rate=4e-3, betas=(0.5, 0.999), schedule="linear"),
    )
    model = AVB(hidden_size=32, basis=4, basis_size=32, noise_size=4, adversary_size=32, **GIVEN)
    judge = Posterior(data)
    before = judge.values(model.untrained(data, trainer=trainer), seed=1)
    after = judge.values(model.fit(data, trainer=trainer), seed=1)
    assert before["histogram kl"].mean() > 0.5
    assert after["histogram kl"].mean() < 0.3
    assert after["mean error"].max() < 0.2


@pytest.mark.slow
def test_the_recipe_finds_the_posteriors_of_four_points():
    recipe = load_training("avb-toy")
    data = recipe.load_data()
    found = recipe.fit(data)
    values = Posterior(data).values(found, seed=1)
    assert values["mean error"].max() < 0.15
    assert values["variance error"].max() < 0.15
    assert values["histogram kl"].max() < 0.1
    bound = found.log_prob(data.test, samples=20_000)
    assert (np.abs(bound.value - math.log(0.25)) < 5 * bound.stderr).all()


def test_it_learns_digits():
    data = load_data("digits")
    trainer = TrainerConfig(
        epochs=5, batch_size=25, threads=1, optimiser=OptimiserConfig(learning_rate=5e-3, betas=(0.5, 0.999))
    )
    found = AVB(latent_size=4, hidden_size=48, basis_size=16, noise_size=8, adversary_size=32).fit(
        data, trainer=trainer
    )
    figures = found.measures(data.part("test"), samples=20)
    independent = found.baselines(data.part("train"), data.part("test"))["log p"]["independent bits"]
    assert float(figures["log p"].estimate.value) > independent + 2
    assert float(figures["kl"].estimate.value) > 1


def test_one_hot_rows_are_not_drawn_bit_by_bit():
    with pytest.raises(ConfigError, match="avb: of bits drawn one by one not just one is 1; drop dynamic"):
        AVB(latent_size=1, observed="one-hot").fit(np.array([[0.5, 0.5], [1.0, 0.0]]), dynamic=True)
