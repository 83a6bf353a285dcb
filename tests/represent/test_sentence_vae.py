"""Tests of irkit.represent.sentence_vae: bounds below integrals, its two degenerate cases, lines between sentences."""

import itertools

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError, ShapeError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import Padded, TrainerConfig
from irkit.learn.distributions import gaussian_kl
from irkit.learn.latent import standard_normal
from irkit.learn.objectives import KLSchedule
from irkit.learn.phases import Now
from irkit.represent import RNNLM, DocumentVAE, SentenceVAE
from irkit.represent.rnnlm import RNNLMConfig
from irkit.represent.sentence_vae import SentenceVAEConfig
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives
from tests.represent.batches import padded

V = 3
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")
DOCS = Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in ([0, 1, 1, 2], [2], [], [1, 0], [1, 2, 0])]), V)
CELLS = ("lstm", "gru")


def random_model(scale=1.0, **settings):
    torch.manual_seed(0)
    model = SentenceVAE(SentenceVAEConfig(**{"embedding_size": 4, "hidden_size": 5, "latent_size": 1, **settings}))
    net = model.build(DOCS.spec).double().eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    model.net, model.spec = net, DOCS.spec
    net.longest.fill_(6)
    return model


def rng(seed=1):
    return torch.Generator().manual_seed(seed)


def integral(net, sentence):
    """Log p of a sentence by the trapezoid rule over z."""
    z = torch.linspace(-9, 9, 601, dtype=torch.float64)[:, None]
    joint = net.likelihood(padded(*[sentence] * len(z)), z) + standard_normal(z)
    return joint.logsumexp(0) + np.log(18 / 600)


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_the_bounds_rise_to_the_integral_over_z(cell):
    net = random_model(cell=cell).net
    for sentence in ([0, 1, 2], []):
        exact = integral(net, sentence).item()
        many = padded(*[sentence] * 300)
        elbo = net.score(many, rng()).mean().item()
        one, ten, most = (
            (net.log_weights(many, k, rng(k)).logsumexp(0) - np.log(k)).mean().item() for k in (1, 10, 200)
        )
        assert elbo == pytest.approx(one, abs=0.3)
        assert elbo < ten < most < exact + 0.02
        assert most == pytest.approx(exact, abs=0.05)


@torch.no_grad()
def test_importance_estimates_of_all_sentences_and_of_longer_beginnings_sum_to_one():
    model = random_model(scale=0.7)
    net = model.net
    every = [one for n in range(3) for one in itertools.product(range(V), repeat=n)]
    log_p = net.log_weights(padded(*every), 3000, rng()).logsumexp(0) - np.log(3000)
    z = torch.randn(3000, 1, dtype=torch.float64, generator=rng())
    three = padded(*itertools.product(range(V), repeat=3))
    longer = 0.0
    for document in three.x:  # the probability of a beginning, z by z, is that of its sentence over END's behind it
        begun = Padded(document.expand(len(z), -1), three.lengths[:1].expand(len(z)))
        end = net.words.log_prob_all(net.states(begun, z).view(len(z), 4, -1)[:, -1])[:, V]
        longer += (net.likelihood(begun, z) - end).exp().mean()
    assert (log_p.exp().sum() + longer).item() == pytest.approx(1, abs=0.02)
    assert 0.02 < longer < 0.98


@torch.no_grad()
def test_given_z_the_sentences_up_to_four_words_and_longer_beginnings_sum_to_one():
    net = random_model().net
    z = torch.full((1, 1), 0.7, dtype=torch.float64)
    every = [one for n in range(5) for one in itertools.product(range(V), repeat=n)]
    ended = net.likelihood(padded(*every), z.expand(len(every), -1)).exp().sum()
    five = padded(*itertools.product(range(V), repeat=5))
    states = net.states(five, z.expand(len(five.x), -1)).view(len(five.x), 6, -1)
    end = net.words.log_prob_all(states[:, -1])[:, V]
    longer = (net.likelihood(five, z.expand(len(five.x), -1)) - end).exp().sum()
    assert (ended + longer).item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_when_z_is_ignored_it_is_the_language_model_of_the_same_weights(cell):
    model = random_model(cell=cell)
    net = model.net
    for one in (net.mean, net.log_var, net.writer.first):
        one.weight.zero_(), one.bias.zero_()
    net.writer.layer.weight_ih_l0[:, 4:] = 0
    plain = RNNLM(RNNLMConfig(cell=cell, embedding_size=4, hidden_size=5))
    plain.net, plain.spec = plain.build(DOCS.spec).double().eval(), DOCS.spec
    plain.net.reader.embedding.copy_(net.embedding)
    weights = net.writer.layer.state_dict()
    plain.net.reader.layer.load_state_dict({**weights, "weight_ih_l0": weights["weight_ih_l0"][:, :4]})
    plain.net.words.load_state_dict(net.words.state_dict())
    expected = plain.log_prob(DOCS).value
    found = model.log_prob(DOCS, samples=3)
    np.testing.assert_allclose(found.value, expected, atol=1e-12)
    assert found.kind == "lower_bound"
    assert model.score(DOCS).value == pytest.approx(expected.mean())
    measures = model.measures(DOCS, samples=2)
    assert measures["nats a sentence"].estimate.value == pytest.approx(-expected.mean())
    assert (measures["kl"].estimate.value, measures["active_units"].estimate.value) == (0, 0)


def test_without_words_predictions_do_not_depend_on_those_before():
    model = random_model(word_dropout=1.0)
    net, z = model.net, torch.full((2, 1), 0.4, dtype=torch.float64)
    states = net.states(padded([0, 1, 1, 2], [2, 0, 2, 1]), z).view(2, 5, -1)
    torch.testing.assert_close(states[0], states[1])
    with_words = random_model(word_dropout=0.9).net.states(padded([0, 1, 1, 2], [2, 0, 2, 1]), z).view(2, 5, -1)
    assert not torch.allclose(with_words[0], with_words[1])


def test_without_words_samples_are_those_of_one_hidden_path_a_z():
    net = random_model(word_dropout=1.0).net
    x, lengths, _ = net.sample(20_000, rng())
    for sentence in ([0], [2, 1]):
        p = integral(net, sentence).exp().item()
        same = (lengths == len(sentence)) & (x[:, : len(sentence)] == torch.tensor(sentence)).all(1)
        assert same.double().mean().item() == pytest.approx(p, abs=4 * (p / 20_000) ** 0.5)


def test_samples_have_their_sentences_probabilities():
    net = random_model(every_step=False).net
    x, lengths, _ = net.sample(20_000, rng())
    for sentence in ([], [0], [2, 1]):
        p = integral(net, sentence).exp().item()
        same = (lengths == len(sentence)) & (x[:, : len(sentence)] == torch.tensor(sentence, dtype=torch.int64)).all(1)
        assert same.double().mean().item() == pytest.approx(p, abs=4 * (p / 20_000) ** 0.5)


def test_the_loss_is_minus_the_elbo_with_its_weight_and_floor_over_the_mean_length():
    for settings, weight, floor in (
        ({}, 0.0, 0.0),
        ({"kl": KLSchedule()}, 1.0, 0.0),
        ({"kl": KLSchedule(shape="linear", over=0.1)}, 0.5, 0.0),
        ({"free_bits": 100.0, "kl": KLSchedule()}, 1.0, 100.0),
    ):
        net = random_model(latent_size=2, word_dropout=0.0, **settings).net
        net.length.fill_(4)
        batch = padded([0, 1, 1, 2], [2], [])
        loss = net.loss(batch, Now(1, 0, 0.05, rng(3)))
        bound = net.bound(batch, rng(3))
        kl = 2 * floor if floor else bound.kl.sum(1).mean().item()
        assert loss.total.item() == pytest.approx((-bound.reconstruction.mean().item() + weight * kl) / 4)
        assert loss.parts["reconstruction"].item() == pytest.approx(-bound.reconstruction.mean().item())
        assert loss.parts["kl"].item() == pytest.approx(bound.kl.sum(1).mean().item())
        assert loss.parts["kl_weight"].item() == weight
        assert net.follows_budget == (net.config.kl.shape != "constant")


def test_before_its_kl_counts_it_is_a_noisy_autoencoder():
    net = random_model().net
    batch = padded([0, 1, 1, 2], [2])
    loss = net.loss(batch, Now(1, 0, 0.1, rng(3)))
    parts = torch.autograd.grad(loss.total * net.length, net.mean.weight, retain_graph=True)[0]
    alone = torch.autograd.grad(loss.parts["reconstruction"], net.mean.weight)[0]
    torch.testing.assert_close(parts, alone)
    assert alone.abs().sum() > 0


def test_a_share_of_words_is_blank_while_training_and_never_the_first_end():
    model = random_model(word_dropout=0.3)
    net = model.net
    batch = padded(*[[0, 1, 2, 1]] * 1000)
    seen = {}
    original = net.states

    def states(batch, z, blank=None):
        seen["blank"] = blank
        return original(batch, z, blank)

    net.states = states
    net.loss(batch, Now(1, 0, 0.1, rng(3)))
    assert seen["blank"].shape == batch.x.shape
    assert seen["blank"].double().mean().item() == pytest.approx(0.3, abs=0.03)
    # With every word blank the first symbol is still told by END, not by the blank.
    z = torch.zeros(1000, 1, dtype=torch.float64)
    every = original(batch, z, torch.ones_like(batch.x, dtype=torch.bool)).view(1000, 5, -1)
    torch.testing.assert_close(every[:, 0], original(batch, z).view(1000, 5, -1)[:, 0])


@pytest.mark.parametrize("cell", CELLS)
def test_padding_and_neighbours_change_nothing(cell):
    net = random_model(cell=cell).net
    documents = ([0, 1, 1, 2], [2], [], [1, 0])
    z = torch.randn(4, 1, dtype=torch.float64, generator=rng())
    alone = torch.cat([net.likelihood(padded(one), z[at : at + 1]) for at, one in enumerate(documents)])
    torch.testing.assert_close(net.likelihood(padded(*documents), z), alone)
    torch.testing.assert_close(
        net.encode(padded(*documents)), torch.cat([net.encode(padded(one)) for one in documents])
    )


def test_the_ends_of_a_line_are_written_as_the_ends_are():
    model = random_model(latent_size=2)
    a, b = DOCS.take(np.array([0, 1])), DOCS.take(np.array([3, 4]))
    lines = model.interpolate(a, b, steps=4)
    assert [len(line) for line in lines] == [4, 4]
    for at, ends in ((0, model.reconstruct(a)), (-1, model.reconstruct(b))):
        for line, end in zip(lines, ends, strict=True):
            np.testing.assert_array_equal(line[at], end)
    with pytest.raises(ConfigError, match="sentence-vae: steps must be a whole number, 2 or more, got 1; choose"):
        model.interpolate(a, b, steps=1)
    with pytest.raises(ShapeError, match=r"as many ends as beginnings are needed, got 2 and 1; pair them"):
        model.interpolate(a, b.take(np.array([0])))


def test_a_decoded_sentence_is_the_likeliest_symbol_after_symbol():
    model = random_model()
    z = np.array([[0.3], [-1.2]])
    for at, sentence in enumerate(model.decode(z)):
        here = torch.tensor(z[at : at + 1])
        for n in range(len(sentence) + (len(sentence) < 6)):
            states = model.net.states(padded(sentence[:n].tolist()), here)
            best = model.net.words.log_prob_all(states)[-1].argmax().item()
            assert best == (sentence[n] if n < len(sentence) else V)


def test_it_keeps_to_the_contract_of_models(tmp_path):
    config = SentenceVAEConfig(embedding_size=4, hidden_size=5, latent_size=2)
    data = DataSet("toy", DOCS, DOCS, DOCS)
    check_model(SentenceVAE(config.changed(kl=KLSchedule())), data, tmp_path / "checked")
    check_that_it_survives(SentenceVAE(config), data, TRAINER, tmp_path / "run", step=2)


def test_what_is_common_to_a_sentence_is_kept_in_z():
    # A sentence says one of four words over and over: what is told of it in z need not be told by its first word.
    rows = [np.full(5, start) for start in range(4)] * 40
    data = DataSet("echo", *(Tokens(Ragged.of(part), 4) for part in (rows, rows[:20], rows[:20])))
    rule = SentenceVAE.trainer.optimiser.changed(learning_rate=0.01)
    trainer = SentenceVAE.trainer.changed(epochs=15, batch_size=16, optimiser=rule, device="cpu")
    config = SentenceVAEConfig(embedding_size=8, hidden_size=16, latent_size=2, word_dropout=0.8)
    fitted = SentenceVAE(config).fit(data, trainer=trainer)
    found = fitted.measures(data.test, samples=20)
    assert found["kl"].estimate.value > 0.8
    assert found["nats a sentence"].estimate.value < 3
    kl = [row["value"] for row in fitted.training.rows if row["metric"] == "kl"]
    assert len(kl) == 15


def test_the_divergence_is_that_of_the_posterior():
    model = random_model(latent_size=2)
    mean, log_var = model.net.posterior(padded([0, 1]))
    bound = model.net.bound(padded([0, 1]), rng())
    torch.testing.assert_close(bound.kl, gaussian_kl(mean, log_var))
    given = model.posteriors(Tokens(Ragged.of([[0, 1]]), V))
    for own, inferred in zip(given, (mean, log_var.exp()), strict=True):
        np.testing.assert_allclose(own, inferred.detach(), rtol=1e-9)


@pytest.mark.parametrize("kind", [RNNLM, SentenceVAE, DocumentVAE])
def test_no_documents_are_drawn_where_none_are_asked_for_and_no_number_of_them_is_refused(kind):
    fitted = kind().fit(DOCS, trainer=TRAINER)
    assert fitted.sample(0) == []
    for n in (-1, 2.5, True, "3", None):
        with pytest.raises(ConfigError, match=f"{kind.name}: n must be a whole number, 0 or more, got {n!r}; choose"):
            fitted.sample(n)
    if kind is RNNLM:
        return
    assert len(fitted.decode(np.zeros((0, fitted.latent_size)))) == 0
    with pytest.raises(ShapeError, match=r"must be numbers of shape \(n, \d+\), got \(1, 3\) of float64; give a row"):
        fitted.decode(np.zeros((1, 3)))
    for samples in (0, 2.5, True):
        with pytest.raises(ConfigError, match=f"samples must be a whole number, 1 or more, got {samples}; choose"):
            fitted.log_prob(DOCS, samples=samples)
