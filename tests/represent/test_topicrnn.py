"""Tests of irkit.represent.topicrnn: against RNNLM, the switch summed out by hand, what theta sees, planted topics."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import log_softmax, logsigmoid

from irkit.errors import ConfigError, DataError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.learn.phases import Now
from irkit.learn.streams import Streams
from irkit.represent import RNNLM, TopicRNN
from irkit.represent.rnnlm import RNNLMConfig
from irkit.represent.topicrnn import TopicRNNConfig
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives
from tests.represent.batches import padded

V = 5
WORDS = ("the", "bond", "of", "court", "judge")
STOPS = ("the", "of")
TRAINER = TrainerConfig(epochs=2, batch_size=2, every=1, device="cpu")
DOCS = Tokens(Ragged.of([np.array(one) for one in ([0, 1, 1, 2], [4], [2, 3], [1, 0, 4, 3, 2])]), V, words=WORDS)
TEXT = torch.tensor([0, 1, 1, 2, V, 4, V, 2, 3, V, 1, 0, 4, 3, 2, V])
SIZES = {"embedding_size": 3, "hidden_size": 4, "topics": 2, "inference_size": 3, "window": 4, "steps": 3}
SWITCHES = ("vocab", "position")


def random_model(**settings):
    torch.manual_seed(0)
    model = TopicRNN(TopicRNNConfig(**{**SIZES, "stopwords": STOPS, **settings}))
    model.net, model.spec = model.build(DOCS.spec).double().eval(), DOCS.spec
    for parameter in model.net.parameters():
        torch.nn.init.normal_(parameter)
    model.net.start(DOCS)
    return model


def now():
    return Now(0, 0, 0.0, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("carry", [False, True], ids=["documents", "text in order"])
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("switch", SWITCHES)
def test_without_topics_it_is_the_rnnlm(switch, cell, carry):
    model = random_model(switch=switch, cell=cell, carry=carry)
    net = model.net
    net.topic_weight.data.zero_()
    plain = RNNLM(RNNLMConfig(cell=cell, embedding_size=3, hidden_size=4, carry=carry, steps=3))
    plain.net, plain.spec = plain.build(DOCS.spec).double().eval(), DOCS.spec
    plain.net.reader.load_state_dict(net.reader.state_dict())
    plain.net.words.load_state_dict({"weight": net.weight, "bias": net.bias})
    np.testing.assert_allclose(model.log_prob(DOCS).value, plain.log_prob(DOCS).value)


@pytest.mark.parametrize("switch", SWITCHES)
def test_log_p_is_summed_over_the_switch_and_sums_to_one_over_words_and_the_end(switch):
    net = random_model(switch=switch).net
    h, theta = torch.randn(3, 4).double(), torch.randn(3, 2).double()
    every = torch.arange(V + 1)
    found = torch.stack([net.log_p(h, theta, every[y].expand(3)) for y in range(V + 1)], 1)
    torch.testing.assert_close(found.exp().sum(1), torch.ones(3).double())
    plain = h @ net.weight.T + net.bias
    content = torch.tensor([0, 1, 0, 1, 1, 0]).double()
    if switch == "vocab":
        by_hand = log_softmax(plain + content * (theta @ net.topic_weight.T), 1)
    else:
        off = net.gate(h).sigmoid()
        on = (plain + theta @ net.topic_weight.T).softmax(1)
        by_hand = (off * plain.softmax(1) + (1 - off) * on).log()
    torch.testing.assert_close(found, by_hand)


def test_the_loss_is_minus_log_p_of_words_and_switches_and_the_weighed_divergence():
    net = random_model(switch="position", carry=True, kl_weight=0.1).net
    block = Streams(TEXT, 2, 3, opening=V, before=4).batch(0, 0)
    mean, log_var = net.inference(block.before, net.content)
    noise = torch.randn(mean.shape, generator=now().rng, dtype=torch.float64)
    theta = mean + noise * (log_var / 2).exp()
    h = net.reader.layer(net.reader.embedding[block.seen])[0]
    total = torch.tensor(0.0).double()
    for row in range(2):
        for at, y in enumerate(block.next[row]):
            topic, gate = net.content[y], net.gate(h[row, at])[0]
            scores = net.weight @ h[row, at] + topic * (net.topic_weight @ theta[row]) + net.bias
            total -= scores.log_softmax(0)[y] + logsigmoid(-gate if topic else gate)
    kl = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0)).sum()
    found = net.loss(block, now())
    torch.testing.assert_close(found.total, (total + 0.1 * kl) / 6)
    torch.testing.assert_close(found.parts["kl"], kl / 2)
    assert found.parts["kl"] > 0


@pytest.mark.parametrize("switch", SWITCHES)
def test_gradients_of_the_loss_are_those_of_differences(switch):
    net = random_model(switch=switch).net
    batch = padded([1, 0, 4], [3])
    parameters = [net.topic_weight, net.weight, net.inference.mean.weight, net.inference.log_var.bias]

    def loss(*_):
        return net.loss(batch, now()).total

    assert torch.autograd.gradcheck(loss, parameters)


def test_where_only_stop_words_stand_topics_have_no_gradient():
    net = random_model(switch="position", kl_weight=0.0).net
    topical = [net.topic_weight, *net.inference.parameters()]
    gradients = torch.autograd.grad(net.loss(padded([0, 2, 2], [2]), now()).total, topical, allow_unused=True)
    assert all(one is None or not one.any() for one in gradients)
    gradients = torch.autograd.grad(net.loss(padded([0, 1, 2], [2]), now()).total, topical)
    assert all(one.any() for one in gradients)


def test_theta_is_blind_to_stop_words_and_the_priors_without_others():
    net = random_model().net
    many, few = net.posterior(padded([0, 1, 2, 2, 3, 0], [0, 2])), net.posterior(padded([1, 3], []))
    torch.testing.assert_close(many, few)
    assert not many[0][1].any()
    assert not many[1][1].any()


def test_a_causal_theta_is_of_the_symbols_before_its_block():
    net = random_model(carry=True).net
    block = next(iter(Streams(TEXT, 1, 9, opening=V, before=4)))
    found = net.thetas(block, "causal")[0]
    # Windows of four symbols before symbols 0, 3 and 6.
    windows = torch.tensor([[V, V, V, V], [V, 0, 1, 1], [1, 2, V, 4]])
    torch.testing.assert_close(found[::3], net.inference(windows, net.content)[0])
    torch.testing.assert_close(found[:3], found[:1].expand(3, 2))
    seen = net.thetas(block, "seen")[0]
    torch.testing.assert_close(seen[:3], found[3:6])


@pytest.mark.parametrize("carry", [False, True], ids=["documents", "text in order"])
@pytest.mark.parametrize("switch", SWITCHES)
def test_words_that_come_later_change_nothing_before_them(switch, carry):
    net = random_model(switch=switch, carry=carry).net
    other = TEXT.clone()
    other[7:] = 1
    first, second = (next(iter(Streams(one, 1, 16, opening=V, before=4))) for one in (TEXT, other))
    one, two = net.ahead(first, None)[0], net.ahead(second, None)[0]
    torch.testing.assert_close(one[:, :7], two[:, :7])
    assert not torch.equal(net.ahead(first, None, how="seen")[0][:, :7], net.ahead(second, None, how="seen")[0][:, :7])


def test_text_in_order_is_scored_alike_however_it_is_cut(monkeypatch):
    from irkit.represent import sequences

    model = random_model(switch="position", carry=True)
    whole = model.log_prob(DOCS).value
    monkeypatch.setattr(sequences, "TOGETHER", 6)
    np.testing.assert_allclose(model.log_prob(DOCS).value, whole)


def test_a_theta_that_has_seen_the_words_is_refused_and_shown_as_a_leak_alone():
    model = random_model(switch="position")
    for theta in ("oracle", "seen"):
        with pytest.raises(ConfigError, match=f"topicrnn: log p needs a theta that has not seen .* got '{theta}'"):
            model.values(DOCS, theta=theta)
    found = model.leaks(DOCS)
    assert [*found] == ["LEAK, theta has seen the words", "LEAK, the true switch", "LEAK, both"]
    assert not found.keys() & (model.quantities.keys() | model.measures(DOCS).keys())
    # A switch that is told is no probability: words alone no longer sum to one.
    net, h, theta = model.net, torch.randn(1, 4).double(), torch.randn(1, 2).double()
    told = [net.log_p(h, theta, torch.tensor([y]), told=True).exp() for y in range(V + 1)]
    assert abs(sum(told).item() - 1) > 1e-3
    assert [*random_model().leaks(DOCS)] == ["LEAK, theta has seen the words"]


def test_the_bound_lies_below_log_p_by_integration():
    model = random_model(topics=1)
    model.net.topic_weight.data.mul_(0.3)
    batch = padded(*DOCS.x)
    grid = torch.linspace(-6, 6, 241).double()
    log_p = torch.stack([model.net.given(batch, point.expand(4, 1)) for point in grid])
    exact = (log_p + Normal(0.0, 1.0).log_prob(grid)[:, None]).logsumexp(0) + (grid[1] - grid[0]).log()
    found = model.log_prob(DOCS, theta="elbo", draws=200)
    assert found.kind == "lower_bound"
    assert (found.value - 4 * found.stderr < exact.numpy()).all()
    assert model.log_prob(DOCS, theta="prior").kind == model.log_prob(DOCS).kind == "exact"
    with pytest.raises(ConfigError, match="the bound is of documents by themselves"):
        random_model(carry=True).log_prob(DOCS, theta="elbo")
    with pytest.raises(ConfigError, match="topicrnn: draws must be a whole number, 2 or more, got 1; choose another"):
        model.log_prob(DOCS, theta="elbo", draws=1)


def test_words_of_a_document_and_its_features_are_those_of_its_own_theta():
    model = random_model()
    theta = model.net.posterior(padded(*DOCS.x))[0]
    terms = model.net.topic_weight * torch.tensor([0, 1, 0, 1, 1, 0])[:, None]
    by_hand = (theta @ terms.T + model.net.bias)[:, :V].log_softmax(1)
    np.testing.assert_allclose(model.word_log_prob(DOCS), by_hand.detach(), rtol=1e-5)
    both = model.encode(DOCS)
    assert both.shape == (4, 2 + 4)
    np.testing.assert_allclose(both[:, :2], theta.detach(), rtol=1e-5)
    for features, part in (("theta", both[:, :2]), ("state", both[:, 2:])):
        np.testing.assert_array_equal(random_model(features=features).encode(DOCS), part)


def test_a_perplexity_beyond_all_numbers_is_infinite_and_words_of_topics_are_counted():
    model = random_model()
    torch.nn.init.normal_(model.net.weight, std=1e5)
    found = model.measures(DOCS)
    assert found["nats a token"].estimate.value > 710
    assert found["perplexity by token"].estimate.value == model.leaks(DOCS).popitem()[1].estimate.value == np.inf
    for n in (-1, 2.5, None):
        with pytest.raises(ConfigError, match=f"topicrnn: n must be a whole number, 0 or more, got {n}; choose"):
            model.topics(n)


def test_stop_words_are_found_by_their_words():
    net = random_model().net
    assert net.content.tolist() == [0, 1, 0, 1, 1, 0]
    with pytest.raises(DataError, match="topicrnn: stop words are sought among words"):
        TopicRNN(TopicRNNConfig(**SIZES)).fit(Tokens(DOCS.x, V), trainer=TRAINER)


@pytest.mark.parametrize("switch", SWITCHES)
def test_it_keeps_to_the_contract_of_models(switch, tmp_path):
    model = TopicRNN(TopicRNNConfig(**SIZES, switch=switch))
    check_model(model, DataSet("toy", DOCS, DOCS, DOCS), tmp_path)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_run_over_text_in_order_survives_between_two_blocks(cell, tmp_path):
    model = TopicRNN(TopicRNNConfig(**SIZES, cell=cell, carry=True))
    check_that_it_survives(model, DataSet("toy", DOCS, DOCS, DOCS), TRAINER, tmp_path, step=2)


def planted(sentences, seed):
    """Passages of ten sentences on one of two subjects, of five words each, every other one a stop word's place."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(rng.integers(2, size=sentences // 10), 10)[:, None]
    words = np.where(rng.random((sentences, 6)) < 0.5, rng.integers(40, 50, (sentences, 6)), 0)
    words = np.where(words == 0, 20 * subject + rng.integers(20, size=(sentences, 6)), words)
    names = tuple(f"{'ab'[at // 20]}{at}" if at < 40 else f"stop{at}" for at in range(50))
    return Tokens(Ragged.of(list(words)), 50, words=names)


def test_planted_topics_are_found_and_tell_of_words_to_come():
    data = DataSet("planted", planted(1000, 1), planted(10, 2), planted(200, 3))
    sizes = {"cell": "rnn", "embedding_size": 8, "hidden_size": 2, "carry": True, "steps": 7}
    trainer = TopicRNN.trainer.changed(
        epochs=4, batch_size=16, device="cpu", optimiser=TopicRNN.trainer.optimiser.changed(learning_rate=0.02)
    )
    stops = tuple(f"stop{at}" for at in range(40, 50))
    topical = TopicRNN(
        TopicRNNConfig(**sizes, topics=1, inference_size=16, window=30, kl_weight=0.1, stopwords=stops)
    ).fit(data, trainer=trainer)
    plain = RNNLM(RNNLMConfig(**sizes)).fit(data, trainer=trainer)
    (raised, lowered), *_ = topical.topics(10)
    for end in (raised, lowered):
        kinds = [word[0] for word in end]
        assert max(kinds.count("a"), kinds.count("b")) > 9
    assert raised[0][0] != lowered[0][0]
    found, without, other = (
        model.measures(data.test, **way)["nats a token"].estimate.value
        for model, way in ((topical, {}), (topical, {"theta": "prior"}), (plain, {}))
    )
    assert found < min(without, other) - 0.03
