"""Tests of irkit.generative.draw."""

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError
from irkit.generative.draw import DRAW, DRAWConfig
from irkit.generative.independent import INDEPENDENT
from irkit.io import load_data
from irkit.io.kinds import Spec
from irkit.learn.distributions import bernoulli_log_prob, gaussian_kl
from irkit.learn.latent import standard_normal
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig
from tests.oracles import density as oracle

SPEC = Spec("rows", (6,), picture=(2, 3))
SMALL = {"hidden_size": 4, "read": 2, "write": 2, "stride": 1.0}
SETTINGS = [{"attention": True}, {"attention": False}]


def model(seed: int = 0, scale: float = 0.7, spec: Spec = SPEC, **config) -> DRAW:
    torch.manual_seed(seed)
    found = DRAW(DRAWConfig(**{**SMALL, **config}))
    found.net = found.build(spec).double()
    found.spec = spec
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_(0, scale)
    return found


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def by_grid(net, x: torch.Tensor) -> np.ndarray:
    """log p(x) for two steps of one latent number, by the trapezoid rule over both."""
    axis = torch.linspace(-6, 6, 81, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        logits = net.drawn(z[:, :, None])
        joint = bernoulli_log_prob(x[:, None], logits) + standard_normal(z)
    return (joint.logsumexp(1) + 2 * np.log(12 / 80)).numpy()


# ------------------------------------------------------------------------------------------------ exact


@pytest.mark.parametrize("settings", SETTINGS)
def test_all_configurations_sum_to_one_and_bounds_lie_below(settings):
    found = model(steps=2, latent_size=1, **settings)
    x = torch.from_numpy(oracle.bits(6))
    truth = by_grid(found.net, x)
    assert oracle.total(truth) == pytest.approx(1, abs=1e-6)
    with torch.no_grad():
        elbo = found.net.score(x.repeat(400, 1), rng()).view(400, -1)
    error = (elbo.std(0) / 20).numpy()
    assert (elbo.mean(0).numpy() < truth + 4 * error).all()
    estimate = found.log_prob(x, samples=1000)
    assert estimate.kind == "lower_bound"
    assert (np.abs(estimate.value - truth) < 5 * estimate.stderr + 1e-3).all()


def test_one_step_without_attention_is_an_autoencoder_on_top_of_the_canvas():
    found = model(steps=1, latent_size=3, attention=False)
    net, x = found.net, torch.from_numpy(oracle.bits(6)[5:40:7])
    w = {name: one.detach().numpy() for name, one in net.named_parameters()}

    def lstm(name, inputs):
        gates = inputs @ w[f"{name}.weight_ih"].T + w[f"{name}.bias_ih"] + w[f"{name}.bias_hh"]
        i, _, g, o = np.split(gates, 4, 1)  # the cell was empty, so that nothing is forgotten
        sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
        return sigmoid(o) * np.tanh(sigmoid(i) * np.tanh(g))

    missing = x.numpy() - 1 / (1 + np.exp(-w["canvas"]))
    h = lstm("encoder", np.concatenate([x.numpy(), missing, np.zeros((len(x), 4))], 1))
    mean, log_var = (h @ w[f"{name}.weight"].T + w[f"{name}.bias"] for name in ("mean", "log_var"))
    noise = torch.empty(mean.shape, dtype=torch.float64).normal_(generator=rng(3)).numpy()
    z = mean + np.exp(0.5 * log_var) * noise
    logits = w["canvas"] + lstm("decoder", z) @ w["patch.weight"].T + w["patch.bias"]
    log_p = (x.numpy() * logits - np.log1p(np.exp(logits))).sum(1)
    kl = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var)
    with torch.no_grad():
        bound = net.bound(x, rng(3))
    np.testing.assert_allclose(bound.reconstruction, log_p, rtol=1e-10)
    np.testing.assert_allclose(bound.kl, kl, rtol=1e-10)
    np.testing.assert_allclose(found.encode(x), mean, rtol=1e-6)


def test_one_step_with_attention_sees_the_window_and_writes_through_the_other():
    net, x = model(steps=1, latent_size=2).net, torch.from_numpy(oracle.bits(6)[11:30:5])
    nothing = torch.zeros(len(x), 4, dtype=torch.float64)
    missing = x - torch.sigmoid(net.canvas)
    with torch.no_grad():
        window = net.reading(nothing)
        seen = [window.read(one.view(-1, 1, 2, 3)).flatten(1) for one in (x, missing)]
        h, _ = net.encoder(torch.cat([*seen, nothing], 1), (nothing, nothing))
        mean, log_var = net.mean(h), net.log_var(h)
        path = net.follow(x, None)
        out, _ = net.decoder(mean, (nothing, nothing))
        writing = net.writing(out)
        logits = net.canvas + writing.write(net.patch(out).view(-1, 2, 2)).flatten(1)
        bound = net.bound(x, rng(1))
    np.testing.assert_allclose(path.canvas, logits, rtol=1e-12)
    np.testing.assert_allclose(path.mean[:, 0], mean, rtol=1e-12)
    np.testing.assert_allclose(bound.kl, gaussian_kl(mean, log_var), rtol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS)
def test_drawing_again_from_what_was_seen_gives_the_same_canvas(settings):
    found = model(steps=3, latent_size=2, **settings)
    x = torch.from_numpy(oracle.bits(6)[::9])
    with torch.no_grad():
        path = found.net.follow(x, rng(2))
        np.testing.assert_allclose(found.net.drawn(path.z), path.canvas, rtol=1e-12)
        strokes = list(found.net.strokes(path.z))
    assert len(strokes) == 3
    assert (strokes[0].window is not None) == settings["attention"]
    np.testing.assert_allclose(found.decode(found.encode(x)), found.reconstruct(x), rtol=1e-5)


def test_what_it_draws_by_itself_needs_no_encoder():
    found = model(steps=3, latent_size=2)
    before = found.sample(50, seed=4)
    with torch.no_grad():
        for part in (found.net.encoder, found.net.mean, found.net.log_var, found.net.reading):
            for parameter in part.parameters():
                parameter.fill_(7.0)
    np.testing.assert_array_equal(found.sample(50, seed=4), before)


def test_what_it_draws_is_as_frequent_as_the_likelihood_says():
    found = model(steps=2, latent_size=1)
    x = torch.from_numpy(oracle.bits(6))
    assert oracle.chi_square(found.sample(20_000, seed=5), np.exp(by_grid(found.net, x))) > 1e-4


# ------------------------------------------------------------------------------------------------ where training starts


@pytest.fixture(scope="module")
def large() -> torch.Tensor:
    """Digits of 8 x 8 at three times their size, with a margin: bits of 28 x 28."""
    rows = torch.from_numpy(load_data("digits").part("train").x[:300].astype(np.float32)).view(-1, 1, 8, 8)
    wide = torch.nn.functional.interpolate(rows, scale_factor=3)
    return torch.nn.functional.pad(wide, (2, 2, 2, 2)).flatten(1)


@pytest.fixture
def untrained(large):
    torch.manual_seed(0)
    net = DRAW().build(Spec("rows", (784,), picture=(28, 28)))
    net.start(large)
    return net


@torch.no_grad()
def test_what_is_read_at_first_differs_from_picture_to_picture(untrained, large):
    seen = untrained.read(large, large, torch.zeros(len(large), 128))[:, :25]
    assert float(seen.var(0).sum()) > 0.1


@torch.no_grad()
def test_a_patch_of_ones_changes_the_canvas_by_about_one(untrained):
    window = untrained.writing(torch.zeros(1, 128))
    assert 0.5 < float(window.write(torch.ones(1, 5, 5))[0, 13:15, 13:15].mean()) < 1.5


@torch.no_grad()
def test_the_first_bound_is_about_that_of_independent_pixels(untrained, large):
    bound = untrained.bound(large, rng())
    pixels = bernoulli_log_prob(large, untrained.canvas.expand(len(large), -1))
    assert float(bound.elbo.mean()) == pytest.approx(float(pixels.mean()) - float(bound.kl.sum(1).mean()), abs=5)


# ------------------------------------------------------------------------------------------------ model

TRAINER = TrainerConfig(epochs=2, batch_size=50, threads=1, optimiser=OptimiserConfig(learning_rate=1e-2, clip=20))


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_learns_digits_and_uses_what_it_sees(settings):
    data = load_data("digits")
    trainer = TRAINER.changed(epochs=4, batch_size=25)
    found = DRAW(steps=4, latent_size=4, hidden_size=48, read=3, write=3, stride=2.0, **settings).fit(
        data, trainer=trainer
    )
    figures = found.measures(data.part("test"), samples=4)
    independent = found.baselines(data.part("train"), data.part("test"))["log p"][INDEPENDENT]
    assert float(figures["log p"].estimate.value) > independent + 0.5
    assert float(figures["kl"].estimate.value) > 0.5


@pytest.mark.parametrize(
    "spec", [Spec("rows", (6,)), Spec("rows", (6,), picture=(2, 2)), Spec("rows", (6,), picture=(1, 2, 3))]
)
def test_rows_that_are_no_pictures_are_refused(spec):
    with pytest.raises(
        ConfigError, match=r"draw: needs the rows and columns of pictures of 6 pixels, got .*; set shape"
    ):
        DRAW().build(spec)


def test_a_picture_of_one_pixel_has_windows_and_no_vectors_make_no_pictures():
    found = model(spec=Spec("rows", (1,), picture=(1, 1)))
    assert found.sample(2).shape == (2, 1)
    assert found.decode(np.zeros((0, 100))).shape == (0, 1)


@pytest.mark.parametrize(("steps", "kind"), [(1, "exact"), (2, "estimate")])
def test_the_kl_of_several_steps_is_an_estimate(steps, kind):
    kl = model(steps=steps).measures(oracle.bits(6))["kl"].estimate
    assert kl.kind == kind
    assert kl.stderr == (0 if kind == "exact" else np.inf)
