"""Tests of irkit.generative.aligndraw."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, DataError, ShapeError
from irkit.generative.aligndraw import AlignDRAW, AlignDRAWConfig
from irkit.generative.draw import DRAW, DRAWConfig
from irkit.generative.independent import INDEPENDENT
from irkit.io import load_data
from irkit.io.kinds import Captioned, DataSet, Ragged, Spec
from irkit.learn.data import Padded
from irkit.learn.distributions import bernoulli_log_prob, gaussian_log_prob
from irkit.learn.latent import standard_normal
from irkit.learn.trainer import TrainerConfig
from irkit.testing import check_model
from tests.oracles import density as oracle

WORDS = ("a", "one", "two", "left", "right")
SPEC = Spec("captioned", (1, 2, 3), vocabulary=5, longest=4, words=WORDS)
DRAWN = {"hidden_size": 4, "read": 2, "write": 2, "stride": 1.0}
SMALL = {**DRAWN, "embedding_size": 3, "caption_size": 3, "align_size": 4}


def model(seed: int = 0, scale: float = 0.7, **config) -> AlignDRAW:
    torch.manual_seed(seed)
    found = AlignDRAW(AlignDRAWConfig(**{**SMALL, **config}))
    found.net = found.build(SPEC).double()
    found.spec = SPEC
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_(0, scale)
    return found


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def padded(*captions, width: int = 4, filler: int = 0) -> Padded:
    x = torch.full((len(captions), width), filler)
    for row, caption in zip(x, captions, strict=True):
        row[: len(caption)] = torch.tensor(caption, dtype=torch.int64)
    return Padded(x, torch.tensor([len(one) for one in captions]))


def pictures(rows=slice(5, 40, 7)) -> torch.Tensor:
    return torch.from_numpy(oracle.bits(6)[rows])


def batch(x: torch.Tensor, caption) -> dict:
    return {"x": x.view(-1, 1, 2, 3), "caption": padded(*[caption] * len(x))}


def by_grid(net, x: torch.Tensor, caption) -> np.ndarray:
    """log p(x | y) for two steps of one latent number, by the trapezoid rule over the noise of both."""
    axis = torch.linspace(-6, 6, 81, dtype=torch.float64)
    noise = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        logits = net.drawn(noise[:, :, None], net.told(padded(*[caption] * len(noise))))
        joint = bernoulli_log_prob(x[:, None], logits) + standard_normal(noise)
    return (joint.logsumexp(1) + 2 * np.log(12 / 80)).numpy()


# ------------------------------------------------------------------------------------------------ exact


def test_without_a_caption_and_with_a_standard_prior_it_is_draw():
    ours = model(steps=3, latent_size=2)
    draw = DRAW(DRAWConfig(**DRAWN, steps=3, latent_size=2))
    draw.net = draw.build(Spec("rows", (6,), picture=(2, 3))).double()
    with torch.no_grad():
        for head in (ours.net.prior_mean, ours.net.prior_log_var):
            head.weight.zero_()
            head.bias.zero_()
        weights = ours.net.state_dict()
        weights["decoder.weight_ih"] = weights["decoder.weight_ih"][:, :2]
        draw.net.load_state_dict({name: weights[name] for name in draw.net.state_dict()})
        x = pictures()
        silent = batch(x, [])
        for found, same in zip(ours.net.bound(silent, rng(3)), draw.net.bound(x, rng(3)), strict=True):
            np.testing.assert_allclose(found, same, rtol=1e-12)
        logs = ours.net.log_weights(silent, 5, rng(4)), draw.net.log_weights(x, 5, rng(4))
        np.testing.assert_allclose(*logs, rtol=1e-12)
        noise = draw.net.noise(len(x), rng(5))
        told = ours.net.told(silent["caption"])
        np.testing.assert_allclose(ours.net.drawn(noise, told), draw.net.drawn(noise), rtol=1e-12)
        np.testing.assert_allclose(ours.net.encode(silent), draw.net.encode(x), rtol=1e-12)
        spoken = ours.net.bound(batch(x, [0, 2]), rng(3))
        assert not np.allclose(spoken.elbo, draw.net.bound(x, rng(3)).elbo)


def test_one_step_by_hand():
    net, x = model(steps=1, latent_size=2, attention=False).net, pictures()
    w = {name: one.detach().numpy() for name, one in net.named_parameters()}
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731

    def cell(inputs, h, c, weights):
        w_x, w_h, b_x, b_h = weights
        i, f, g, o = np.split(w_x @ inputs + w_h @ h + b_x + b_h, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    def lstm(name, end=""):
        return [w[f"{name}.{one}{end}"] for one in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]

    caption = [4, 1, 0]
    embedded = [w["words.weight"][word] for word in caption]
    ways = []
    for end, order in (("_l0", embedded), ("_l0_reverse", embedded[::-1])):
        h, c, states = np.zeros(3), np.zeros(3), []
        for one in order:
            h, c = cell(one, h, c, lstm("reader", end))
            states.append(h)
        ways.append(states if end == "_l0" else states[::-1])
    words = np.concatenate(ways, 1)  # (3, 6)
    # the decoder's output was zero, so that only U h + b is left
    e = np.tanh(words @ w["align.memory.weight"].T + w["align.memory.bias"]) @ w["align.fit.weight"][0]
    alpha = np.exp(e) / np.exp(e).sum()
    with torch.no_grad():
        told = net.told(padded(*[caption] * len(x)))
        np.testing.assert_allclose(told.words[0, :3], words, rtol=1e-10)
        noise = net.noise(len(x), rng(1))
        (stroke,) = net.strokes(noise, told)
    np.testing.assert_allclose(stroke.weights[0], [*alpha, 0], rtol=1e-10)
    for row, z in zip(stroke.canvas, noise[:, 0].numpy(), strict=True):
        h, _ = cell(np.concatenate([z, alpha @ words]), np.zeros(4), np.zeros(4), lstm("decoder"))
        np.testing.assert_allclose(row, w["canvas"] + w["patch.weight"] @ h + w["patch.bias"], rtol=1e-10)


def test_all_pictures_of_a_caption_sum_to_one_and_bounds_lie_below():
    found = model(steps=2, latent_size=1)
    x = torch.from_numpy(oracle.bits(6))
    truth = by_grid(found.net, x, [0, 2, 3])
    assert oracle.total(truth) == pytest.approx(1, abs=1e-6)
    assert not np.allclose(truth, by_grid(found.net, x, [0, 1, 3]))
    with torch.no_grad():
        elbo = found.net.score(batch(x.repeat(400, 1), [0, 2, 3]), rng()).view(400, -1)
    error = (elbo.std(0) / 20).numpy()
    assert (elbo.mean(0).numpy() < truth + 4 * error).all()
    captions = Ragged.of([[0, 2, 3]] * len(x))
    part = Captioned(x.view(-1, 1, 2, 3).numpy(), caption=captions, vocabulary=5, words=WORDS)
    estimate = found.log_prob(part, samples=1000)
    assert estimate.kind == "lower_bound"
    assert (np.abs(estimate.value - truth) < 5 * estimate.stderr + 1e-3).all()


def test_the_divergence_of_each_step_is_that_between_two_gaussians():
    net, x = model(steps=3, latent_size=2).net, pictures(slice(3, 5))
    caption = padded([0, 2], [1])
    with torch.no_grad():
        path = net.follow(x, rng(2), net.told(caption))
        draws = torch.randn(100_000, 2, 3, 2, dtype=torch.float64, generator=rng(3))
        z = path.mean + torch.exp(0.5 * path.log_var) * draws
        logs = [
            gaussian_log_prob(z[..., None], mean[..., None], log_var[..., None])
            for mean, log_var in ((path.mean, path.log_var), path.prior)
        ]
        apart = logs[0] - logs[1]
        assert float((abs(apart.mean(0) - path.kl) * 100_000**0.5 / apart.std(0)).max()) < 4.5
        ratio = gaussian_log_prob(path.z, *path.prior) - gaussian_log_prob(path.z, path.mean, path.log_var)
        np.testing.assert_allclose(path.log_ratio, ratio.sum(1), rtol=1e-12)
        bound = net.bound({"x": x.view(-1, 1, 2, 3), "caption": caption}, rng(2))
    np.testing.assert_allclose(bound.reconstruction, bernoulli_log_prob(x, path.canvas).detach(), rtol=1e-12)
    np.testing.assert_allclose(bound.elbo, bound.reconstruction - path.kl.sum((1, 2)), rtol=1e-12)


# ------------------------------------------------------------------------------------------------ properties


def test_weights_sum_to_one_over_words_and_are_nothing_on_padding():
    net = model(steps=3, latent_size=2).net
    with torch.no_grad():
        told = net.told(padded([0, 2, 3], [1], []))
        steps = list(net.strokes(net.noise(3, rng()), told))
    for one in steps:
        np.testing.assert_allclose(one.weights.sum(1), [1, 1, 0], rtol=1e-12)
        assert not one.weights[~told.valid].any()
    assert not np.allclose(steps[0].weights[0], steps[1].weights[0])


def test_what_stands_on_padding_changes_nothing():
    net, x = model(steps=3, latent_size=2).net, pictures(slice(0, 2))
    bounds = []
    for width, filler in ((4, 0), (7, 0), (7, 4)):
        captions = padded([0, 2, 3], [1], width=width, filler=filler)
        batch = {"x": x.view(-1, 1, 2, 3), "caption": captions}
        net.zero_grad()
        bound = net.bound(batch, rng(1))
        bound.elbo.sum().backward()
        bounds.append((bound.elbo.detach(), net.words.weight.grad.clone(), net.reader.weight_hh_l0.grad.clone()))
    for other in bounds[1:]:
        for found, same in zip(other, bounds[0], strict=True):
            np.testing.assert_allclose(found, same, rtol=1e-12)
    with torch.no_grad():
        alone = net.told(padded([1], width=1)).words
        np.testing.assert_allclose(alone[0], net.told(captions).words[1, :1], rtol=1e-12)


def test_another_caption_changes_later_priors_but_not_the_first():
    net, x = model(steps=3, latent_size=2).net, pictures()
    with torch.no_grad():
        paths = [net.follow(x, rng(1), net.told(padded(*[one] * len(x)))) for one in ([0, 2, 3], [0, 1, 4])]
    (mean, log_var), (other, _) = (path.prior for path in paths)
    assert not mean[:, 0].any()
    assert not log_var[:, 0].any()
    assert not np.allclose(mean[:, 1:], other[:, 1:])
    np.testing.assert_array_equal(mean[:, 0], other[:, 0])
    np.testing.assert_array_equal(paths[0].mean[:, 0], paths[1].mean[:, 0])  # the encoder has not seen h_1 yet
    np.testing.assert_array_equal(paths[0].z[:, 0], paths[1].z[:, 0])


def test_what_it_draws_needs_no_encoder():
    found = model(steps=3, latent_size=2)
    found.net.captions[0, :3], found.net.lengths[0] = torch.tensor([0, 2, 3]), 3
    before = found.sample(50, seed=4), found.draw(["a two left"] * 3, seed=4)
    with torch.no_grad():
        for part in (found.net.encoder, found.net.mean, found.net.log_var, found.net.reading):
            for parameter in part.parameters():
                parameter.fill_(7.0)
    np.testing.assert_array_equal(found.sample(50, seed=4), before[0])
    np.testing.assert_array_equal(found.draw(["a two left"] * 3, seed=4), before[1])


def test_what_it_draws_is_as_frequent_as_the_likelihood_says():
    found = model(steps=2, latent_size=1)
    found.net.captions[0, :2], found.net.lengths[0] = torch.tensor([1, 4]), 2
    truth = np.exp(by_grid(found.net, torch.from_numpy(oracle.bits(6)), [1, 4]))
    drawn = found.sample(20_000, seed=5).reshape(-1, 6)
    assert oracle.chi_square(drawn, truth) > 1e-4
    mean = found.draw([[1, 4]] * 20_000, seed=6).reshape(-1, 6).mean(0)
    np.testing.assert_allclose(mean, truth @ oracle.bits(6), atol=0.012)


# ------------------------------------------------------------------------------------------------ model

TRAINER = TrainerConfig(epochs=4, batch_size=20, threads=1)
CAPTIONS = [[0, 1, 3], [0, 2], [], [4, 3, 2, 1]]


def toy(n: int = 70) -> DataSet:
    rng = np.random.default_rng(0)
    which = rng.integers(0, 4, n)
    x = (rng.random((n, 1, 2, 3)) < (0.1 + 0.27 * which)[:, None, None, None]).astype(np.uint8)
    whole = Captioned(x, caption=Ragged.of([CAPTIONS[one] for one in which]), vocabulary=5, words=WORDS)
    return DataSet("toy", *(whole.take(rows) for rows in np.split(np.arange(n), [n - 30, n - 15])))


@pytest.fixture(scope="module")
def fitted():
    return AlignDRAW(**SMALL, steps=2, latent_size=2).fit(toy(), trainer=TRAINER)


def test_it_keeps_to_the_contract_of_models(tmp_path):
    found = check_model(AlignDRAW(**SMALL, steps=2, latent_size=2), toy(), tmp_path, trainer=TRAINER)
    assert found.abilities == {"log_prob", "score", "sample", "encode", "reconstruct"}


def test_it_draws_by_itself_the_captions_of_training_in_turn(fitted):
    assert fitted.net.kept == 4
    kept = [
        row[:size].tolist() for row, size in zip(fitted.net.captions, fitted.net.lengths, strict=False) if size >= 0
    ]
    assert sorted(kept) == sorted(CAPTIONS)
    with torch.no_grad():
        told = fitted.net.given(6)
    for one, other in ((0, 4), (1, 5)):
        torch.testing.assert_close(told.words[one], told.words[other])
    assert fitted.sample(6).shape == (6, 1, 2, 3)
    assert set(np.unique(fitted.sample(6))) <= {0, 1}


def test_captions_are_words_or_their_numbers(fitted):
    drawn = fitted.draw(["a two", "right left two one"], seed=3)
    assert (drawn.shape, drawn.dtype) == ((2, 1, 2, 3), np.float32)
    np.testing.assert_array_equal(drawn, fitted.draw([[0, 2], [4, 3, 2, 1]], seed=3))
    np.testing.assert_array_equal(drawn, fitted.draw(Ragged.of([[0, 2], [4, 3, 2, 1]]), seed=3))
    assert not np.array_equal(drawn, fitted.draw(["a one", "right left two one"], seed=3))
    assert not np.array_equal(drawn, fitted.draw(["a two", "right left two one"], seed=4))


def test_the_caption_gain_is_what_another_caption_costs(fitted):
    test = toy().test
    gain = fitted.caption_gain(test)
    assert gain.value.shape == (15,)
    same = replace(test, caption=Ragged.of([[0, 1]] * 15))
    assert not fitted.caption_gain(same).value.any()
    values = fitted.values(test, samples=2)
    assert list(values) == list(fitted.quantities) == ["log p", "elbo", "caption gain"]
    np.testing.assert_array_equal(values["caption gain"].value, gain.value)
    measures = fitted.measures(test, samples=2)
    assert float(measures["caption gain"].estimate.value) == pytest.approx(gain.value.mean())
    parts = [float(measures[name].estimate.value) for name in ("elbo", "reconstruction", "kl")]
    assert parts[0] == pytest.approx(parts[1] - parts[2])


def test_pictures_are_told_with_the_words_that_were_heeded(fitted):
    told = fitted.heeded(4, seed=2)
    assert told.pictures.shape == (4, 2, 3)
    assert sorted(" ".join(one) for one in told.words) == ["", "a one left", "a two", "right left two one"]
    for weights, words in zip(told.weights, told.words, strict=True):
        assert weights.shape == (2, len(words))
        np.testing.assert_allclose(weights.sum(1), min(len(words), 1), rtol=1e-6)
    strokes = fitted.strokes(5)
    assert strokes.pictures.shape == (5, 2, 2, 3)
    assert strokes.windows.shape == (5, 2, 4)


def test_the_canvas_starts_at_the_training_means():
    data = toy()
    found = AlignDRAW(**SMALL).untrained(data)
    mean = data.train.x.mean(0).ravel()
    np.testing.assert_allclose(torch.sigmoid(found.net.canvas).detach(), mean, rtol=1e-5)


def test_it_learns_which_corner_is_meant():
    data = load_data("captioned-digits")
    data = data.cut(2000, 100, 100)
    small = {"steps": 3, "latent_size": 3, "hidden_size": 32, "stride": 3, "embedding_size": 8, "caption_size": 16}
    trainer = TrainerConfig(epochs=3, batch_size=25, threads=1).changed(optimiser={"learning_rate": 1e-2, "clip": 20})
    found = AlignDRAW(**small, align_size=16).fit(data, trainer=trainer)
    gain = found.caption_gain(data.test).mean()
    assert gain.value > 10
    independent = found.baselines(data.train, data.test)["log p"][INDEPENDENT]
    assert found.score(data.test).value > independent + 10


# ------------------------------------------------------------------------------------------------ errors


def test_what_it_cannot_use_is_refused(fitted):
    test = toy().test
    with pytest.raises(ShapeError, match="aligndraw: learns from captioned, got rows of shape"):
        fitted.log_prob(np.zeros((3, 6)))
    with pytest.raises(DataError, match=r"aligndraw: pictures must hold 0 and 1, got 0\.5 in picture 0; binarise"):
        fitted.log_prob(replace(test, x=test.x * 0 + np.float32(0.5)))
    with pytest.raises(DataError, match=r"aligndraw: pictures must hold probabilities from 0 to 1, got 2 in picture 0"):
        fitted.encode(replace(test, x=test.x * 0 + 2))
    with pytest.raises(DataError, match="aligndraw: does not know the word 'lefty'; did you mean left"):
        fitted.draw(["a two lefty"])
    with pytest.raises(DataError, match="aligndraw: words must be numbers from 0 to 4, got 1 to 5; number them as"):
        fitted.draw([[1, 5]])
    said = re.escape("aligndraw: needs the rows and columns of pictures of 18 pixels, got 3 x 2 x 3; set shape")
    with pytest.raises(ConfigError, match=said):
        AlignDRAW().build(Spec("captioned", (3, 2, 3), vocabulary=5, longest=4))


def test_strings_need_known_words():
    data = toy()
    nameless = DataSet("nameless", *(replace(data.part(one), words=None) for one in ("train", "valid", "test")))
    found = AlignDRAW(**SMALL, steps=1).untrained(nameless)
    with pytest.raises(ShapeError, match="aligndraw: the words of its data are not known, got 'a two'; give word numb"):
        found.draw(["a two"])
    assert found.heeded(4).words[1] == ["0", "1", "3"]


def test_no_captions_make_no_pictures_and_one_string_is_no_list_of_captions(fitted):
    side = fitted.draw([""]).shape[1:]
    assert fitted.draw([]).shape == fitted.sample(0).shape == (0, *side)
    with pytest.raises(ShapeError, match="aligndraw: captions must be a sequence of them, got 'a one' alone; put it"):
        fitted.draw("a one")


def test_captions_in_other_words_are_refused_by_name():
    part = Captioned(np.zeros((1, 1, 2, 3)), 5, caption=Ragged.of([[0]]), words=WORDS[::-1])
    with pytest.raises(ShapeError, match="aligndraw: the words are not those it learned, got captioned"):
        model().log_prob(part)
