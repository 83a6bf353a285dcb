"""Tests of irkit.represent.sequence_autoencoder: the recurrence by hand, padding, and documents written again."""

import itertools

import numpy as np
import pytest
import torch

from irkit.errors import AbilityError
from irkit.io.kinds import DataSet, Ragged, Tokens
from irkit.learn import TrainerConfig
from irkit.learn.phases import Now
from irkit.represent import SequenceAutoencoder
from irkit.represent.sequence_autoencoder import RECONSTRUCTED, SequenceAutoencoderConfig
from irkit.testing import check_model
from tests.learn.dying import check_that_it_survives
from tests.represent.batches import padded

V, H = 3, 5
TRAINER = TrainerConfig(epochs=2, batch_size=4, device="cpu")
DOCS = Tokens(Ragged.of([np.array(one, dtype=np.int64) for one in ([0, 1, 1, 2], [2], [], [1, 0], [1, 2, 0])]), V)
SMALL = SequenceAutoencoderConfig(embedding_size=4, hidden_size=H)


def random_net():
    torch.manual_seed(0)
    net = SequenceAutoencoder(SMALL).build(DOCS.spec).double().eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    return net


def lstm_step(layer, x, h, c):
    gates = layer.weight_ih_l0 @ x + layer.bias_ih_l0 + layer.weight_hh_l0 @ h + layer.bias_hh_l0
    i, f, g, o = gates.view(4, H)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def test_one_lstm_reads_and_then_writes_as_by_hand():
    net, document = random_net(), [1, 0, 2]
    layer, h, c, found = net.reader.layer, *torch.zeros(2, H, dtype=torch.float64), 0.0
    for word in [V, *document]:
        h, c = lstm_step(layer, net.reader.embedding[word], h, c)
    torch.testing.assert_close(net.encode(padded(document))[0], h)
    for before, word in itertools.pairwise([V, *document, V]):
        h, c = lstm_step(layer, net.reader.embedding[before], h, c)
        scores = net.words.weight @ h + net.words.bias
        found += scores[word] - scores.logsumexp(0)
    torch.testing.assert_close(net.score(padded(document), torch.Generator())[0], found)


def test_padding_and_neighbours_change_nothing():
    net, rng = random_net(), torch.Generator()
    documents = ([0, 1, 1, 2], [2], [], [1, 0])
    alone = [padded(one) for one in documents]
    together = padded(*documents)
    torch.testing.assert_close(net.score(together, rng), torch.cat([net.score(one, rng) for one in alone]))
    torch.testing.assert_close(net.encode(together), torch.cat([net.encode(one) for one in alone]))
    loss = net.loss(together, Now(0, 0, 0.0, rng))
    torch.testing.assert_close(loss.total, -net.score(together, rng).sum() / (5 + 2 + 1 + 3))


def test_of_all_symbols_the_most_probable_is_written():
    net = random_net()
    net.longest.fill_(4)
    batch = padded([0, 1, 1, 2], [2], [])
    x, lengths, _ = net.reconstruct(batch)
    for row, document in enumerate(([0, 1, 1, 2], [2], [])):
        h, c = (one[:, row : row + 1] for one in net.code(batch))
        before, slow = V, []
        while len(slow) < 4:
            out, (h, c) = net.reader.layer(net.reader.embedding[before].view(1, 1, -1), (h, c))
            before = int((out[0, 0] @ net.words.weight.T + net.words.bias).argmax())
            if before == V:
                break
            slow.append(before)
        assert x[row, : int(lengths[row])].tolist() == slow, document


def test_its_figure_is_called_a_reconstruction_and_is_no_likelihood():
    model = SequenceAutoencoder(SMALL)
    model.net, model.spec = random_net(), DOCS.spec
    score = torch.cat([model.net.score(padded(one.tolist()), torch.Generator()) for one in DOCS.x])
    found = model.values(DOCS)
    assert list(found) == list(model.quantities) == list(model.measures(DOCS)) == [RECONSTRUCTED]
    assert found[RECONSTRUCTED].value.mean() == pytest.approx(-score.sum().item() / (10 + 5))
    with pytest.raises(AbilityError, match=r"sequence-autoencoder: does not give log-probabilities; .* reconstruct"):
        model.log_prob(DOCS)


def test_it_keeps_to_the_contract_of_models(tmp_path):
    data = DataSet("toy", DOCS, DOCS, DOCS)
    check_model(SequenceAutoencoder(SMALL.changed(dropout=0.2)), data, tmp_path / "checked")
    check_that_it_survives(SequenceAutoencoder(SMALL), data, TRAINER, tmp_path / "run", step=2)


def copied(vocabulary, length, hidden, epochs, n):
    """Train on random documents of one length; return the share of words written again, of documents not trained on."""
    each = list(np.random.default_rng(0).integers(vocabulary, size=(n + 200, length)))
    parts = [Tokens(Ragged.of(part), vocabulary) for part in (each[200:], each[:100], each[100:200])]
    rule = SequenceAutoencoder.trainer.optimiser.changed(learning_rate=0.01)
    trainer = SequenceAutoencoder.trainer.changed(epochs=epochs, batch_size=50, optimiser=rule, device="cpu", threads=1)
    model = SequenceAutoencoder(SequenceAutoencoderConfig(embedding_size=hidden, hidden_size=hidden))
    model = model.fit(DataSet("copied", *parts), trainer=trainer)
    again = zip(model.reconstruct(parts[2]), parts[2].x, strict=True)
    return np.mean([np.mean(one[:length] == two) if len(one) == length else 0 for one, two in again])


def test_forget_gates_begin_open():
    layer = SequenceAutoencoder(SMALL).build(DOCS.spec).reader.layer
    assert layer.bias_ih_l0[H : 2 * H].eq(1).all()
    assert layer.bias_ih_l0[:H].abs().lt(0.5).all()
    assert layer.bias_ih_l0[2 * H :].abs().lt(0.5).all()


def test_short_documents_are_written_again():
    assert copied(vocabulary=4, length=3, hidden=32, epochs=5, n=2000) == 1


@pytest.mark.slow
def test_ten_words_of_twenty_are_written_again_without_an_error():
    assert copied(vocabulary=20, length=10, hidden=128, epochs=4, n=20_000) == 1
