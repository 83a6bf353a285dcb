"""Tests of irkit.generative.vrnn."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from irkit.errors import ConfigError, DataError, ShapeError
from irkit.generative.vrnn import ELBO, KL, LOG_P, VRNN
from irkit.io.kinds import DataSet, Ragged, Sequences, Spec
from irkit.learn.data import Padded
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.trainer import TrainerConfig
from irkit.testing import check_model

KINDS = {
    "gru": {},
    "lstm": {"cell": "lstm"},
    "gaussian": {"outputs": "gaussian"},
    "mixture": {"outputs": "mixture", "components": 3, "bits": 1},
    "rnn": {"latent_size": 0},
    "rnn-lstm": {"latent_size": 0, "cell": "lstm", "outputs": "gaussian"},
}
kinds = pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)


def model(size: int = 2, seed: int = 0, scale: float = 0.7, **config) -> VRNN:
    torch.manual_seed(seed)
    found = VRNN(**{"hidden_size": 4, "latent_size": 2, "dropout": 0.0, **config})
    found.spec = Spec("sequences", (size,))
    found.net = found.build(found.spec).double().eval()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_(0, scale)
    return found


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def padded(*arrays: np.ndarray) -> Padded:
    column = Ragged.of(arrays)
    return Padded(torch.from_numpy(column.padded()), torch.from_numpy(column.lengths), column.lengths)


def examples_of(found: VRNN, lengths: tuple[int, ...] = (3, 1, 5), size: int = 2, seed: int = 0) -> list[np.ndarray]:
    """Sequences of what a model is of."""
    x = [np.random.default_rng((seed, at)).normal(size=(n, size)) for at, n in enumerate(lengths)]
    bits = size if found.config.outputs == "bernoulli" else found.config.bits
    for one in x:
        one[:, size - bits :] = one[:, size - bits :] > 0
    return x


def forward(net: nn.Sequential, x: np.ndarray) -> np.ndarray:
    """Linear maps with a rectifier after the first."""
    for at, layer in enumerate(one for one in net if isinstance(one, nn.Linear)):
        x = x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        x = np.maximum(x, 0) if at == 0 else x
    return x


def gaussian(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean, spread = np.split(raw, 2, -1)
    return mean, 1e-3 + np.log1p(np.exp(spread))


# ------------------------------------------------------------------------------------------------ exact


def test_one_step_is_an_autoencoder_with_a_learned_prior():
    found = model(size=3)
    net = found.net
    x = examples_of(found, (1, 1, 1, 1), size=3)
    rows, nothing = np.concatenate(x), np.zeros((4, 4))
    mean, sd = gaussian(forward(net.encoder, np.concatenate([forward(net.phi_x, rows), nothing], 1)))
    m, s = gaussian(forward(net.prior, nothing))
    noise = torch.empty(mean.shape, dtype=torch.float64).normal_(generator=rng(3)).numpy()
    hidden = forward(net.decoder, np.concatenate([forward(net.phi_z, mean + sd * noise), nothing], 1))
    logits = hidden @ net.output.map.weight.detach().numpy().T + net.output.map.bias.detach().numpy()
    log_p = (rows * logits - np.log1p(np.exp(logits))).sum(1)
    kl = np.log(s / sd) + (sd**2 + (mean - m) ** 2) / (2 * s**2) - 0.5
    with torch.no_grad():
        bound = net.bound(padded(*x), rng(3))
    np.testing.assert_allclose(bound.reconstruction, log_p, rtol=1e-10)
    np.testing.assert_allclose(bound.kl, kl, rtol=1e-8, atol=1e-12)


def test_the_kl_of_a_step_is_the_mean_of_log_q_less_log_p():
    found = model()
    with torch.no_grad():
        x = padded(*examples_of(found, (1,))).x.repeat(40_000, 1, 1)
        rows = Padded(x, torch.ones(len(x), dtype=torch.int64))
        path = found.net.follow(rows, rng())
        kl = found.net.bound(rows, rng()).kl[0].sum()
        prior = [one[:, 0].numpy() for one in found.net.expected(path.before)]
    z, mean, log_var = (one[:, 0].numpy() for one in (path.z, path.mean, path.log_var))
    q = stats.norm.logpdf(z, mean, np.exp(0.5 * log_var))
    p = stats.norm.logpdf(z, prior[0], np.exp(0.5 * prior[1]))
    each = (q - p).sum(1)
    assert abs(each.mean() - float(kl)) < 4 * each.std() / 200


class Linear(nn.Module):
    """In place of a cell: the next memory is linear in what is read, and the old one is forgotten."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = torch.from_numpy(weights)

    def forward(self, inputs: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        return inputs @ self.weights.T


class Both(nn.Module):
    """The positive and the negative part of a number: rectifiers that keep it whole."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.relu(), (-x).relu()], -1)


WHOLE = np.array([[1.0, -1.0]])  # of both parts


def raw(deviation: float, floor: float) -> float:
    return float(np.log(np.expm1(deviation - floor)))


class Affine(nn.Module):
    """A map whose first outputs are linear in the inputs, and whose others are constant."""

    def __init__(self, weights: list[float], constant: float | None = None) -> None:
        super().__init__()
        self.weight, self.constant = nn.Parameter(torch.tensor([weights], dtype=torch.float64), False), constant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = x @ self.weight.T
        return out if self.constant is None else torch.cat([out, torch.full_like(out, self.constant)], -1)


A, C, Q, R = 0.8, 1.5, 0.6, 0.7  # z_t = A z_t-1 + Q noise; x_t = C z_t + R noise; z_1 = Q noise


def linear(remembers: str, encoder: nn.Module) -> VRNN:
    """A model whose prior is A times what it remembers, of x or z, and which says C z of x."""
    found = model(size=1, hidden_size=2, latent_size=1, outputs="gaussian", floor=0.01)
    net = found.net
    net.phi_x = net.phi_z = Both()
    zero = np.zeros((1, 2))
    own = [WHOLE, zero] if remembers == "x" else [zero, WHOLE]
    net.cell = Linear(np.concatenate([np.concatenate(own, 1), np.zeros((1, 4))]))  # h = (remembered, 0)
    net.prior = Affine([A, 0.0], raw(Q, 1e-3))
    net.encoder = encoder
    net.decoder = Affine([C, -C, 0.0, 0.0])
    net.output.map = Affine([1.0], raw(R, 0.01))
    return found


def kalman(x: np.ndarray) -> float:
    """log p(x) of the linear Gaussian model, by prediction errors."""
    mean, variance, total = 0.0, Q**2, 0.0
    for one in x:
        total += stats.norm.logpdf(one, C * mean, np.sqrt(C**2 * variance + R**2))
        gain = variance * C / (C**2 * variance + R**2)
        mean, variance = mean + gain * (one - C * mean), (1 - gain * C) * variance
        mean, variance = A * mean, A**2 * variance + Q**2
    return total


VARIANCE = 1 / (1 / Q**2 + C**2 / R**2)  # of z_t, given x_t and where it came from
GAIN = VARIANCE * C / R**2
EXACT = Affine([GAIN, -GAIN, VARIANCE * A / Q**2, 0.0], raw(np.sqrt(VARIANCE), 1e-3))
"The posterior of z_t given x_t and what is remembered: x_t's two parts, then memory."


def test_the_filter_is_that_of_the_joint_distribution():
    x = np.array([0.3, -1.2, 2.0])
    covariance = np.zeros((3, 3))
    for i, j in product(range(3), repeat=2):
        z = sum(A ** (i - k) * A ** (j - k) * Q**2 for k in range(min(i, j) + 1))
        covariance[i, j] = C**2 * z + R**2 * (i == j)
    assert kalman(x) == pytest.approx(stats.multivariate_normal.logpdf(x, np.zeros(3), covariance), rel=1e-12)


def test_with_the_exact_posterior_every_weight_is_the_likelihood():
    found = linear("x", EXACT)
    x = np.random.default_rng(1).normal(size=(6, 1))
    before = np.concatenate([[0.0], A * x[:-1, 0]])
    truth = stats.norm.logpdf(x[:, 0], C * before, np.sqrt(C**2 * Q**2 + R**2)).sum()
    with torch.no_grad():
        weights = found.net.log_weights(padded(x), 20, rng())
    np.testing.assert_allclose(weights, np.full((20, 1), truth), rtol=1e-9)
    one = linear("z", EXACT)
    with torch.no_grad():
        alone = one.net.log_weights(padded(x[:1]), 5, rng())
    np.testing.assert_allclose(alone, np.full((5, 1), kalman(x[:1, 0])), rtol=1e-9)


def test_bounds_of_a_linear_gaussian_model_lie_below_its_likelihood_and_rise_to_it():
    found = linear("z", EXACT)
    x = [np.random.default_rng(at).normal(size=(5, 1)) for at in range(3)]
    truth = np.array([kalman(one[:, 0]) for one in x])
    rows = padded(*x)
    with torch.no_grad():
        many = Padded(rows.x.repeat(20_000, 1, 1), rows.lengths.repeat(20_000))
        elbo = found.net.score(many, rng(1)).view(20_000, 3).numpy()
        weights = found.net.log_weights(rows, 20_000, rng()).numpy()
    assert (elbo.mean(0) + 4 * elbo.std(0) / np.sqrt(20_000) < truth).all()  # what comes later tells of z_t too
    values = [np.log(np.exp(weights.reshape(k, -1, 3)).mean(0)).mean(0) for k in (1, 4, 16)]
    assert (values[0] < values[1]).all()
    assert (values[1] < values[2]).all()
    np.testing.assert_allclose(np.log(np.exp(weights).mean(0)), truth, atol=0.05)
    estimate = found.log_prob(Sequences(Ragged.of(x)), samples=2000)
    assert estimate.kind == "lower_bound"
    assert (np.abs(estimate.value - truth) < 5 * estimate.stderr).all()


def test_without_latent_variables_all_sequences_sum_to_one():
    found = model(latent_size=0)
    every = np.array(list(product([0.0, 1.0], repeat=6))).reshape(-1, 3, 2)
    estimate = found.log_prob(Sequences(Ragged.of(list(every))))
    assert estimate.kind == "exact"
    assert np.exp(estimate.value).sum() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("latent", [0, 1])
def test_what_it_draws_is_as_frequent_as_the_likelihood_says(latent):
    found = model(latent_size=latent, seed=2, scale=1.0)
    found.net.lengths.fill_(2)
    every = np.array(list(product([0.0, 1.0], repeat=4))).reshape(-1, 2, 2)
    truth = np.exp(found.log_prob(Sequences(Ragged.of(list(every))), samples=20_000).value)
    assert truth.sum() == pytest.approx(1, abs=0.02)
    drawn = np.stack(found.sample(20_000, seed=5)).reshape(-1, 4)
    counts = np.bincount((drawn @ [8, 4, 2, 1]).astype(int), minlength=16)
    chi = ((counts - 20_000 * truth) ** 2 / (20_000 * truth)).sum()
    assert stats.chi2.sf(chi, 15) > 1e-4


# ------------------------------------------------------------------------------------------------ padding and time


@kinds
def test_padding_reaches_nothing(settings):
    found = model(**settings)
    x = examples_of(found)
    batch = padded(*x)
    garbage = torch.full_like(batch.x, float("nan"))
    dirty = batch._replace(x=torch.where(batch.mask[:, :, None], batch.x, garbage))
    gradients = []
    for one in (batch, dirty):
        elbo = found.net.score(one, rng(1))
        gradients.append(torch.autograd.grad(elbo.sum(), list(found.net.parameters()), allow_unused=True))
    for clean, other in zip(*gradients, strict=True):
        if clean is not None:
            np.testing.assert_allclose(other, clean, rtol=1e-10)
    with torch.no_grad():
        path = found.net.follow(dirty, None)
        likelihood = found.net.likelihood(dirty, path)
        vectors, means = found.net.encode(dirty), found.net.reconstruct(dirty)
        for at, one in enumerate(x):
            alone = padded(one)
            own = found.net.follow(alone, None)
            np.testing.assert_allclose(path.mean[at, : len(one)], own.mean[0], rtol=1e-10)
            expected = found.net.likelihood(alone, own)[0]
            np.testing.assert_allclose(likelihood[at, : len(one)], expected, rtol=1e-10)
            np.testing.assert_allclose(vectors[at], found.net.encode(alone)[0], rtol=1e-10)
            np.testing.assert_allclose(means.x[at, : len(one)], found.net.reconstruct(alone).x[0], rtol=1e-10)
            wide = torch.cat([alone.x, torch.full((1, 4, 2), float("nan"), dtype=torch.float64)], 1)
            longer = Padded(wide, alone.lengths)
            np.testing.assert_allclose(found.net.score(longer, rng(4)), found.net.score(alone, rng(4)), rtol=1e-10)


@kinds
def test_what_comes_later_changes_nothing_before(settings):
    found = model(**settings)
    x = examples_of(found, (6,))[0]
    other = x.copy()
    other[3:] = 1 - other[3:]
    with torch.no_grad():
        one, two = (found.net.follow(padded(each), rng(1)) for each in (x, other))
        priors = [found.net.expected(path.before) for path in (one, two)]
        log_p = [found.net.likelihood(padded(each), path) for each, path in ((x, one), (other, two))]
    assert torch.equal(log_p[0][:, :3], log_p[1][:, :3])
    assert not torch.equal(log_p[0][:, 3], log_p[1][:, 3])
    for early, late in zip(*priors, strict=True):  # the prior of step 3 knows only what is before it
        assert torch.equal(early[:, :4], late[:, :4])
        assert early.shape[2] == 0 or not torch.equal(early[:, 4], late[:, 4])
    assert torch.equal(one.mean[:, :3], two.mean[:, :3])


def test_dropout_is_on_what_sub_networks_see_and_not_on_what_is_remembered():
    found = model(dropout=0.5, hidden_size=64, latent_size=0)
    x = padded(np.zeros((30, 2)))
    found.net.phi_x[0].bias.data.fill_(1.0)
    found.net.train()
    with torch.no_grad():
        path = found.net.follow(x, rng())
    assert 0.4 < float((path.before[:, 1:] == 0).double().mean()) < 0.6
    assert not (path.after == 0).any()
    found.net.eval()
    with torch.no_grad():
        path = found.net.follow(x, rng())
    assert torch.equal(path.before[:, 1:], path.after[:, :-1])


# ------------------------------------------------------------------------------------------------ model

TRAINER = TrainerConfig(epochs=4, batch_size=10, threads=1, optimiser=OptimiserConfig(learning_rate=1e-2, clip=1))


def data_of(**settings) -> DataSet:
    found = model(**settings)
    parts = [examples_of(found, tuple(np.tile([2, 4, 3], n)), seed=n) for n in (8, 3, 2)]
    return DataSet("toy", *(Sequences(Ragged.of(part)) for part in parts))


@kinds
def test_it_keeps_to_the_contract_of_models(settings, tmp_path):
    fitted = check_model(
        VRNN(hidden_size=4, **{"latent_size": 2, **settings}), data_of(**settings), tmp_path, trainer=TRAINER
    )
    assert {len(one) for one in fitted.sample(30)} == {2, 3, 4}
    assert fitted.encode(data_of(**settings).part("test")).shape == (6, 4)


def test_figures_are_by_the_mean_number_of_steps():
    found = model()
    test = Sequences(Ragged.of(examples_of(found)))
    figures = found.values(test, samples=5, seed=2)
    assert list(figures) == list(found.quantities) == [LOG_P, ELBO, KL]
    log_p = found.log_prob(test, samples=5, seed=2)
    np.testing.assert_allclose(figures[LOG_P].value, log_p.value / 3)  # of 3, 1 and 5 steps
    np.testing.assert_allclose(figures[LOG_P].stderr, log_p.stderr / 3)
    with torch.no_grad():
        (batch,) = found.batches(test)
        bound = found.net.bound(batch, rng(1))
    np.testing.assert_allclose(figures[ELBO].value, bound.elbo / 3)
    np.testing.assert_allclose(figures[KL].value, bound.kl.sum(1) / 3)
    plain = model(latent_size=0)
    figures = plain.values(test)
    assert {one.kind for one in figures.values()} == {"exact"}
    np.testing.assert_array_equal(figures[LOG_P].value, figures[ELBO].value)
    assert (figures[KL].value == 0).all()


def test_the_baseline_is_the_frequency_of_each_bit():
    found = model()
    train, test = (Sequences(Ragged.of([np.array(one)])) for one in ([[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0]]))
    assert found.baselines(train, test) == {LOG_P: {"independent bits": pytest.approx(np.log(3 / 4) + np.log(1 / 4))}}
    assert model(outputs="gaussian").baselines(train, test) == {}


def test_large_data_are_looked_at_in_parts():
    found = model()
    x = Sequences(Ragged.of(examples_of(found, (3, 1, 5, 2, 2))))
    parts = list(found.batches(x, 6))
    assert [part.lengths.tolist() for part in parts] == [[3, 1], [5], [2, 2]]
    assert [len(part.x) for part in found.batches(x, 1)] == [1] * 5


@pytest.mark.parametrize(
    ("settings", "x", "message"),
    [
        ({}, [[0.0, 1.0], [0.0, 0.5]], "column 1 must hold 0 and 1, got 0.5 in step 1 of sequence 1; choose other"),
        ({"outputs": "gaussian"}, [[0.0, np.nan]], "column 1 must hold finite numbers, got nan in step 0 of sequence"),
        (KINDS["mixture"], [[0.5, 2.0]], "column 1 must hold 0 and 1, got 2 in step 0 of sequence 1"),
        ({}, np.zeros((0, 2)), "sequences are steps of D values, one step or more, got one without; leave it out"),
    ],
)
def test_values_that_it_is_not_of_are_named(settings, x, message):
    found = model(**settings)
    with pytest.raises(DataError, match=f"vrnn: {message}"):
        found.log_prob(Sequences(Ragged.of([np.zeros((2, 2)), np.array(x)])))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"vrnn: sequences of shape \(2,\) are needed, got sequences of shape \(3,\)"):
        model().log_prob(Sequences(Ragged.of([np.zeros((2, 3))])))
    for settings in ({"outputs": "bernoulli", "bits": 1}, {"outputs": "gaussian", "bits": 2}):
        with pytest.raises(ConfigError, match=r"vrnn: bits are the last columns behind reals, got [12] of 2 with"):
            VRNN(**settings).build(Spec("sequences", (2,)))


def alike(n: int, seed: int) -> Sequences:
    """Sequences whose three numbers of a step are nearly one number, which nothing foretells."""
    found = np.random.default_rng(seed)
    steps = [found.normal(size=(found.integers(2, 5), 1)) for _ in range(n)]
    return Sequences(Ragged.of([(one + 0.1 * found.normal(size=(len(one), 3))).astype(np.float32) for one in steps]))


def test_it_learns_what_values_of_one_step_have_in_common_and_a_plain_network_cannot():
    data = DataSet("alike", alike(150, 0), alike(30, 1), alike(60, 2))
    trainer = TRAINER.changed(epochs=12)
    found, plain = (
        VRNN(hidden_size=16, latent_size=latent, dropout=0.0, outputs="gaussian").fit(data, trainer=trainer)
        for latent in (2, 0)
    )
    figures, others = (one.measures(data.test, samples=16) for one in (found, plain))
    best = -3 * 0.5 * (np.log(2 * np.pi * 1.01) + 1)  # of independent numbers: their entropy
    assert float(others[LOG_P].estimate.value) < best + 0.15
    assert float(figures[ELBO].estimate.value) > best + 1
    assert float(figures[KL].estimate.value) > 0.5


def test_whole_numbers_and_truths_are_read_as_reals():
    x = np.array([[0, 1], [1, 1]])
    wanted = model().log_prob(Sequences(Ragged.of([x.astype(float)]))).value
    for kind in (np.int64, bool):
        np.testing.assert_array_equal(model().log_prob(Sequences(Ragged.of([x.astype(kind)]))).value, wanted)


@pytest.mark.parametrize("settings", [KINDS["gaussian"], KINDS["mixture"]])
def test_no_bits_are_drawn_of_reals(settings):
    part = Sequences(Ragged.of([np.full((2, 2), 0.5)]), dynamic=True)
    with pytest.raises(ConfigError, match="vrnn: a model of reals has no bits to sample; drop dynamic"):
        VRNN(hidden_size=2, **settings).fit(DataSet("d", part, part, part), trainer=TRAINER)


def test_the_error_of_a_single_sequence_is_not_known():
    found = model().values(Sequences(Ragged.of([np.ones((3, 2))])))
    assert found[ELBO].stderr == [np.inf]
    assert found[KL].stderr == [np.inf]
