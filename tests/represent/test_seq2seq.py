"""Tests of irkit.represent.seq2seq: all targets enumerated, attention by hand and on padding, copies and reversals."""

import itertools

import numpy as np
import pytest
import torch

from irkit.errors import ShapeError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.learn.phases import Now
from irkit.represent import Seq2Seq
from irkit.represent.seq2seq import ERROR, TARGET, Seq2SeqConfig, target_of
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives
from tests.represent.batches import padded

V, H = 3, 5
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")
DOCS = Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in ([0, 1, 1, 2], [2], [], [1, 0], [1, 2, 0])]), V)
BOTH = [True, False]


def random_model(**settings):
    torch.manual_seed(0)
    model = Seq2Seq(Seq2SeqConfig(embedding_size=4, hidden_size=H, **settings))
    model.net, model.spec = model.build(DOCS.spec).double().eval(), DOCS.spec
    model.net.longest.fill_(4)
    for parameter in model.net.parameters():
        torch.nn.init.normal_(parameter)
    return model


@pytest.mark.parametrize("attention", BOTH)
def test_all_targets_up_to_four_words_and_longer_beginnings_sum_to_one_for_each_source(attention):
    net = random_model(attention=attention).net
    for source in ([], [2, 0, 1]):
        every = [one for n in range(5) for one in itertools.product(range(V), repeat=n)]
        ended = net.log_prob_of(padded(*[source] * len(every)), padded(*every)).exp().sum()
        longer = list(itertools.product(range(V), repeat=5))
        sources = padded(*[source] * len(longer))
        h, symbols = net.states(sources, padded(*longer))
        log_p = net.words.log_prob(h, symbols.x.flatten()).view(len(longer), 6)  # the last of them is END
        assert (ended + log_p[:, :5].sum(1).exp().sum()).item() == pytest.approx(1, abs=1e-12)


def test_attention_is_that_of_the_formula_and_none_is_on_padding():
    model = random_model(cell="gru")
    net, documents = model.net, ([0, 1, 1, 2], [2], [])
    batch = padded(*documents)
    memory, valid, state = net.read(batch)
    h = net.decoder(padded(*[[V, *one] for one in documents]), state).outputs
    found = net.attend(h, memory, valid)
    torch.testing.assert_close(found.weights.sum(2), torch.ones(3, 5, dtype=torch.float64))
    assert found.weights[1, :, 2:].eq(0).all()
    assert found.weights[2, :, 1:].eq(0).all()
    fit = [
        net.attention.fit.weight[0]
        @ torch.tanh(net.attention.query.weight @ h[0, 2] + net.attention.memory.weight @ m + net.attention.memory.bias)
        for m in memory[0]
    ]
    weights = torch.stack(fit).softmax(0)
    torch.testing.assert_close(found.weights[0, 2], weights)
    both = torch.tanh(net.both.weight @ torch.cat([h[0, 2], weights @ memory[0]]) + net.both.bias)
    torch.testing.assert_close(net.features(h, memory, valid)[0, 2], both)
    by_document = model.attention(Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in documents]), V))
    assert [one.shape for one in by_document] == [(5, 5), (2, 2), (1, 1)]
    np.testing.assert_allclose(by_document[0][2], weights.detach(), rtol=1e-5)


def test_without_attention_there_are_no_weights_of_it():
    without, with_it = (dict(random_model(attention=one).net.named_parameters()) for one in (False, True))
    assert {name.split(".")[0] for name in with_it.keys() - without.keys()} == {"attention", "both"}
    assert not without.keys() - with_it.keys()
    assert random_model(attention=False).attention(DOCS) == []


@pytest.mark.parametrize("attention", BOTH)
def test_padding_and_neighbours_change_nothing(attention):
    net, rng = random_model(attention=attention, task="reverse").net, torch.Generator()
    alone = [padded(one) for one in ([0, 1, 1, 2], [2], [], [1, 0])]
    together = padded([0, 1, 1, 2], [2], [], [1, 0])
    torch.testing.assert_close(net.score(together, rng), torch.cat([net.score(one, rng) for one in alone]))
    torch.testing.assert_close(net.encode(together), torch.cat([net.encode(one) for one in alone]))
    loss = net.loss(together, Now(0, 0, 0.0, rng))
    torch.testing.assert_close(loss.total, -net.score(together, rng).sum() / (5 + 2 + 1 + 3))
    x, lengths, _ = net.predict(together)
    for row, one in enumerate(alone):
        mine = net.predict(one)
        assert x[row, : lengths[row]].tolist() == mine.x[0, : mine.lengths[0]].tolist()


def test_targets_are_documents_or_their_reverses_and_may_be_given():
    model = random_model(task="reverse")
    assert [one.tolist() for one in model.targets(DOCS).x] == [[2, 1, 1, 0], [2], [], [0, 1], [0, 2, 1]]
    batch = target_of(padded([0, 1, 1, 2], [2], [], [1, 0]), "reverse")
    assert batch.x.tolist() == [[2, 1, 1, 0], [2, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]
    found = model.log_prob_of(model.targets(DOCS), DOCS).value
    assert found.mean() == pytest.approx(model.score(DOCS).value)
    values = model.values(DOCS)
    assert values[TARGET].value.mean() == pytest.approx(-found.sum() / 15)
    wrong = [not np.array_equal(one, two) for one, two in zip(model.predict(DOCS), model.targets(DOCS).x, strict=True)]
    assert values[ERROR].value.tolist() == wrong
    with pytest.raises(ShapeError, match="seq2seq: each target has a source, got 2 and 5; give as many"):
        model.log_prob_of(DOCS.cut(2), DOCS)


@pytest.mark.parametrize("attention", BOTH)
def test_it_keeps_to_the_contract_of_models(attention, tmp_path):
    data = DataSet("toy", DOCS, DOCS, DOCS)
    model = Seq2Seq(Seq2SeqConfig(embedding_size=4, hidden_size=H, attention=attention, dropout=0.1))
    check_model(model, data, tmp_path / "checked")
    check_that_it_survives(model, data, TRAINER, tmp_path / "run", step=2)


def errors(task, longest, epochs, n, rate=0.01, **settings):
    """Train on random documents of differing length over ten words; return the share not written exactly."""
    rng = np.random.default_rng(0)
    each = [rng.integers(10, size=rng.integers(1, longest + 1)) for _ in range(n + 200)]
    parts = [Tokens(Ragged.of(part), 10) for part in (each[200:], each[:100], each[100:200])]
    rule = Seq2Seq.trainer.optimiser.changed(learning_rate=rate)
    trainer = Seq2Seq.trainer.changed(epochs=epochs, batch_size=50, optimiser=rule, device="cpu", threads=1)
    model = Seq2Seq(Seq2SeqConfig(task=task, **settings)).fit(DataSet("random", *parts), trainer=trainer)
    return model.values(parts[2])[ERROR].value.mean()


def test_short_reversals_are_learned():
    assert errors("reverse", longest=3, epochs=4, n=2000, embedding_size=24, hidden_size=32) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_ten_words_are_copied_and_reversed(task):
    assert errors(task, longest=10, epochs=10, n=5000, embedding_size=32, hidden_size=64) <= 0.02
