"""Tests of irkit.generative.vae and irkit.generative.coders."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from irkit.errors import AbilityError, ConfigError
from irkit.generative.coders import Encoder, RecurrentDecoder
from irkit.generative.vae import VAE, VAEConfig
from irkit.io.kinds import Spec
from irkit.learn.figures import latent_grid
from irkit.learn.objectives import KLSchedule
from irkit.learn.phases import Now
from tests.oracles import density as oracle

SHAPE = (2, 3)


def model(size: int = 6, seed: int = 0, scale: float = 1.0, **config) -> VAE:
    torch.manual_seed(seed)
    found = VAE(VAEConfig(hidden_size=5, **config))
    found.net = found.build(Spec("rows", (size,))).double()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_(0, scale)
        for parameter in found.net.encoder.parameters():
            parameter *= 0.2  # a posterior near the prior, so that importance weights are tame
    return found


class PCA(nn.Module):
    """Encoder and decoder of a linear-Gaussian model with orthogonal loadings, whose posterior is known."""

    def __init__(self, seed: int = 0, variance: float = 0.3):
        super().__init__()
        rng = np.random.default_rng(seed)
        basis, _ = np.linalg.qr(rng.normal(size=(5, 2)))
        self.loadings = torch.from_numpy(basis * [1.5, 0.7])  # (D, Z)
        self.centre = torch.from_numpy(rng.normal(size=5))
        self.variance = variance
        self.shift = 0.0
        self.out = nn.Linear(2, 5).double()

    def decoder(self, z, x):
        return z @ self.loadings.T + self.centre

    def encoder(self, x):
        precision = (self.loadings**2).sum(0) / self.variance + 1
        mean = (x - self.centre) @ self.loadings / self.variance / precision
        return mean + self.shift, -torch.log(precision).expand_as(mean)

    def log_prob(self, x):
        covariance = self.loadings @ self.loadings.T + self.variance * torch.eye(5, dtype=torch.float64)
        return torch.distributions.MultivariateNormal(self.centre, covariance).log_prob(x).numpy()


def pca_model() -> tuple[VAE, PCA, torch.Tensor]:
    pca = PCA()
    found = VAE(VAEConfig(hidden_size=2, observed="reals"))
    found.net = found.build(Spec("rows", (5,))).double()
    del found.net.encoder, found.net.decoder
    found.net.encoder, found.net.decoder = pca.encoder, pca.decoder
    with torch.no_grad():
        found.net.log_var.fill_(math.log(pca.variance))
    return found, pca, torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


# ------------------------------------------------------------------------------------------------ exact


def test_at_the_true_posterior_every_weight_is_the_likelihood():
    found, pca, x = pca_model()
    with torch.no_grad():
        log_w = found.net.log_weights(x, 4, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(log_w, np.tile(pca.log_prob(x), (4, 1)), atol=1e-9)
    estimate = found.log_prob(x, samples=6)
    assert estimate.kind == "lower_bound"
    np.testing.assert_allclose(estimate.value, pca.log_prob(x), atol=1e-9)
    assert estimate.stderr.max() < 1e-9
    assert estimate.ess == pytest.approx(1)


def test_the_elbo_is_below_by_the_kl_to_the_posterior():
    found, pca, x = pca_model()
    x = x[:1].expand(40_000, 5)
    pca.shift = 0.2
    with torch.no_grad():
        elbo = found.net.score(x, torch.Generator().manual_seed(0))
    precision = ((pca.loadings**2).sum(0) / pca.variance + 1).numpy()
    gap = 0.5 * (0.2**2 * precision).sum()
    assert abs(float(elbo.mean()) - (pca.log_prob(x[:1])[0] - gap)) < 4 * float(elbo.std()) / 200


def test_quadrature_is_exact_for_a_gaussian():
    found, pca, x = pca_model()
    estimate = found.quadrature(x)
    np.testing.assert_allclose(estimate.value, pca.log_prob(x), atol=1e-8)
    assert estimate.stderr.max() < 1e-6
    coarse = found.quadrature(x, points=12)
    assert (np.abs(coarse.value - pca.log_prob(x)) <= 3 * coarse.stderr + 1e-9).all()
    assert coarse.stderr.max() > 1e-3


@pytest.mark.parametrize("decoder", ["mlp", "gru"])
@pytest.mark.parametrize("latent", [1, 2])
def test_all_configurations_sum_to_one_by_quadrature(latent, decoder):
    found = model(latent_size=latent, decoder=decoder, shape=SHAPE)
    assert oracle.total(found.quadrature(oracle.bits(6), points=100).value) == pytest.approx(1, abs=1e-6)


def test_the_bounds_rise_to_the_quadrature():
    found = model(latent_size=2, scale=0.8)
    x = oracle.bits(6)[::3]
    truth = found.quadrature(x).value
    means, errors = [], []
    for samples in (1, 4, 40):
        many = [found.log_prob(x, samples=samples, seed=seed).value for seed in range(20)]
        means.append(np.mean(many))
        errors.append(np.std(np.mean(many, axis=1)) / math.sqrt(20))
    assert means == sorted(means)
    assert all(mean <= truth.mean() + 4 * error for mean, error in zip(means, errors, strict=True))
    assert means[-1] == pytest.approx(truth.mean(), abs=0.03)
    with torch.no_grad():
        rows = torch.from_numpy(x).repeat(400, 1)
        elbo = found.net.score(rows, torch.Generator().manual_seed(1))
    assert float(elbo.mean()) == pytest.approx(means[0], abs=0.1)


def test_the_stated_error_covers_the_truth():
    found = model(latent_size=2, scale=0.8)
    x = oracle.bits(6)[::5]
    estimate = found.log_prob(x, samples=20_000)
    assert (np.abs(estimate.value - found.quadrature(x).value) < 4.5 * estimate.stderr).all()
    assert 0 < estimate.ess < 1


def test_the_loss_is_minus_the_elbo_with_its_weight_and_floor():
    x = torch.from_numpy(oracle.bits(6)[::7])
    for config, weight, floor in (
        ({}, 1.0, 0.0),
        ({"kl": KLSchedule(shape="linear", over=0.5)}, 0.5, 0.0),
        ({"free_bits": 100.0}, 1.0, 100.0),
    ):
        found = model(latent_size=2, **config)
        loss = found.net.loss(x, Now(5, 0, 0.25, torch.Generator().manual_seed(2)))
        bound = found.net.bound(x, torch.Generator().manual_seed(2))
        kl = 2 * floor if floor else bound.kl.sum(1).mean().item()
        assert loss.total.item() == pytest.approx(-bound.reconstruction.mean().item() + weight * kl, rel=1e-12)
        assert loss.parts["kl"].item() == pytest.approx(bound.kl.sum(1).mean().item())


# ------------------------------------------------------------------------------------------------ networks


@pytest.mark.parametrize("kind", ["mlp", "lstm", "gru", "conv"])
def test_every_pixel_reaches_the_posterior_and_rows_do_not_mix(kind):
    torch.manual_seed(0)
    encoder = Encoder(kind, 24, (4, 6), 7, 2).double()
    x = torch.randn(3, 24, dtype=torch.float64, requires_grad=True)
    mean, log_var = encoder(x)
    assert mean.shape == log_var.shape == (3, 2)
    (gradient,) = torch.autograd.grad(mean[1].sum() + log_var[1].sum(), x)
    assert (gradient[1] != 0).all()
    assert (gradient[[0, 2]] == 0).all()


@pytest.mark.parametrize(("kind", "cell"), [("lstm", nn.LSTMCell), ("gru", nn.GRUCell)])
def test_a_recurrent_encoder_reads_rows_and_keeps_its_last_state(kind, cell):
    torch.manual_seed(0)
    encoder = Encoder(kind, 12, (3, 4), 5, 2)
    one = cell(4, 5)
    one.load_state_dict({name.removesuffix("_l0"): value for name, value in encoder.body.state_dict().items()})
    x = torch.randn(2, 12)
    state = None
    for t in range(3):
        state = one(x[:, 4 * t : 4 * t + 4], state)
    h = state[0] if kind == "lstm" else state
    torch.testing.assert_close(encoder(x)[0], encoder.mean(h))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_recurrent_decoder_sees_the_rows_above_and_nothing_else(kind):
    torch.manual_seed(0)
    decoder = RecurrentDecoder(kind, 12, (4, 3), 5, 2).double()
    z, x = torch.randn(2, 2, dtype=torch.float64), torch.randn(2, 12, dtype=torch.float64)
    for row in range(4):
        poisoned = x.clone()
        poisoned[:, 3 * row : 3 * row + 3] = torch.nan
        touched = decoder(z, poisoned).isnan().any(0)
        assert not touched[: 3 * row + 3].any()
        assert touched[3 * row + 3 :].all()
    assert not torch.equal(decoder(z, x)[:, :3], decoder(z + 1, x)[:, :3])


@pytest.mark.parametrize("decoder", ["mlp", "lstm"])
def test_samples_have_the_probabilities_and_need_no_encoder(decoder):
    found = model(4, latent_size=1, decoder=decoder, shape=(2, 2))
    samples = found.sample(20_000, seed=5)
    assert oracle.chi_square(samples, np.exp(found.quadrature(oracle.bits(4)).value)) > 1e-3
    with torch.no_grad():
        for parameter in found.net.encoder.parameters():
            parameter.fill_(torch.nan)
    np.testing.assert_array_equal(found.sample(20_000, seed=5), samples)


def test_samples_of_reals_have_the_models_moments():
    found, pca, _ = pca_model()
    found.net.decoder = _Callable(pca)
    samples = found.sample(100_000, seed=1)
    covariance = (pca.loadings @ pca.loadings.T + pca.variance * torch.eye(5)).numpy()
    np.testing.assert_allclose(np.cov(samples.T), covariance, atol=0.05)
    np.testing.assert_allclose(samples.mean(0), pca.centre, atol=0.03)


class _Callable:
    def __init__(self, pca: PCA):
        self.pca, self.out = pca, pca.out

    def __call__(self, z, x):
        return self.pca.decoder(z, x)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"encoder": "conv"}, "a conv network reads pictures; set shape to their rows and columns"),
        ({"encoder": "gru", "shape": (2, 4)}, "shape 2 x 4 does not make the 6 values of a row"),
        ({"encoder": "conv", "shape": (-2, -3)}, "shape -2 x -3 does not make the 6 values of a row"),
        ({"decoder": "lstm"}, "a lstm network reads pictures"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(config, message):
    with pytest.raises(ConfigError, match=message):
        VAE(VAEConfig(**config)).build(Spec("rows", (6,)))


def test_what_needs_few_latent_dimensions_says_so():
    with pytest.raises(ConfigError, match="quadrature is for 1 or 2 latent dimensions, got 3; use log_prob"):
        model(latent_size=3).quadrature(oracle.bits(6))
    recurrent = model(latent_size=2, encoder="gru", decoder="lstm", shape=SHAPE)
    with pytest.raises(AbilityError, match="vae: does not decode; choose another model for that, it can give log-prob"):
        recurrent.decode(np.zeros((1, 2)))


# ------------------------------------------------------------------------------------------------ pictures


def test_the_representation_is_the_posterior_mean_and_a_reconstruction_its_decoding():
    found, x = model(latent_size=3), torch.from_numpy(oracle.bits(6)[::7])
    mean, _ = found.net.encoder(x)
    np.testing.assert_allclose(found.encode(x), mean.detach(), rtol=1e-6)
    np.testing.assert_allclose(found.reconstruct(x), torch.sigmoid(found.net.decoder(mean, x)).detach(), rtol=1e-6)
    recurrent = model(latent_size=2, encoder="gru", decoder="lstm", shape=SHAPE)
    given = torch.sigmoid(recurrent.net.decoder(recurrent.net.encoder(x)[0], x))  # each row of pixels after those above
    np.testing.assert_allclose(recurrent.reconstruct(x), given.detach(), rtol=1e-6)
    reals = model(observed="reals")
    np.testing.assert_allclose(reals.reconstruct(x), reals.net.decoder(reals.net.encoder(x)[0], x).detach(), rtol=1e-5)


def test_the_grid_is_decoded_at_gaussian_quantiles():
    found = model(latent_size=2)
    pictures = latent_grid(found, 3)
    assert pictures.shape == (9, 6)
    q = 0.9674215661017014  # the normal quantile of 5/6
    z = torch.tensor([[-q, q], [q, -q]], dtype=torch.float64)
    with torch.no_grad():
        corners = torch.sigmoid(found.net.decoder(z, z)).numpy()
    np.testing.assert_allclose(pictures[[0, 8]], corners, rtol=1e-5)


def test_units_that_say_nothing_are_not_active():
    found = model(latent_size=3)
    with torch.no_grad():
        found.net.encoder.mean.weight *= 10
        found.net.encoder.mean.weight[1] = 0
    report = {name: one.estimate.value for name, one in found.measures(oracle.bits(6)).items()}
    assert report["active_units"] == 2
    assert report["elbo"] == pytest.approx(report["reconstruction"] - report["kl"])
    assert "knn_5_accuracy" not in report
