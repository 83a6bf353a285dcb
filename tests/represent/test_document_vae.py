"""Tests of irkit.represent.document_vae: integration over z, unigram limits, order, padding, a planted plane."""

import itertools
import math

import numpy as np
import pytest
import torch

from irkit.errors import DataError, ShapeError
from irkit.io.kinds import Bags, DataSet, Ragged, Tokens
from irkit.learn import OptimiserConfig, Padded, TrainerConfig
from irkit.learn.objectives import KLSchedule
from irkit.learn.phases import Now
from irkit.represent.document_vae import DocumentVAE, DocumentVAEConfig
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives

V = 4
ENCODERS = pytest.mark.parametrize("encoder", ["mlp", "lstm", "gru"])
RECURRENT = pytest.mark.parametrize("encoder", ["lstm", "gru"])
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")


def documents(each, vocabulary=V, labels=None):
    return Tokens(Ragged.of([np.asarray(one, dtype=np.int64) for one in each]), vocabulary, labels=labels)


DOCS = documents([[0, 1, 1, 3], [2], [3, 3, 0, 3, 3, 2, 1, 0], [1, 0], [1, 2, 3, 0, 2]])


def model(scale=0.7, **config) -> DocumentVAE:
    """A fitted model of float64 weights far from where training starts, its posterior not far from the prior."""
    sizes = {"hidden_size": 5, "embedding_size": 3, "decoder_size": 4}
    found = DocumentVAE(DocumentVAEConfig(**{**sizes, **config}))
    torch.manual_seed(0)
    found.spec = DOCS.spec
    found.net = found.build(DOCS.spec).double().eval()
    with torch.no_grad():
        for parameter in found.net.parameters():
            parameter.normal_(0, scale)
        for head in (found.net.mean, found.net.log_var):
            for parameter in head.parameters():
                parameter *= 0.15
    return found


def padded(each, width=0):
    x = torch.zeros(len(each), max([width, *map(len, each)]), dtype=torch.int64)
    for row, one in zip(x, each, strict=True):
        row[: len(one)] = torch.tensor(one, dtype=torch.int64)
    return Padded(x, torch.tensor([len(one) for one in each]))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def integrated(net, words, latent):
    """Return log p of one document by a sum over a grid of z, its probabilities written out word by word."""
    axis = np.linspace(-7, 7, 281)
    z = np.array(list(itertools.product(axis, repeat=latent)))
    weights = {name: one.detach().numpy() for name, one in net.state_dict().items()}
    h = z if net.config.decoder_size == 0 else np.tanh(z @ weights["f.0.weight"].T + weights["f.0.bias"])
    p = np.exp(h @ weights["out.weight"].T + weights["out.bias"])
    p /= p.sum(1, keepdims=True)
    prior = np.exp(-0.5 * (z**2).sum(1)) / (2 * math.pi) ** (latent / 2)
    return math.log((p[:, words].prod(1) * prior).sum() * (axis[1] - axis[0]) ** latent)


# ---------------------------------------------------------------------- exact


@ENCODERS
@pytest.mark.parametrize(("latent", "decoder_size"), [(1, 0), (2, 4)])
def test_the_bounds_lie_below_log_p_by_integration_and_rise_to_it(encoder, latent, decoder_size):
    found = model(encoder=encoder, latent_size=latent, decoder_size=decoder_size)
    each = [[0, 1, 1, 3], [2], [3, 0, 3, 3]]
    truth = np.array([integrated(found.net, one, latent) for one in each])
    with torch.no_grad():
        log_w = found.net.log_weights(padded(each), 40_000, rng())
        elbo = found.net.score(padded(each * 3000), rng(1)).view(3000, 3)
    by_one = log_w.mean(0).numpy()
    by_ten = (log_w.view(4000, 10, 3).logsumexp(1) - math.log(10)).mean(0).numpy()
    by_all = (log_w.logsumexp(0) - math.log(40_000)).numpy()
    assert (by_one < by_ten).all()
    assert (by_ten < truth).all()
    np.testing.assert_allclose(by_all, truth, atol=0.02)
    assert (elbo.mean(0).numpy() < truth).all()
    errors = elbo.std(0).numpy() / math.sqrt(3000) + log_w.std(0).numpy() / 200
    assert (np.abs(elbo.mean(0).numpy() - by_one) < 5 * errors).all(), "one sample's bound is the ELBO"


def test_all_documents_of_two_words_have_probability_one():
    net = model(decoder_size=0, latent_size=1).net
    total = sum(math.exp(integrated(net, list(one), 1)) for one in itertools.product(range(V), repeat=2))
    assert total == pytest.approx(1, abs=1e-9)


def test_the_stated_error_covers_the_truth():
    found = model(latent_size=1)
    estimate = found.log_prob(DOCS, samples=5000)
    truth = [integrated(found.net, one.tolist(), 1) for one in DOCS.x]
    assert estimate.kind == "lower_bound"
    assert (np.abs(estimate.value - truth) < 4.5 * estimate.stderr).all()
    assert 0 < estimate.ess < 1


@ENCODERS
def test_an_inference_network_that_says_nothing_costs_nothing(encoder):
    net = model(encoder=encoder).net
    with torch.no_grad():
        for head in (net.mean, net.log_var):
            head.weight.zero_(), head.bias.zero_()
        bound = net.bound(padded([[0, 1], [3]]), rng())
    assert bound.kl.abs().max() == 0
    torch.testing.assert_close(bound.elbo, bound.reconstruction)


@pytest.mark.parametrize("decoder_size", [0, 4])
def test_a_decoder_of_zeros_gives_the_unigram_distribution_exactly(decoder_size):
    found = DocumentVAE(DocumentVAEConfig(hidden_size=3, decoder_size=decoder_size))
    net = found.build(DOCS.spec).double()
    net.start(DOCS)
    with torch.no_grad():
        net.out.weight.zero_()
        bound = net.bound(padded([[0, 1, 1, 3], []]), rng())
    p = np.array([5, 5, 4, 6]) + 1  # counts of the terms in DOCS, and one
    p = p / p.sum()
    expected = np.log(p[[0, 1, 1, 3]]).sum()
    torch.testing.assert_close(bound.reconstruction, torch.tensor([expected, 0], dtype=torch.float64))
    np.testing.assert_allclose(net.decode(torch.randn(2, 2).double()).detach(), [p, p], rtol=1e-12)


@pytest.mark.parametrize("counts", ["log", "raw"])
def test_an_mlp_is_a_hidden_layer_of_counts(counts):
    net = model(counts=counts).net
    n = torch.tensor([1, 2, 0, 1], dtype=torch.float64)
    h = torch.tanh((torch.log(1 + n) if counts == "log" else n) @ net.reader.hidden.weight.T + net.reader.hidden.bias)
    mean, log_var = net.posterior(padded([[3, 1, 0, 1]]))
    torch.testing.assert_close(mean[0], net.mean(h))
    torch.testing.assert_close(log_var[0], net.log_var(h))


@RECURRENT
@pytest.mark.parametrize(("reads", "part"), [("first", [3, 3, 0]), ("last", [2, 1, 0])])
def test_a_recurrent_network_gives_its_state_after_so_many_words(encoder, reads, part):
    net = model(encoder=encoder, longest=3, reads=reads).net
    cell = (torch.nn.LSTMCell if encoder == "lstm" else torch.nn.GRUCell)(3, 5).double()
    cell.load_state_dict({name.removesuffix("_l0"): one for name, one in net.reader.body.state_dict().items()})
    state = None
    for word in part:
        state = cell(net.reader.words.weight[word][None], state)
    h = state[0] if encoder == "lstm" else state
    together = padded([[3, 3, 0, 3, 3, 2, 1, 0], [1, 2]])
    torch.testing.assert_close(net.posterior(together)[0][:1], net.mean(h))
    short, whole = together.x[:1, :3], net.likelihood(together, torch.zeros(2, 2).double())[0]
    assert whole < net.likelihood(Padded(short, torch.tensor([3])), torch.zeros(1, 2).double())[0], "all words count"


@ENCODERS
def test_order_is_seen_by_recurrent_networks_alone(encoder):
    net = model(encoder=encoder).net
    first, second = (net.encode(padded([one])) for one in ([0, 1, 3, 2, 1], [1, 2, 0, 1, 3]))
    assert torch.equal(first, second) == (encoder == "mlp")
    assert encoder == "mlp" or (first - second).abs().max() > 1e-3


@ENCODERS
@pytest.mark.parametrize("reads", ["first", "last"])
def test_padding_reaches_neither_the_bound_nor_its_gradient(encoder, reads):
    net = model(encoder=encoder, reads=reads, longest=3).net
    each = [[0, 1, 1, 3, 2], [2], [], [3, 3]]

    def bounds(parts):
        # One noise for all parts: z at fixed places of each posterior.
        found = [(words, *net.posterior(words)) for words in parts]
        both = [
            net.likelihood(words, mean + 0.3 * log_var.exp()) - mean.square().sum(1) for words, mean, log_var in found
        ]
        return torch.cat(both)

    together, alone = bounds([padded(each, width=9)]), bounds([padded([one]) for one in each])
    torch.testing.assert_close(together, alone)
    for one, other in zip(
        *(torch.autograd.grad(found.sum(), list(net.parameters())) for found in (together, alone)), strict=True
    ):
        torch.testing.assert_close(one, other)


@ENCODERS
def test_gradients_are_those_of_differences(encoder):
    net, words = model(encoder=encoder).net, padded([[0, 1, 1, 3], [2, 0]])
    names, weights = zip(*net.named_parameters(), strict=True)

    def elbo(*given):
        class Bound(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.net = net

            def forward(self):
                return self.net.score(words, rng())

        return torch.func.functional_call(
            Bound(), {f"net.{name}": one for name, one in zip(names, given, strict=True)}, ()
        )

    assert torch.autograd.gradcheck(elbo, tuple(one.detach().requires_grad_() for one in weights))


@pytest.mark.parametrize(
    ("config", "weight", "floor"),
    [({}, 1.0, 0.0), ({"kl": KLSchedule(shape="linear", over=0.5)}, 0.5, 0.0), ({"free_bits": 100.0}, 1.0, 100.0)],
)
def test_the_loss_is_minus_the_elbo_with_its_weight_and_floor(config, weight, floor):
    net, words = model(**config).net, padded([[0, 1, 1, 3], [2, 0]])
    loss, bound = net.loss(words, Now(5, 0, 0.25, rng())), net.bound(words, rng())
    kl = 2 * floor if floor else bound.kl.sum(1).mean().item()
    assert loss.total.item() == pytest.approx(-bound.reconstruction.mean().item() + weight * kl, rel=1e-12)
    assert net.follows_budget == ("kl" in config)


# ---------------------------------------------------------------------- the model


@ENCODERS
def test_it_keeps_to_the_contract_of_models(encoder, tmp_path):
    small = DocumentVAE(
        DocumentVAEConfig(hidden_size=4, embedding_size=3, decoder_size=3, encoder=encoder, dropout=0.2)
    )
    data = DataSet("toy", DOCS, DOCS, DOCS)
    check_model(small, data, tmp_path / "checked")
    check_that_it_survives(small, data, TRAINER, tmp_path / "run", step=2)


def test_bags_are_the_same_documents_to_an_mlp_and_refused_by_the_others():
    bags = Bags(Ragged.of([[0, 1, 3], [2]]), V, counts=Ragged.of([[1, 2, 1], [1]]))
    found = model()
    np.testing.assert_allclose(found.encode(bags), found.encode(DOCS)[:2], rtol=1e-6)
    np.testing.assert_allclose(found.log_prob(bags).value, found.log_prob(documents([[0, 1, 1, 3], [2]])).value)
    recurrent = DocumentVAE(DocumentVAEConfig(encoder="gru"))
    with pytest.raises(ShapeError, match=r"an encoder gru reads words in their order, got bags of 4 terms; give it"):
        recurrent.fit(bags)


def test_values_are_the_bound_by_document_and_by_word_and_the_kl():
    each = [[0, 0, 0, 1]] * 7 + [[3, 2, 3, 3, 2, 2]] * 6 + [[0, 1, 0]]
    docs = documents(each, labels=np.array([0] * 7 + [1] * 7))
    found = model(scale=1.0)
    values = found.values(docs, samples=20, seed=3)
    assert list(values) == list(found.quantities) == ["log p", "nats a word", "nats a token", "kl"]
    bound, lengths = found.log_prob(docs, samples=20, seed=3).value, np.array([*[4] * 7, *[6] * 6, 3])
    np.testing.assert_allclose(values["log p"].value, bound)
    np.testing.assert_allclose(values["nats a word"].value, -bound / lengths)
    np.testing.assert_allclose(values["nats a token"].value, -bound * 14 / 67)
    mean, log_var = (one.detach() for one in found.net.posterior(padded(each)))
    q, p = torch.distributions.Normal(mean, (log_var / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    np.testing.assert_allclose(values["kl"].value, torch.distributions.kl_divergence(q, p).sum(1), rtol=1e-9)
    for given, inferred in zip(found.posteriors(docs), (q.mean, q.variance), strict=True):
        np.testing.assert_allclose(given, inferred, rtol=1e-9)
    report = {name: one.estimate.value for name, one in found.measures(docs, samples=20).items()}
    assert report["elbo"] == pytest.approx(report["reconstruction"] - report["kl"])
    assert report["perplexity by token"] == pytest.approx(math.exp(-found.log_prob(docs, samples=20).value.sum() / 67))
    assert report["knn_5_accuracy"] == pytest.approx(13 / 14), "the last one's neighbours are of the other class"
    assert report["active_units"] == int((mean.var(0, unbiased=False) > 0.01).sum())
    assert "knn_5_accuracy" not in found.measures(DOCS)
    frequent = np.array([6, 6, 5, 7]) / 24
    unigram = np.mean([np.log(frequent[one]).sum() for one in each])
    assert found.baselines(DOCS, docs)["log p"]["unigram"] == pytest.approx(unigram)
    with pytest.raises(DataError, match="has no perplexity, got 1 of 2"):
        found.values(documents([[1], []]))


def test_samples_are_as_long_as_training_documents_and_words_follow_the_decoder():
    found = model(decoder_size=0, latent_size=1)
    with torch.no_grad():
        found.net.start(DOCS)
        found.net.out.weight.copy_(torch.tensor([[9.0], [9.0], [-9.0], [-9.0]]))
    drawn = found.sample(400, seed=1)
    assert {len(one) for one in drawn} == {1, 2, 4, 5, 8}
    low = np.array([np.mean(one < 2) for one in drawn if len(one) == 8])
    assert np.mean((low < 0.1) | (low > 0.9)) > 0.7, "a document is of one side"
    assert np.mean(low) == pytest.approx(0.5, abs=0.15)
    np.testing.assert_allclose(found.decode(np.zeros((1, 1)))[0], np.array([6, 6, 5, 7]) / 24, rtol=1e-6)


# ---------------------------------------------------------------------- training


@ENCODERS
def test_planted_topics_become_a_plane(encoder):
    rng = np.random.default_rng(0)
    topics = np.full((3, 15), 0.01)
    for topic in range(3):
        topics[topic, 5 * topic : 5 * topic + 5] = 0.18
    kinds = rng.integers(3, size=300)
    each = [rng.choice(15, size=10, p=topics[kind]) for kind in kinds]
    parts = [documents(each[a:b], 15, kinds[a:b]) for a, b in ((0, 240), (240, 300))]
    config = DocumentVAEConfig(encoder=encoder, hidden_size=16, embedding_size=8, decoder_size=16)
    trainer = TrainerConfig(epochs=15, batch_size=10, optimiser=OptimiserConfig(learning_rate=0.01), device="cpu")
    fitted = DocumentVAE(config).fit(parts[0], trainer=trainer)
    found = {name: one.estimate.value for name, one in fitted.measures(parts[1], samples=20).items()}
    assert found["nats a word"] < 0.9 * np.log(15)
    assert found["active_units"] == 2
    assert found["knn_5_accuracy"] > 0.9
