"""Tests of irkit.represent.hierarchical: attention, ragged documents, gradients, cutting, and what is written again."""

import os

import numpy as np
import pytest
import torch

from irkit.errors import ConfigError
from irkit.io.kinds import DataSet, Ragged, Spec, Tokens
from irkit.learn import TrainerConfig
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.phases import Now
from irkit.represent import HierarchicalAutoencoder
from irkit.represent.hierarchical import HierarchicalConfig
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives

V = 4  # the last term ends sentences
SOME = ([0, 1, 1, 3, 2, 0, 3], [3], [], [2, 0, 3, 3, 1], [1, 2, 0, 3])
CELLS = ("lstm", "gru")


def documents(*rows):
    return Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in rows]), V)


def random_model(**settings):
    torch.manual_seed(0)
    model = HierarchicalAutoencoder(
        HierarchicalConfig(**{"embedding_size": 3, "hidden_size": 4, "sentence_end": (3,), **settings})
    )
    model.spec = documents(*SOME).spec
    model.net = model.build(model.spec).double().eval()
    for parameter in model.net.parameters():
        torch.nn.init.normal_(parameter)
    model.net.start(model.examples(documents(*SOME)))
    return model


def batch(model, *rows):
    return model.examples(documents(*rows)).batch(model.place)


def test_documents_are_cut_behind_runs_of_marks_and_end_with_a_sentence_of_no_words():
    found = batch(random_model(), *SOME)
    rows = [one[:n].tolist() for one, n in zip(found.words.x, found.words.lengths, strict=True)]
    assert rows == [[0, 1, 1, 3], [2, 0, 3], [], [3], [], [], [2, 0, 3, 3], [1], [], [1, 2, 0, 3], []]
    assert [one[:n].tolist() for one, n in zip(found.places.x, found.places.lengths, strict=True)] == [
        [0, 1, 2],
        [3, 4],
        [5],
        [6, 7, 8],
        [9, 10],
    ]


def test_attention_is_a_mean_over_the_sentences_that_there_are():
    model = random_model()
    memory = model.net.read(batch(model, *SOME))
    found = model.net.attend(memory.state, memory)
    torch.testing.assert_close(found.weights.sum(2), torch.ones(5, 1, dtype=torch.float64))
    assert (found.weights[~memory.valid[:, None]] == 0).all()
    assert (found.weights[memory.valid[:, None]] > 0).all()
    # A document without words has its end to look at alone.
    torch.testing.assert_close(found.mean[2, 0], memory.outputs[2, 0])


def test_attention_is_that_of_the_paper_by_hand():
    net = (model := random_model()).net
    memory = net.read(batch(model, [0, 1, 3, 2]))
    query = memory.state[0][0, 0]
    fit = [
        net.attention.fit.weight[0]
        @ torch.tanh(net.attention.query.weight @ query + net.attention.memory.weight @ g + net.attention.memory.bias)
        for g in memory.outputs[0]
    ]
    weights = torch.stack(fit).softmax(0)
    assert len(weights) == 3
    torch.testing.assert_close(net.attend(memory.state, memory).weights[0, 0], weights)


def test_without_attention_there_are_no_parameters_of_it():
    with_it, without = (random_model(attention=one).net for one in (True, False))
    assert any("attention" in name for name, _ in with_it.named_parameters())
    assert not any("attention" in name for name, _ in without.named_parameters())
    assert without.sentence_writer.input_size == 4


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_padding_and_neighbours_change_nothing(cell, attention):
    model = random_model(cell=cell, attention=attention)
    net, rng = model.net, torch.Generator()
    alone = [batch(model, one) for one in SOME]
    together = batch(model, *SOME)
    torch.testing.assert_close(net.score(together, rng), torch.cat([net.score(one, rng) for one in alone]))
    torch.testing.assert_close(net.encode(together), torch.cat([net.encode(one) for one in alone]))
    # What is written is the same too, whatever else is written beside it.
    x, lengths, _ = net.reconstruct(together)
    for at, one in enumerate(alone):
        assert net.reconstruct(one).x[0].tolist() == x[at, : lengths[at]].tolist()


@pytest.mark.parametrize("attention", [True, False])
def test_a_document_has_the_probability_of_its_sentences_by_hand(attention):
    net = (model := random_model(attention=attention)).net
    rows = [[0, 1, 3], [2], []]
    read = [net.word_reader(net.embedding[torch.tensor([[*one, V]])])[0][0, -1] for one in rows]
    outputs, state = net.sentence_reader(torch.stack(read)[None])
    before, total = read[2], 0.0  # the sentence before the first has no words
    for one, vector in zip(rows, read, strict=True):
        inputs = before
        if attention:
            mean = net.attention(state[0].transpose(0, 1), outputs, torch.ones(1, 3, dtype=torch.bool)).mean
            inputs = torch.cat([before, mean[0, 0]])
        found, state = net.sentence_writer(inputs[None, None], state)
        h, c = net.word_writer.first(found[0]).chunk(2, 1)
        words = net.embedding[torch.tensor([V, *one])]
        states = net.word_writer.layer(
            torch.cat([words, found[0].expand(len(words), -1)], 1)[None], (h[None], c[None])
        )[0][0]
        total += net.words.log_prob_all(states)[torch.arange(len(words)), torch.tensor([*one, V])].sum()
        before = vector
    torch.testing.assert_close(net.score(batch(model, [0, 1, 3, 2]), torch.Generator())[0], total)


def test_the_loss_is_minus_log_p_over_symbols():
    net = (model := random_model()).net
    some = batch(model, *SOME)
    loss = net.loss(some, Now(0, 0, 0.0, torch.Generator()))
    symbols = sum(map(len, SOME)) + 6 + 5  # words, an END for each sentence and for each document
    torch.testing.assert_close(loss.total, -net.score(some, torch.Generator()).sum() / symbols)


@pytest.mark.parametrize("attention", [True, False])
def test_gradients_are_those_of_differences(attention):
    net = (model := random_model(attention=attention, embedding_size=2, hidden_size=2)).net
    some = batch(model, [0, 3, 1], [2])
    names = [name for name, _ in net.named_parameters()]

    def score(*values):
        return torch.func.functional_call(net, dict(zip(names, values, strict=True)), (some,))

    net.forward = lambda one: net.score(one, torch.Generator())
    assert torch.autograd.gradcheck(score, tuple(net.parameters()), fast_mode=True)


def test_what_is_written_is_the_likeliest_symbol_after_symbol_until_a_sentence_of_no_words():
    model = random_model()
    for row, found in zip(SOME, model.reconstruct(documents(*SOME)), strict=True):
        net = model.net
        memory = net.read(batch(model, row))
        before, state, out = net.vectors(net._nothing(1)), memory.state, []
        for _ in range(2):
            h, state = net.next_sentence(before, state, memory)
            sentence, symbol, inner = [], V, None
            while len(sentence) < 4:
                top, inner = net.word_writer.step(net.embedding[torch.tensor([symbol])], h, inner)
                symbol = net.words.log_prob_all(top).argmax().item()
                if symbol == V:
                    break
                sentence.append(symbol)
            if not sentence:
                break
            out += sentence
            before = net.word_reader(net.embedding[torch.tensor([[*sentence, V]])])[0][:, -1]
        assert found.tolist() == out[:7]


def test_marks_are_words_or_numbers():
    words = Spec("tokens", (), vocabulary=4, words=("a", "?", "b", "."))
    assert HierarchicalAutoencoder().marks(words) == (1, 3)
    with pytest.raises(
        ConfigError,
        match=r"hierarchical: no sentence_end is a term of the data, got '.', '!', '\?'; name some of its numbers, as",
    ):
        HierarchicalAutoencoder().marks(documents([0]).spec)


def test_parts_are_bounded_by_words_and_padding_and_score_as_documents_do_alone():
    model = random_model()
    short, many = [[0, 3]] * 300, [[0, 3] * 200]
    x = model.examples(documents([1] * 500, *short, *many, *short, *SOME))
    parts = list(model.batches(x, 1000))
    sizes = [max(part.words.x.numel(), part.places.x.numel()) for part in parts]
    alone = [size for part, size in zip(parts, sizes, strict=True) if len(part.places.x) == 1]
    assert sum(len(part.places.x) for part in parts) == len(x)
    assert len(parts) < 20
    assert max(set(sizes) - set(alone)) <= 1000
    one_by_one = [model.score(x.take(np.array([row]))).value for row in range(len(x))]
    assert model.score(x).value == pytest.approx(np.mean(one_by_one), rel=1e-9)


def test_how_well_documents_are_written_again_is_counted_by_hand(monkeypatch):
    model = random_model()
    found = [[0, 1, 1, 3, 2, 3], [3], [], [2, 0], [1, 2, 0, 3, 3]]
    monkeypatch.setattr(model, "reconstruct", lambda data: [np.array(one, dtype=np.int64) for one in found])
    values = model.values(documents(*SOME))
    np.testing.assert_allclose(values["accuracy"].value, [5 / 7, 1, 0, 2 / 5, 4 / 5])
    np.testing.assert_allclose(values["exact"].value, [0, 1, 1, 0, 0])
    np.testing.assert_allclose(values["rouge 1"].value, [2 * 6 / 13, 1, 0, 2 * 2 / 7, 2 * 4 / 9])
    measures = model.measures(documents(*SOME))
    assert measures["rouge 1 recall"].estimate.value == pytest.approx((6 / 7 + 1 + 0 + 2 / 5 + 1) / 5)
    assert 0 < measures["bleu 4"].estimate.value < 1


def test_it_keeps_to_the_contract_of_models(tmp_path):
    model = HierarchicalAutoencoder(HierarchicalConfig(embedding_size=3, hidden_size=4, sentence_end=(3,)))
    data = DataSet("toy", *[documents(*SOME)] * 3)
    check_model(model, data, tmp_path / "checked")
    trainer = TrainerConfig(epochs=2, batch_size=3, device="cpu")
    check_that_it_survives(model, data, trainer, tmp_path / "run", step=2)


def test_short_documents_are_copied():
    every = [[a, 3, b, 3] for a in range(2) for b in range(2)] + [[a, 3] for a in range(2)]
    data = DataSet("copies", *(documents(*rows) for rows in (every * 200, every, every)))
    rule = HierarchicalAutoencoder.trainer.optimiser.changed(learning_rate=0.01, hold=0.6, final=0.1)
    trainer = HierarchicalAutoencoder.trainer.changed(
        epochs=None, steps=150, batch_size=12, optimiser=rule, device="cpu"
    )
    config = HierarchicalConfig(embedding_size=16, hidden_size=48, sentence_end=(3,))
    found = HierarchicalAutoencoder(config).fit(data, trainer=trainer, validate=False).measures(data.test)
    assert found["accuracy"].estimate.value > 0.9


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("IRKIT_LONG_TESTS"), reason="a minute long: set IRKIT_LONG_TESTS to run it")
def test_random_documents_of_three_sentences_are_copied_free_running():
    rng = np.random.default_rng(0)

    def part(n):
        x = np.full((n, 3, 6), 20)
        x[:, :, :5] = rng.integers(0, 20, (n, 3, 5))
        return Tokens(Ragged(x.ravel(), np.full(n, 18)), 21)

    rule = OptimiserConfig(learning_rate=3e-3, schedule="linear", hold=0.6, final=0.05, clip=1.0)
    trainer = TrainerConfig(epochs=None, steps=1100, batch_size=64, optimiser=rule, device="cpu")
    data = DataSet("copies", part(100_000), part(1), part(500))
    fitted = HierarchicalAutoencoder(HierarchicalConfig(cell="gru", sentence_end=(20,))).fit(
        data, trainer=trainer, validate=False
    )
    found = fitted.measures(data.test)
    assert found["accuracy"].estimate.value > 0.98
    assert found["exact"].estimate.value > 0.85
