"""Tests of irkit.generative.statistician and irkit.generative.elements."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal as TorchNormal
from torch.distributions import kl_divergence

from irkit.errors import ConfigError, DataError, ShapeError
from irkit.generative.elements import Norm
from irkit.generative.independent import INDEPENDENT
from irkit.generative.statistician import NeuralStatistician, NeuralStatisticianConfig
from irkit.generative.vae import VAE, VAEConfig
from irkit.io.kinds import DataSet, Ragged, Rows, Sets, Spec
from irkit.io.made.families import families
from irkit.learn.data import Padded
from irkit.learn.latent import Gaussian
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Now
from irkit.learn.trainer import TrainerConfig
from irkit.testing import check_model
from tests.oracles import density as oracle

SMALL = {"context_size": 2, "latent_size": 2, "hidden_size": 5}
SETTINGS = [{"layers": 0}, {"layers": 1}, {"layers": 3}, {"layers": 1, "observed": "bits"}]
PICTURES = {"encoder": "conv", "shape": (2, 3), "observed": "bits"}


def model(size: int = 1, seed: int = 0, scale: float = 0.5, **config) -> NeuralStatistician:
    torch.manual_seed(seed)
    found = NeuralStatistician(NeuralStatisticianConfig(**{**SMALL, **config}))
    found.spec = Spec("sets", (size,), longest=4)
    found.net = found.build(found.spec).double().eval()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_(0, scale)
    return found


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def padded(*sets) -> Padded:
    column = Ragged.of([np.asarray(one, dtype=np.float64) for one in sets])
    return Padded(torch.from_numpy(column.padded()), torch.from_numpy(column.lengths), column.lengths)


def sets(size: int = 1, bits: bool = False, lengths=(3, 1, 4)) -> list[np.ndarray]:
    drawn = [np.random.default_rng(n).normal(size=(n, size)) for n in lengths]
    return [(one > 0).astype(np.float64) for one in drawn] if bits else drawn


class Conjugate(nn.Module):
    """Linear-Gaussian nets set by hand: c ~ N(0, 1), z ~ N(c, t^2) or none at all, x ~ N(z, s^2), sets of n numbers."""

    def __init__(self, n: int, layers: int, t: float = 0.7, s: float = 0.9):
        super().__init__()
        self.n, self.layers, self.t2, self.s2 = n, layers, t * t if layers else 0.0, s * s
        self.shift = 0.0
        found = NeuralStatistician(context_size=1, latent_size=1, layers=layers, hidden_size=1)
        found.spec = Spec("sets", (1,))
        net = found.build(found.spec).double()
        del net.encoder, net.statistic, net.priors, net.posteriors, net.decoder, net.observed
        net.encoder, net.statistic, net.decoder = (lambda x: x), self.statistic, self.decoder
        net.priors, net.posteriors = [self.prior] * layers, [self.posterior] * layers
        net.observed, net.dummy = self, nn.Parameter(torch.zeros(1, dtype=torch.float64))
        self.model, self.net = found, net
        found.net = net

    def statistic(self, v):
        precision = 1 + self.n / (self.t2 + self.s2)
        mean = v * self.n / (self.t2 + self.s2) / precision + self.shift
        return Gaussian(mean, torch.full_like(mean, -math.log(precision)))

    def prior(self, *above_and_c):
        c = above_and_c[-1]
        return Gaussian(c, torch.full_like(c, math.log(self.t2)))

    def posterior(self, x, above, c):
        precision = 1 / self.t2 + 1 / self.s2
        mean = (c / self.t2 + x / self.s2) / precision
        return Gaussian(mean, torch.full_like(mean, -math.log(precision)))

    def decoder(self, z_and_c):
        return z_and_c[:, :1]  # z, or without layers c

    def log_prob(self, x, h):
        return TorchNormal(h, math.sqrt(self.s2)).log_prob(x).sum(1)

    def truth(self, x: np.ndarray) -> float:
        """log p(D): the numbers are Gaussian together, 1 + t^2 + s^2 on the diagonal and 1 beside it."""
        covariance = np.ones((self.n, self.n)) + (self.t2 + self.s2) * np.eye(self.n)
        joint = torch.distributions.MultivariateNormal(torch.zeros(self.n).double(), torch.from_numpy(covariance))
        return float(joint.log_prob(torch.from_numpy(x[:, 0])))


# ------------------------------------------------------------------------------------------------ exact


@pytest.mark.parametrize("layers", [0, 1])
def test_at_the_true_posteriors_every_weight_is_the_likelihood_of_the_set(layers):
    found = Conjugate(5, layers)
    x = sets(lengths=(5,)) + [np.linspace(-1, 2, 5)[:, None]]
    truth = [found.truth(one) for one in x]
    log_w = found.net.log_weights(padded(*x), 3, rng())
    np.testing.assert_allclose(log_w, np.tile(truth, (3, 1)), atol=1e-9)
    estimate = found.model.log_prob(Sets(Ragged.of(x)), samples=3)
    assert (estimate.kind, estimate.ess) == ("lower_bound", pytest.approx(1))
    np.testing.assert_allclose(estimate.value, truth, atol=1e-9)
    mean, variance = found.model.posteriors(Sets(Ragged.of(x)))
    s2 = found.s2 + found.t2  # of a number given c
    np.testing.assert_allclose(mean[:, 0], [one.sum() / (5 + s2) for one in x], rtol=1e-6)
    np.testing.assert_allclose(variance, s2 / (5 + s2), rtol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("layers", [0, 1])
def test_the_bound_is_below_the_likelihood_by_the_kl_to_the_posterior(layers, shift):
    found = Conjugate(4, layers)
    found.shift = shift
    x = sets(lengths=(4,))
    seen = found.net.see(padded(*x))
    # what is averaged over c and z is a polynomial of degree 2, for which three points of Gauss and Hermite are exact
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    elbo = -float(0.5 * (seen.q.mean**2 + seen.q.log_var.exp() - 1 - seen.q.log_var))
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        c = seen.q.mean + (0.5 * seen.q.log_var).exp() * node
        latents = found.net.infer(seen, c, None)
        for other, share in zip(nodes, weights / weights.sum(), strict=True):
            z = latents.q.mean + (0.5 * latents.q.log_var).exp() * other
            elbo += weight * share * float(found.net.likelihood(seen.elements, z, c).sum())
        if layers:
            elbo -= weight * float(kl_divergence(_torch(latents.q), _torch(latents.p)).sum())
    precision = 1 + 4 / (found.t2 + found.s2)
    assert elbo == pytest.approx(found.truth(x[0]) - 0.5 * shift**2 * precision, abs=1e-9)
    each = found.net.score(padded(*x * 5000), rng())
    assert float(each.mean()) == pytest.approx(elbo, abs=4 * float(each.std()) / math.sqrt(5000))


def _torch(normal: Gaussian) -> TorchNormal:
    return TorchNormal(normal.mean, (0.5 * normal.log_var).exp())


def test_a_set_of_one_element_whose_c_says_nothing_is_a_variational_autoencoder():
    found = model(3, layers=1, observed="bits")
    net = found.net
    with torch.no_grad():
        for part in (net.statistic, net.priors[0]):  # both N(0, I)
            for head in (part.mean, part.log_var):
                head.weight.zero_(), head.bias.zero_()
        net.posteriors[0].body[0].weight[:, -2:] = 0  # c is not looked at
        net.decoder[0].weight[:, -2:] = 0
    nothing = torch.zeros(5, 2).double()
    vae = VAE(VAEConfig(latent_size=2, hidden_size=5)).build(Spec("rows", (3,))).double()
    del vae.encoder, vae.decoder
    vae.encoder = lambda x: net.posteriors[0](net.encoder(x), nothing)
    vae.decoder = lambda z, x: net.observed.logits(net.decoder(torch.cat([z, nothing], 1)))
    x = torch.from_numpy(oracle.bits(3)[:5])
    noise = rng(4)
    torch.empty(5, 2, dtype=torch.float64).normal_(generator=noise)  # that of c
    own = net.bound(Padded(x[:, None], torch.ones(5, dtype=torch.int64)), rng(4))
    other = vae.bound(x, noise)
    torch.testing.assert_close(own.reconstruction, other.reconstruction)
    torch.testing.assert_close(own.kl, torch.cat([nothing, other.kl], 1))


def test_each_layer_is_given_those_above_it_and_the_divergences_are_those_of_its_gaussians():
    net = model(2, layers=3).net
    x = sets(2)
    with torch.no_grad():
        bound = net.bound(padded(*x), rng(7))
        noise = rng(7)
        v = torch.stack([net.encoder(torch.from_numpy(one)).mean(0) for one in x])
        q = _torch(net.statistic(v))
        c = q.mean + q.stddev * torch.empty(3, 2, dtype=torch.float64).normal_(generator=noise)
        own = torch.cat([c[[at]].expand(len(one), 2) for at, one in enumerate(x)])
        every = torch.from_numpy(np.concatenate(x))
        h, above, zs, kls = net.encoder(every), every.new_zeros(8, 0), [], []
        for prior, posterior in zip(net.priors, net.posteriors, strict=True):
            p, q_z = _torch(prior(above, own)), _torch(posterior(h, above, own))
            above = q_z.mean + q_z.stddev * torch.empty(8, 2, dtype=torch.float64).normal_(generator=noise)
            zs.append(above)
            kls.append(kl_divergence(q_z, p))
        out = net.decoder(torch.cat([*zs, own], 1))
        log_p = TorchNormal(net.observed.mean(out), (0.5 * net.observed.log_var(out)).exp()).log_prob(every).sum(1)
        kl = torch.cat(kls, 1)
    of = [slice(0, 3), slice(3, 4), slice(4, 8)]
    np.testing.assert_allclose(bound.reconstruction, [log_p[one].sum() for one in of], rtol=1e-10)
    np.testing.assert_allclose(bound.kl[:, :2], kl_divergence(q, TorchNormal(0.0, 1.0)), rtol=1e-10)
    np.testing.assert_allclose(bound.kl[:, 2:], torch.stack([kl[one].sum(0) for one in of]), rtol=1e-10)


def test_sets_of_bits_sum_to_one_and_their_bounds_lie_below():
    found = model(1, layers=1, observed="bits", context_size=1, latent_size=1)
    net, axis = found.net, torch.linspace(-6, 6, 61, dtype=torch.float64)
    with torch.no_grad():
        for parameter in net.decoder.parameters():
            parameter *= 4  # so that c and z matter
        for part in (net.statistic, net.priors, net.posteriors):
            for parameter in part.parameters():
                parameter *= 0.4  # posteriors near the priors, so that weights are tame
    step = 12 / 60
    log_one = []  # log p(x = 1 | c), z by the trapezoid rule
    with torch.no_grad():
        for c in axis[:, None]:
            own, prior = c.expand(61, 1), net.priors[0](c[None])
            z = (prior.mean + (0.5 * prior.log_var).exp() * axis[:, None]).view(-1, 1)
            p = net.observed.mean(net.decode(z, own))[:, 0]
            log_one.append(float((p * torch.exp(-0.5 * axis**2)).sum() * step / math.sqrt(2 * math.pi)))
    p = np.array(log_one)
    prior = np.exp(-0.5 * axis.numpy() ** 2) * step / math.sqrt(2 * math.pi)
    x = oracle.bits(3)
    truth = np.log([(np.where(one == 1, p[:, None], 1 - p[:, None]).prod(1) * prior).sum() for one in x])
    assert oracle.total(truth) == pytest.approx(1, abs=1e-6)
    data = Sets(Ragged.of(list(x[:, :, None])))
    every = [np.array([found.log_prob(data, samples=k, seed=s).value for s in range(20)]) for k in (1, 3, 12)]
    means = [one.mean() for one in every]
    assert means[0] < means[1] < means[2] < truth.mean() + 4 * every[2].mean(1).std() / math.sqrt(20)
    assert means[2] == pytest.approx(truth.mean(), abs=0.05)
    np.testing.assert_allclose(every[2].mean(0), truth, atol=0.2)
    elbo = found.net.score(padded(*np.tile(x, (500, 1))[:, :, None]), rng()).detach()
    error = float(elbo.std()) / math.sqrt(4000) + every[0].mean(1).std() / math.sqrt(20)
    assert float(elbo.mean()) == pytest.approx(means[0], abs=4 * error)
    assert float(elbo.mean()) < truth.mean() - 4 * error


# ------------------------------------------------------------------------------------------------ sets


@pytest.mark.parametrize("settings", [*SETTINGS, PICTURES])
def test_elements_have_no_order(settings):
    size = 6 if "shape" in settings else 2
    net, x = model(size, **settings).net, sets(size, bits=True)
    turned = [one[::-1].copy() for one in x]
    one, other = net.see(padded(*x)), net.see(padded(*turned))
    torch.testing.assert_close(one.q, other.q, rtol=1e-12, atol=1e-12)
    c = one.q.mean
    each = [net.likelihood(seen.elements, net.infer(seen, c, None).z, c) for seen in (one, other)]
    kl = [net.infer(seen, c, None).q.mean for seen in (one, other)]
    back = [2, 1, 0, 3, 7, 6, 5, 4]
    torch.testing.assert_close(each[0], each[1][back], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(kl[0], kl[1][back], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("settings", [*SETTINGS, PICTURES])
@pytest.mark.parametrize("training", [False, True])
def test_padding_reaches_nothing(settings, training):
    size = 6 if "shape" in settings else 2
    net = model(size, **settings).net.train(training)
    given = padded(*sets(size, bits=True))
    wide = torch.full((3, 9, size), torch.nan, dtype=torch.float64)
    wide[:, :4] = torch.where(given.mask[..., None], given.x, torch.nan)
    bounds = [net.bound(one, rng(3)) for one in (given, Padded(wide, given.lengths))]
    torch.testing.assert_close(bounds[0], bounds[1], rtol=0, atol=0)
    assert bool(bounds[0].elbo.isfinite().all())


def test_each_set_by_itself_and_a_set_twice_over_has_the_same_statistic():
    found, x = model(2, layers=2), sets(2)
    every = found.encode(Sets(Ragged.of(x)))
    for at, one in enumerate(x):
        np.testing.assert_allclose(found.encode(Sets(Ragged.of([one, one])))[1], every[at], rtol=1e-6)
        np.testing.assert_allclose(found.encode(Sets(Ragged.of([np.tile(one, (2, 1))])))[0], every[at], rtol=1e-6)


def test_the_likelihood_weighs_as_much_as_is_asked_for_until_it_falls_to_one():
    x = padded(*sets(2))
    for weight, progress, wanted in ((1.0, 0.3, 1.0), (2.0, 0.0, 2.0), (2.0, 0.2, 1.75), (2.0, 0.9, 1.0)):
        net = model(2, likelihood_weight=weight, likelihood_over=0.8).net
        assert net.follows_budget == (weight > 1)
        bound, loss = net.bound(x, rng(2)), net.loss(x, Now(1, 0, progress, rng(2)))
        reconstruction, kl = bound.reconstruction.sum().item() / 8, bound.kl.sum().item() / 8  # of 8 elements
        assert loss.total.item() == pytest.approx(-wanted * reconstruction + kl, rel=1e-12)
        assert loss.parts["kl"].item() == pytest.approx(kl)
        assert loss.parts["kl_context"].item() == pytest.approx(bound.kl[:, :2].sum().item() / 8)


def test_gradients_reach_every_parameter():
    for settings in (*SETTINGS, PICTURES):
        size = 6 if "shape" in settings else 2
        net = model(size, **settings).net.train()
        net.loss(padded(*sets(size, bits=True)), Now(1, 0, 0.0, rng())).total.backward()
        assert all(one.grad is not None and bool((one.grad != 0).any()) for one in net.parameters())


# ------------------------------------------------------------------------------------------------ what it draws


def test_samples_have_the_models_moments_and_need_no_inference():
    found = Conjugate(5, 1)
    found.net.longest = 3
    found.sample = lambda h, rng: h + math.sqrt(found.s2) * torch.randn(h.shape, generator=rng, dtype=h.dtype)
    drawn = np.array(found.model.sample(40_000, seed=2))[:, :, 0]
    covariance = np.ones((3, 3)) + (found.t2 + found.s2) * np.eye(3)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05)
    other = model(2, layers=2)
    before = other.sample(4, seed=3)
    with torch.no_grad():
        for part in (other.net.encoder, other.net.statistic, other.net.posteriors):
            for parameter in part.parameters():
                parameter.fill_(torch.nan)
    np.testing.assert_array_equal(other.sample(4, seed=3), before)
    assert np.shape(before) == (4, 4, 2)


def test_the_output_begins_at_the_training_elements():
    data = families((200, 1, 1), 30).train
    x = torch.from_numpy(data.x.values).double()
    net = model(1, scale=0.0, observed="reals").net
    net.start(data)
    drawn = np.array(NeuralStatistician.sample(_with(net), 5000)).ravel()
    assert drawn.mean() == pytest.approx(float(x.mean()), abs=0.03)
    assert drawn.var() == pytest.approx(float(x.var()), rel=0.03)
    bits = Sets(Ragged.of(sets(3, bits=True)))
    net = model(3, scale=0.0, observed="bits").net
    net.start(bits)
    np.testing.assert_allclose(net.observed.mean(torch.zeros(1, 5).double())[0].detach(), bits.x.values.mean(0))


def _with(net) -> NeuralStatistician:
    found = NeuralStatistician()
    found.net = net
    return found


def test_a_reconstruction_is_the_mean_at_the_posterior_means():
    found, x = model(2, layers=2, observed="bits"), sets(2, bits=True)
    net = found.net
    with torch.no_grad():
        one = torch.from_numpy(x[2])
        c = net.statistic(net.encoder(one).mean(0, keepdim=True)).mean.expand(4, 2)
        top = net.posteriors[0](net.encoder(one), one[:, :0], c).mean
        bottom = net.posteriors[1](net.encoder(one), top, c).mean
        wanted = torch.sigmoid(net.observed.logits(net.decoder(torch.cat([top, bottom, c], 1))))
    made = found.reconstruct(Sets(Ragged.of(x)))
    assert [one.shape for one in made] == [(3, 2), (1, 2), (4, 2)]
    np.testing.assert_allclose(made[2], wanted, rtol=1e-6)


def test_figures_are_of_a_set_and_of_an_element():
    found, data = model(1, observed="bits"), Sets(Ragged.of(sets(1, bits=True)))
    values, figures = found.values(data, samples=2), found.measures(data, samples=2)
    assert list(values) == list(found.quantities) == ["log p", "elbo", "elbo per element"]
    np.testing.assert_allclose(values["elbo per element"].value * [3, 1, 4], values["elbo"].value)
    assert figures["elbo per element"].estimate.value == pytest.approx(values["elbo per element"].mean().value)
    kl_c = found.net.bound(padded(*sets(1, bits=True)), rng(1)).kl[:, :2].sum(1).mean().detach()
    assert figures["kl of c"].estimate.value == pytest.approx(float(kl_c))
    assert 0 < figures["kl of c"].estimate.value < figures["kl"].estimate.value
    ones = data.x.values.sum()
    p = (ones + 1) / 10
    wanted = (ones * math.log(p) + (8 - ones) * math.log(1 - p)) / 3
    assert found.baselines(data, data)["log p"][INDEPENDENT] == pytest.approx(wanted)
    assert model(1).baselines(data, data) == {}


# ------------------------------------------------------------------------------------------------ model


@pytest.mark.parametrize("shape", [None, (2, 2)])
def test_pictures_need_their_shape(shape):
    with pytest.raises(ConfigError, match=r"conv needs the rows and columns of pictures of 6 pixels, got .*; set sh"):
        NeuralStatistician(encoder="conv", shape=shape).build(Spec("sets", (6,)))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"elements must be vectors, got shape \(2, 3\); flatten them"):
        NeuralStatistician().build(Spec("sets", (2, 3)))
    bits = NeuralStatistician(observed="bits")
    with pytest.raises(ShapeError, match=r"neural-statistician: learns from sets, got rows of shape \(3,\)"):
        bits.examples(Rows(np.zeros((2, 3))))
    with pytest.raises(DataError, match=r"a set needs an element or more, got none in set 1; leave it out"):
        bits.examples(Sets(Ragged(np.zeros((3, 2)), np.array([2, 0, 1]))))
    with pytest.raises(DataError, match=r"must hold 0 and 1, got 0.5 in row 1, column 0"):
        bits.examples(Sets(Ragged(np.array([[0.0], [0.5]]), np.array([1, 1]))))
    with pytest.raises(DataError, match=r"must hold finite numbers, got nan in row 0, column 0"):
        NeuralStatistician().examples(Sets(Ragged(np.array([[np.nan]]), np.array([1]))))


def toy(bits: bool) -> DataSet[Sets]:
    rng = np.random.default_rng(0)
    each = [(rng.normal(size=(rng.integers(1, 6), 6)) > 0).astype(np.uint8 if bits else np.float32) for _ in range(40)]
    return DataSet("toy", *(Sets(Ragged.of(part)) for part in (each[:30], each[30:35], each[35:])))


@pytest.mark.parametrize("settings", [{"layers": 2}, PICTURES])
def test_it_keeps_to_the_contract_of_models(settings, tmp_path):
    data = toy("observed" in settings)
    trainer = TrainerConfig(epochs=2, batch_size=10, threads=1)
    whole = check_model(NeuralStatistician(**{**SMALL, **settings}), data, tmp_path, trainer=trainer)
    assert whole.training.best is not None
    assert whole.latent_size == whole.encode(data.test).shape[1] == 2


def test_it_learns_what_tells_sets_apart():
    data = families((400, 50, 100), 50)
    rule = OptimiserConfig(learning_rate=1e-2, schedule="cosine", clip=5)
    trainer = TrainerConfig(epochs=5, batch_size=10, threads=1, optimiser=rule)
    found = NeuralStatistician(context_size=3, latent_size=2, hidden_size=24).fit(data, trainer=trainer)
    means = np.array([one.mean() for one in data.test.x])
    c = np.column_stack([found.encode(data.test), np.ones(100)])
    residual = means - c @ np.linalg.lstsq(c, means, rcond=None)[0]
    assert 1 - residual.var() / means.var() > 0.9
    assert found.measures(data.test, samples=1)["kl of c"].estimate.value > 1


@pytest.mark.parametrize("shape", [(8, 8), (1, 1)])
def test_a_last_batch_of_one_element_is_learned_from_where_maps_are_of_one_value(shape):
    x = (np.random.default_rng(0).random((3, shape[0] * shape[1])) < 0.5).astype(np.float32)
    part = Sets(Ragged(x, np.array([1, 1, 1])))
    found = NeuralStatistician(**{**SMALL, **PICTURES, "shape": shape})
    fitted = found.fit(DataSet("d", part, part.cut(0), part), trainer=TrainerConfig(epochs=1, batch_size=2))
    assert fitted.training.steps == 2
    assert np.isfinite(fitted.encode(part)).all()


def test_maps_of_one_value_are_normalised_by_the_running_means():
    norm = Norm(2).double()
    x = torch.tensor([[3.0, -1.0]]).double().view(1, 2, 1, 1)
    torch.testing.assert_close(norm(x), x / np.sqrt(1 + norm.eps))
    both = torch.cat([x, x + 2])
    torch.testing.assert_close(norm(both), torch.nn.BatchNorm2d(2).double()(both))


def test_no_bits_are_drawn_of_reals():
    part = Sets(Ragged(np.full((2, 1), 0.5), np.array([1, 1])), dynamic=True)
    with pytest.raises(ConfigError, match="neural-statistician: a model of reals has no bits to sample; drop dynamic"):
        NeuralStatistician(**SMALL).fit(DataSet("d", part, part, part))


@pytest.mark.parametrize(("layers", "kind"), [(0, "exact"), (1, "estimate")])
def test_the_kl_of_elements_is_an_estimate(layers, kind):
    found = model(layers=layers).measures(Sets(Ragged(np.zeros((3, 1)), np.array([1, 2]))))
    assert found["kl"].estimate.kind == kind
    assert found["kl of c"].estimate.kind == "exact"
