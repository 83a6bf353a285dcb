"""Tests of irkit.rank.qacnn_net."""

import numpy as np
import pytest
import torch

from irkit.learn.data import Padded
from irkit.rank.qa_words import Table, Words
from irkit.rank.qacnn_net import QACNNNet, TextPools, scored

WIDTHS = (1, 2, 3, 5)


def net(words=9, size=4, filters=3, **settings):
    torch.manual_seed(3)
    return QACNNNet(torch.randn(words, size), filters, WIDTHS, **settings).double()


def padded(texts, length=None):
    sizes = np.array([len(text) for text in texts])
    x = np.zeros((len(texts), length or max(sizes.max(), 1)), dtype=np.int64)
    for row, text in enumerate(texts):
        x[row, : len(text)] = text
    return Padded(torch.from_numpy(x), torch.from_numpy(sizes), sizes)


def slow_encode(model, text):
    """Read one text window by window, filter by filter."""
    if not text:
        return np.zeros(len(WIDTHS) * 3)
    vectors = model.vectors.detach().numpy()
    found = []
    for layer, width in zip(model.convolutions, WIDTHS, strict=True):
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        words = [vectors[word] for word in text] + [np.zeros(4)] * (width - len(text))
        for filter_ in range(3):
            windows = [
                sum(words[start + at] @ weight[filter_, :, at] for at in range(width)) + bias[filter_]
                for start in range(len(words) - width + 1)
            ]
            found.append(max(*windows, 0.0))
    return np.array(found) / np.linalg.norm(found)


TEXTS = [[1, 2, 3, 4, 5, 6, 7], [8, 8], [], [5], [4, 3, 2, 1, 7]]


def test_texts_are_read_as_a_loop_over_windows_reads_them():
    model = net()
    found = model.encode(padded(TEXTS)).detach().numpy()
    np.testing.assert_allclose(found, [slow_encode(model, text) for text in TEXTS], rtol=1e-12, atol=1e-15)


def test_what_stands_after_a_text_does_not_count():
    model = net()
    with torch.no_grad():
        for layer in model.convolutions:
            layer.weight.mul_(-1)  # so that zeros would win more often
    long, short = (model.encode(padded(TEXTS, length)) for length in (30, 7))
    torch.testing.assert_close(long, short, rtol=1e-12, atol=0)


def test_scores_are_cosines_of_question_and_answers():
    model = net()
    pools = TextPools(padded([[1, 2], [3]]), padded(TEXTS), torch.tensor([[0, 1, 2], [4, 4, 3]]))
    expected = [
        [slow_encode(model, question) @ slow_encode(model, TEXTS[row]) for row in rows]
        for question, rows in (([1, 2], [0, 1, 2]), ([3], [4, 4, 3]))
    ]
    found = model(pools).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    assert found[0, 2] == 0  # of a text without words


def test_the_order_of_candidates_does_not_matter():
    model = net(features=2)
    with torch.no_grad():
        model.mix.copy_(torch.tensor([0.5, 2.0, -1.0]))
    features = torch.randn(2, 3, 2, dtype=torch.float64)
    pools = TextPools(padded([[1, 2], [3]]), padded(TEXTS), torch.tensor([[0, 1, 2], [4, 4, 3]]), features)
    order = torch.tensor([[2, 0, 1], [1, 2, 0]])
    torch.testing.assert_close(model(pools.kept(order)), model(pools).gather(1, order), rtol=1e-12, atol=1e-15)


def test_features_are_mixed_with_the_cosine():
    model = net(features=2)
    pools = TextPools(padded([[1, 2]]), padded([[3], [4]]), torch.tensor([[0, 1]]))
    features = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]], dtype=torch.float64)
    cosine = net()(pools)
    torch.testing.assert_close(model(pools._replace(features=features)), cosine)  # as it begins
    with torch.no_grad():
        model.mix.copy_(torch.tensor([0.5, 2.0, -1.0]))
    torch.testing.assert_close(model(pools._replace(features=features)), 0.5 * cosine + torch.tensor([[0.0, 2.0]]))


def test_texts_without_words_or_activity_give_finite_gradients():
    model = net()
    with torch.no_grad():
        for layer in model.convolutions:
            layer.bias.fill_(-1e3)  # so that no filter is active
    pools = TextPools(padded([[1, 2], []]), padded(TEXTS), torch.tensor([[0, 2], [2, 3]]))
    found = model(pools)
    assert (found == 0).all()
    found.sum().backward()
    assert all(torch.isfinite(weights.grad).all() for weights in model.parameters())


def test_words_that_are_fixed_and_padding_do_not_learn():
    pools = TextPools(padded([[1, 2]]), padded([[3], [4, 5]]), torch.tensor([[0, 1]]))
    model = net()
    model(pools)[0, 0].backward()
    assert (model.vectors[0] == 0).all()
    assert (model.vectors.grad[0] == 0).all()
    assert (model.vectors.grad[[1, 2, 3]] != 0).any(1).all()
    assert (model.vectors.grad[6:] == 0).all()
    assert not net(fixed=True).vectors.requires_grad


def test_many_pairs_score_as_one_does(monkeypatch):
    monkeypatch.setattr("irkit.rank.qacnn_net.TEXTS", 2)
    monkeypatch.setattr("irkit.rank.qacnn_net.PAIRS", 3)
    texts = ["a b c", "", "c", "d d a e", "b a c e d f", "unheard"]
    table = Table(texts, Words(list("abcdef"), unknown=2), length=5)
    model = net()
    questions, answers = np.array([0, 0, 3, 5]), np.array([1, 4, 2, 5])
    found = scored(model, table, questions, answers)
    read = [slow_encode(model, table.x[row, : table.sizes[row]].tolist()) for row in range(6)]
    expected = [read[question] @ read[answer] for question, answer in zip(questions, answers, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_words_are_numbered_after_those_that_the_unknown_share():
    words = Words.of(["b a", "B c."], unknown=3, min_count=2)
    assert (words.known, len(words)) == (["b"], 5)
    assert words.numbers("b") == [4]
    assert words.numbers("") == []
    assert set(words.numbers("a c d e f g")) <= {1, 2, 3}
    assert words.numbers("zebra, Zebra") == words.numbers("zebra") * 2
    assert Words.of(["wings"], stems=True).known == Words.of(["wing"], stems=True).known
    back = Words.from_tree(words.tree())
    assert (back.known, back.unknown, back.stems) == (words.known, 3, False)
    assert Words.from_tree(Words([]).tree()).known == []


def test_no_more_of_a_text_is_read_than_its_length():
    table = Table(["a b c d", "a", "a b c d"], Words(list("abcd")), length=3)
    assert (len(table), table.x.tolist()) == (2, [[2, 3, 4], [2, 0, 0]])
    taken = table.take(np.array([1]), torch.device("cpu"))
    assert (taken.x.tolist(), taken.lengths.tolist()) == ([[2]], [1])


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_text_shorter_than_a_window_is_read_with_zeros_after_it(length):
    model, text = net(), [3, 7, 2, 8][:length]
    np.testing.assert_allclose(model.encode(padded([text])).detach().numpy()[0], slow_encode(model, text), rtol=1e-12)


def test_some_candidates_score_as_they_do_among_all():
    model = net(features=2)
    with torch.no_grad():
        model.mix.copy_(torch.tensor([0.5, 2.0, -1.0]))
    features = torch.randn(2, 3, 2, dtype=torch.float64)
    pools = TextPools(padded([[1, 2], [3]]), padded(TEXTS), torch.tensor([[0, 1, 2], [4, 4, 3]]), features)
    row, column = torch.tensor([1, 0, 1, 1, 1]), torch.tensor([2, 1, 0, 1, 0])
    torch.testing.assert_close(model.pairs(pools, row, column), model(pools)[row, column], rtol=1e-12, atol=1e-15)
