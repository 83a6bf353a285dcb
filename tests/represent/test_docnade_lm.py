"""Tests of irkit.represent.docnade_lm: its two parts by themselves, enumerated documents, causality, samples."""

import itertools

import numpy as np
import pytest
import torch

from irkit.errors import AbilityError, ConfigError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.learn.phases import Now
from irkit.represent import DocNADE, DocNADELM
from irkit.represent.docnade import DocNADEConfig
from irkit.represent.docnade_lm import DocNADELMConfig
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives
from tests.represent.batches import padded

V = 3
RNG = torch.Generator()
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")
DOCS = Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in ([0, 1, 1, 2], [2], [], [1, 0], [1, 2, 0])]), V)
PARTS = pytest.mark.parametrize("parts", [{}, {"ngram": False}, {"topics": False}], ids=["both", "topics", "ngram"])


def random_net(**settings):
    """A net of weights far from where training starts."""
    torch.manual_seed(0)
    config = DocNADELMConfig(**{"order": 3, "hidden_size": 4, "embedding_size": 5} | settings)
    net = DocNADELM(config).build(DOCS.spec).double().eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    return net


def each_log_p(net, document):
    """Return log p of each symbol of a document: (T + 1,)."""
    symbols = torch.tensor([*document, net.end])
    return net.words.log_prob(net.before(padded(document))[0], symbols)


# ---------------------------------------------------------------------- exact


def test_with_weights_of_topics_of_zero_it_is_a_neural_ngram_model():
    net = random_net()
    net.w.data.zero_()
    document, n = [2, 0, 0, 1], 3
    symbols, total = [V] * (n - 1) + document + [V], 0.0
    for at in range(n - 1, len(symbols)):
        h = torch.tanh(net.b + sum(net.e[symbols[at - k]] @ net.u[k - 1] for k in range(1, n)))
        scores = net.words.weight @ h + net.words.bias
        total += scores[symbols[at]] - scores.logsumexp(0)
    torch.testing.assert_close(net.score(padded(document), RNG)[0], total)
    without = random_net(topics=False)
    without.load_state_dict({name: value for name, value in net.state_dict().items() if name != "w"})
    torch.testing.assert_close(without.score(padded(document), RNG)[0], total)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("softmax", ["full", "tree", "sampled"])
def test_without_ngrams_it_is_docnade_in_the_order_of_the_document_and_of_its_end(softmax, activation):
    net = random_net(ngram=False, softmax=softmax, activation=activation)
    torch.manual_seed(0)
    docnade = DocNADE(DocNADEConfig(hidden_size=4, softmax=softmax, activation=activation))
    other = docnade.build(Tokens(DOCS.x, V + 1).spec).double()
    with torch.no_grad():
        other.c.copy_(net.b)
        other.w.copy_(torch.cat([net.w, torch.full((1, 4), torch.nan, dtype=torch.float64)])[: V + 1])
        other.w[V] = 7.0  # END comes last: what it adds to words after it is never seen
        other.words.load_state_dict(net.words.state_dict())
    for document in ([], [1], [2, 0, 0, 1]):
        expected = other.log_prob(padded([*document, V]))
        torch.testing.assert_close(net.score(padded(document), RNG), expected)


@PARTS
@pytest.mark.parametrize("softmax", ["full", "tree", "sampled"])
def test_the_probabilities_of_all_documents_up_to_four_words_and_of_longer_beginnings_sum_to_one(softmax, parts):
    net = random_net(softmax=softmax, **parts)
    every = [one for n in range(5) for one in itertools.product(range(V), repeat=n)]
    ended = net.score(padded(*every), RNG).exp().sum()
    # The mass of longer documents: that of each beginning of five words, whose END is taken off again.
    five = padded(*itertools.product(range(V), repeat=5))
    end = net.words.log_prob_all(net.before(five)[:, -1])[:, V]
    longer = (net.score(five, RNG) - end).exp().sum()
    assert longer > 1e-4
    assert (ended + longer).item() == pytest.approx(1, abs=1e-12)


@PARTS
def test_a_word_is_predicted_from_those_before_it_alone(parts):
    net = random_net(**parts)
    one, other = each_log_p(net, [2, 0, 1, 1, 0]), each_log_p(net, [2, 0, 1, 2, 2])
    torch.testing.assert_close(one[:3], other[:3], rtol=0, atol=0)
    assert not torch.isclose(one[3:], other[3:]).any()


def test_ngrams_see_the_last_words_by_place_and_topics_all_as_a_set():
    swapped = [2, 0, 1, 1, 0], [0, 2, 1, 1, 0]
    ngram, topics = (random_net(**parts) for parts in ({"topics": False}, {"ngram": False}))
    one, other = (each_log_p(ngram, document) for document in swapped)
    torch.testing.assert_close(one[4:], other[4:], rtol=0, atol=0)  # the first two are out of sight of a trigram
    assert not torch.isclose(one[2:4], other[2:4]).any()
    one, other = (each_log_p(topics, document) for document in swapped)
    torch.testing.assert_close(one[2:], other[2:])


@PARTS
def test_gradients_are_those_of_differences(parts):
    net, words = random_net(**parts), padded([0, 1, 1, 2], [2], [])
    weights = dict(net.named_parameters())

    def log_p(*values):
        return torch.func.functional_call(net, dict(zip(weights, values, strict=True)), (words, RNG))

    net.forward = net.score
    assert torch.autograd.gradcheck(log_p, tuple(weights.values()))


@PARTS
def test_padding_and_neighbours_change_nothing(parts):
    net = random_net(**parts)
    documents = ([0, 1, 1, 2], [2], [], [1, 0])
    alone = [padded(one) for one in documents]
    torch.testing.assert_close(net.score(padded(*documents), RNG), torch.cat([net.score(one, RNG) for one in alone]))
    if net.w is not None:
        torch.testing.assert_close(net.encode(padded(*documents)), torch.cat([net.encode(one) for one in alone]))


def test_vectors_are_those_of_docnade_whatever_the_order():
    net = random_net()
    found = net.encode(padded([1, 2, 2], [2, 1, 2], []))
    expected = torch.tanh(net.b + torch.stack([net.w[1] + 2 * net.w[2]] * 2 + [torch.zeros(4)]))
    torch.testing.assert_close(found, expected)


@PARTS
@pytest.mark.parametrize("softmax", ["full", "tree"])
def test_the_loss_is_minus_log_p_over_symbols_of_the_first_of_them(softmax, parts):
    batch, now = padded([0, 1, 1, 2, 0], [2], []), Now(0, 0, 0.0, RNG)
    net = random_net(softmax=softmax, **parts)
    torch.testing.assert_close(net.loss(batch, now).total, -net.score(batch, RNG).sum() / (6 + 2 + 1))
    net.most = 3
    first = each_log_p(net, [0, 1, 1, 2, 0])[:3].sum() + net.score(batch, RNG)[1:].sum()
    torch.testing.assert_close(net.loss(batch, now).total, -first / (3 + 2 + 1))


@PARTS
def test_samples_have_their_documents_probabilities(parts):
    net = random_net(**parts)
    net.longest.fill_(5)
    x, lengths, _ = net.sample(20_000, torch.Generator().manual_seed(1))
    assert lengths.max() == 5
    for document in ([], [0], [2, 1], [1, 1, 0]):
        p = net.score(padded(document), RNG).exp().item()
        same = (lengths == len(document)) & (x[:, : len(document)] == torch.tensor(document, dtype=torch.int64)).all(1)
        assert same.double().mean().item() == pytest.approx(p, abs=4 * (p / 20_000) ** 0.5)
    assert not (x * (torch.arange(5) >= lengths[:, None])).any()


# ---------------------------------------------------------------------- the model


@PARTS
def test_it_keeps_to_the_contract_of_models(parts, tmp_path):
    model = DocNADELM(DocNADELMConfig(order=3, hidden_size=5, embedding_size=4, dropout=0.2, **parts))
    data = DataSet("toy", DOCS, DOCS, DOCS)
    check_model(model, data, tmp_path / "checked")
    if not parts:
        check_that_it_survives(model, data, TRAINER, tmp_path / "run", step=2)


def test_perplexities_count_the_end_and_are_exact():
    model = DocNADELM(DocNADELMConfig(hidden_size=3)).fit(DOCS, trainer=TRAINER)
    nats, words = -model.log_prob(DOCS).value, DOCS.x.lengths + 1
    found = model.measures(DOCS)
    assert found["perplexity by document"].estimate.value == pytest.approx(np.exp((nats / words).mean()))
    assert found["perplexity by token"].estimate.value == pytest.approx(np.exp(nats.sum() / words.sum()))
    assert found["nats a token"].estimate.kind == "exact"


def test_it_begins_at_the_frequencies_of_words_and_end():
    model = DocNADELM(DocNADELMConfig(hidden_size=3))
    net = model.build(DOCS.spec)
    net.start(DOCS)
    torch.nn.init.zeros_(net.words.weight)
    found = net.words.log_prob_all(torch.zeros(1, 3)).exp()[0]
    torch.testing.assert_close(found, torch.tensor([4, 5, 4, 6]) / 19)
    assert net.longest == 4


def test_of_one_word_documents_have_a_length():
    """With a vocabulary of one there are documents of 0, 1, 2 .. words, whose probabilities fall off geometrically."""
    docs = Tokens(Ragged.of([[0, 0], [], [0]]), 1)
    fitted = DocNADELM(DocNADELMConfig(order=2, hidden_size=3, topics=False)).fit(docs, trainer=TRAINER)
    p = np.exp(fitted.log_prob(Tokens(Ragged.of([[0] * n for n in range(200)]), 1)).value)
    assert p.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(p[2:] / p[1:-1], p[2] / p[1], rtol=1e-4)


def test_what_cannot_be_is_said_in_a_line():
    with pytest.raises(ConfigError, match="with neither topics nor ngram there is nothing to predict from"):
        DocNADELMConfig(topics=False, ngram=False)
    model = DocNADELM(DocNADELMConfig(topics=False, hidden_size=3)).fit(DOCS, trainer=TRAINER)
    with pytest.raises(AbilityError, match="docnade-lm: does not encode"):
        model.encode(DOCS)
    assert len(model.topics(2)) == 3


def test_order_and_topic_are_learned_each_by_its_part():
    """The first word says what the last will be; between them words go round a circle, in which order says all."""
    rng = np.random.default_rng(0)
    each = []
    for _ in range(300):
        topic, start = rng.integers(2), rng.integers(3)
        each.append(np.concatenate([[3 + topic], (start + np.arange(8)) % 3, [5 + topic]]))
    data = DataSet("topics", *(Tokens(Ragged.of(part), 7) for part in (each[:200], each[200:250], each[250:])))
    rule = DocNADELM.trainer.optimiser.changed(learning_rate=0.01)
    trainer = DocNADELM.trainer.changed(epochs=12, batch_size=20, optimiser=rule, device="cpu")
    nats = {}
    for name, parts in {"both": {}, "topics": {"ngram": False}, "ngram": {"topics": False}}.items():
        config = DocNADELMConfig(order=3, hidden_size=16, embedding_size=8, **parts)
        fitted = DocNADELM(config).fit(data, trainer=trainer)
        nats[name] = float(fitted.values(data.test)["nats a token"].value.mean())
    assert nats["both"] < 0.8 * min(nats["topics"], nats["ngram"])
