"""Tests of irkit.represent.rnnlm and sequences: enumerated documents, the recurrence by hand, padding, samples."""

import itertools

import numpy as np
import pytest
import torch

from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.represent import RNNLM
from irkit.represent.rnnlm import RNNLMConfig
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives
from tests.represent.batches import padded

V = 3
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")
DOCS = Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in ([0, 1, 1, 2], [2], [], [1, 0], [1, 2, 0])]), V)
CELLS = ("lstm", "gru", "rnn")


def random_net(cell="gru", **settings):
    torch.manual_seed(0)
    config = RNNLMConfig(cell=cell, embedding_size=4, hidden_size=5, **settings)
    net = RNNLM(config).build(DOCS.spec).double().eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    return net


def fitted(net):
    model = RNNLM(RNNLMConfig(cell="gru", embedding_size=4, hidden_size=5))
    model.net, model.spec = net, DOCS.spec
    return model


@pytest.mark.parametrize("cell", CELLS)
def test_the_probabilities_of_all_documents_up_to_four_words_and_of_longer_beginnings_sum_to_one(cell):
    net, rng = random_net(cell), torch.Generator()
    every = [one for n in range(5) for one in itertools.product(range(V), repeat=n)]
    ended = net.score(padded(*every), rng).exp().sum()
    # A beginning of five words has the probability of its document over that of END behind it.
    five = padded(*itertools.product(range(V), repeat=5))
    outputs = net.reader(padded(*[(V, *one) for one in itertools.product(range(V), repeat=5)])).outputs
    end = net.words.log_prob_all(outputs[:, -1])[:, V]
    assert (ended + (net.score(five, rng) - end).exp().sum()).item() == pytest.approx(1, abs=1e-12)


def test_log_p_is_that_of_the_recurrence_by_hand():
    net = random_net("rnn")
    layer = net.reader.layer
    h, found = torch.zeros(5, dtype=torch.float64), 0.0
    for before, word in itertools.pairwise([V, 1, 0, 2, V]):
        h = torch.tanh(
            layer.weight_ih_l0 @ net.reader.embedding[before]
            + layer.bias_ih_l0
            + layer.weight_hh_l0 @ h
            + layer.bias_hh_l0
        )
        scores = net.words.weight @ h + net.words.bias
        found += scores[word] - scores.logsumexp(0)
    torch.testing.assert_close(net.score(padded([1, 0, 2]), torch.Generator())[0], found)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_and_neighbours_change_nothing(cell):
    net, rng = random_net(cell), torch.Generator()
    documents = ([0, 1, 1, 2], [2], [], [1, 0])
    together = net.score(padded(*documents), rng)
    alone = torch.cat([net.score(padded(one), rng) for one in documents])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(
        net.encode(padded(*documents)), torch.cat([net.encode(padded(one)) for one in documents])
    )


def test_the_loss_is_minus_log_p_over_symbols():
    from irkit.learn.phases import Now

    net, rng = random_net(), torch.Generator()
    batch = padded([0, 1, 1, 2], [2], [])
    loss = net.loss(batch, Now(0, 0, 0.0, rng))
    torch.testing.assert_close(loss.total, -net.score(batch, rng).sum() / (5 + 2 + 1))


def test_perplexities_count_the_end():
    model = fitted(random_net())
    nats = -model.log_prob(DOCS).value
    words = DOCS.x.lengths + 1
    found = model.measures(DOCS)
    assert found["perplexity by document"].estimate.value == pytest.approx(np.exp((nats / words).mean()))
    assert found["perplexity by token"].estimate.value == pytest.approx(np.exp(nats.sum() / words.sum()))
    assert found["nats a token"].estimate.kind == "exact"
    counts = np.array([3, 4, 3, 5]) + 1  # of the terms, and of END
    log_p = np.log(counts / counts.sum())
    by_hand = -(log_p[DOCS.x.values].sum() + 5 * log_p[V]) / 15
    assert model.baselines(DOCS, DOCS)["nats a token"]["unigram"] == pytest.approx(by_hand)


def test_samples_have_their_documents_probabilities():
    net = random_net()
    net.longest.fill_(6)
    x, lengths, _ = net.sample(20_000, torch.Generator().manual_seed(1))
    for document in ([], [0], [2, 1]):
        p = net.score(padded(document), torch.Generator()).exp().item()
        same = (lengths == len(document)) & (x[:, : len(document)] == torch.tensor(document, dtype=torch.int64)).all(1)
        assert same.double().mean().item() == pytest.approx(p, abs=4 * (p / 20_000) ** 0.5)


def test_it_keeps_to_the_contract_of_models(tmp_path):
    model = RNNLM(RNNLMConfig(embedding_size=4, hidden_size=5, dropout=0.2))
    data = DataSet("toy", DOCS, DOCS, DOCS)
    check_model(model, data, tmp_path / "checked")
    check_that_it_survives(model, data, TRAINER, tmp_path / "run", step=2)


def test_a_cycle_of_words_is_learned():
    each = [np.arange(start, start + 6) % 10 for start in range(10)] * 10
    data = DataSet("cycle", *(Tokens(Ragged.of(part), 10) for part in (each, each[:10], each[:10])))
    rule = RNNLM.trainer.optimiser.changed(learning_rate=0.01)
    trainer = RNNLM.trainer.changed(epochs=40, batch_size=20, optimiser=rule, device="cpu")
    fitted = RNNLM(RNNLMConfig(embedding_size=16, hidden_size=16)).fit(data, trainer=trainer)
    # The first word is one of ten; all others and the end are known.
    assert fitted.values(data.test)["nats a token"].value.mean() < 1.2 * np.log(10) / 7


CARRIED = RNNLMConfig(embedding_size=4, hidden_size=5, carry=True, steps=3)


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_that_is_carried_makes_all_documents_one_long_one(cell):
    net = random_net(cell, carry=True, steps=3)
    model = fitted(net)
    model.config = CARRIED
    long = [symbol for one in DOCS.x for symbol in (*one, V)]
    # One document without the end that closes it: its log p is that of the text, which ends with END.
    alone = random_net(cell).score(padded([0]), torch.Generator())  # the same weights: only the buffer differs
    torch.testing.assert_close(net.score(padded([0]), torch.Generator()), alone)
    outputs = net.reader(padded([V, *long[:-1]])).outputs[0]
    log_p = net.words.log_prob_all(outputs)[torch.arange(len(long)), torch.tensor(long)]
    ends = np.flatnonzero(np.array(long) == V) + 1
    by_hand = [part.sum().item() for part in torch.tensor_split(log_p, torch.tensor(ends[:-1]))]
    np.testing.assert_allclose(model.log_prob(DOCS).value, by_hand)
    assert model.score(DOCS).value == pytest.approx(np.mean(by_hand))
    assert model.log_prob(DOCS).kind == "exact"


def test_training_takes_the_state_of_the_block_before_and_no_gradient_through_it():
    from irkit.learn.phases import Now
    from irkit.learn.streams import Streams

    net = random_net(carry=True, steps=3)
    now = Now(0, 0, 0.0, torch.Generator())
    text = torch.tensor([0, 1, 1, 2, V, 2, V, V, 1, 0, V, 1])
    state = None
    for block in Streams(text, 2, 3, opening=V):
        outputs, state = net.reader.layer(net.reader.embedding[block.seen], state)
        by_hand = -torch.distributions.Categorical(logits=outputs @ net.words.weight.T + net.words.bias).log_prob(
            block.next
        )
        found = net.loss(block, now).total
        torch.testing.assert_close(found, by_hand.mean())
        torch.testing.assert_close(net.carried.state[0], state)
        for one, other in zip(
            *(torch.autograd.grad(loss, net.parameters()) for loss in (found, by_hand.mean())), strict=True
        ):
            torch.testing.assert_close(one, other)
        state = state.detach()


def test_a_run_over_text_in_order_survives_between_two_blocks(tmp_path):
    model = RNNLM(CARRIED)
    data = DataSet("toy", DOCS, DOCS, DOCS)
    trainer = TRAINER.changed(batch_size=2, every=1)
    found = check_that_it_survives(model, data, trainer, tmp_path / "run", step=2)
    found.save(tmp_path / "saved")
    np.testing.assert_array_equal(RNNLM.load(tmp_path / "saved").log_prob(DOCS).value, found.log_prob(DOCS).value)
