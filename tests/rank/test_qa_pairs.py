"""Tests of irkit.rank.qa_pairs."""

import numpy as np
import pytest
import torch

from irkit.errors import FrameError
from irkit.rank.overlap import Rarity, overlaps
from irkit.rank.qa_pairs import DrawnPairs, hardest, loss_of_pairs, text_pools
from irkit.rank.qa_words import Table, Words
from irkit.rank.qacnn_net import QACNNNet

CPU = torch.device("cpu")
TEXTS = ["q one", "q two", "q three", "a", "b", "c", "d", "e"]
TABLE = Table(TEXTS, Words(sorted({word for text in TEXTS for word in text.split()})), length=9)
QUERY = np.array([0, 0, 0, 1, 1, 1, 2])
ANSWERS = np.array([3, 4, 5, 6, 7, 3, 4])
CORRECT = np.array([1, 0, 0, 1, 1, 0, 1], dtype=bool)
RARITY = Rarity.of(TEXTS[3:])


def drawn(n=3, pool="own", rarity=None, batch_size=10, correct=CORRECT):
    return DrawnPairs(
        TABLE,
        np.arange(3),
        QUERY,
        ANSWERS,
        correct,
        n=n,
        pool=pool,
        rarity=rarity,
        batch_size=batch_size,
        seed=1,
        device=CPU,
    )


def read(batch):
    """Return the questions and answers of a batch as words, and answers in a row for each."""
    names = ["", "?", *TABLE_WORDS]
    questions = [" ".join(names[word] for word in text if word) for text in batch.questions.x.tolist()]
    answers = [" ".join(names[word] for word in text if word) for text in batch.answers.x.tolist()]
    return [
        (question, [answers[at] for at in row]) for question, row in zip(questions, batch.place.tolist(), strict=True)
    ]


TABLE_WORDS = sorted({word for text in TEXTS for word in text.split()})


def many(source, epochs=60):
    return [one for epoch in range(epochs) for one in read(source.batch(epoch, 0, torch.Generator()))]


def test_wrong_answers_are_drawn_of_the_questions_own():
    found = many(drawn())
    assert {question for question, _ in found} == {"q one", "q two"}  # the third has no wrong answer
    assert {row[0] for question, row in found if question == "q one"} == {"a"}
    assert {row[0] for question, row in found if question == "q two"} == {"d", "e"}
    wrong = [text for question, row in found for text in row[1:] if question == "q one"]
    assert set(wrong) == {"b", "c"}
    assert np.mean([text == "b" for text in wrong]) == pytest.approx(0.5, abs=0.15)
    assert {text for question, row in found for text in row[1:] if question == "q two"} == {"a"}


def test_or_of_all_but_its_correct_ones():
    found = many(drawn(pool="all"))
    wrong = {question: [text for q, row in found for text in row[1:] if q == question] for question, _ in found}
    assert {question: set(texts) for question, texts in wrong.items()} == {
        "q one": set("bcde"),
        "q two": set("abc"),
        "q three": set("acde"),
    }
    shares = [np.mean([text == one for text in wrong["q two"]]) for one in "abc"]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.1)


def test_each_correct_answer_comes_once_in_an_epoch():
    source = drawn(n=1, batch_size=2)
    assert len(source) == 2
    for epoch in range(3):
        found = [(q, row[0]) for at in range(2) for q, row in read(source.batch(epoch, at, torch.Generator()))]
        assert sorted(found) == [("q one", "a"), ("q two", "d"), ("q two", "e")]


def test_a_batch_is_the_same_whenever_it_is_asked_for():
    one, other = drawn(), drawn()
    later = one.batch(5, 0, torch.Generator())
    one.batch(0, 0, torch.Generator())
    assert read(one.batch(5, 0, torch.Generator())) == read(later) == read(other.batch(5, 0, torch.Generator()))
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != drawn(correct=~CORRECT).fingerprint


def test_pairs_have_their_features():
    batch = drawn(rarity=RARITY, pool="all").batch(0, 0, torch.Generator())
    for (question, row), features in zip(read(batch), batch.features, strict=True):
        np.testing.assert_allclose(features, overlaps([question] * 4, row, RARITY), atol=1e-6)


def test_each_distinct_answer_is_held_once():
    batch = text_pools(TABLE, np.array([0, 1]), np.array([[3, 4], [3, 3]]), device=CPU)
    assert len(batch.answers.x) == 2
    assert batch.place.tolist() == [[0, 1], [0, 0]]


def test_the_losses_by_hand():
    scores = torch.tensor([[0.9, 0.8, 0.1], [0.2, 0.4, 0.2]], dtype=torch.float64)
    ahead = np.array([0.1, 0.8, -0.2, 0.0])
    assert loss_of_pairs(scores, "hinge", 0.15, 1.0).item() == pytest.approx((0.05 + 0 + 0.35 + 0.15) / 4)
    assert loss_of_pairs(scores, "logistic", 1.0, 20.0).item() == pytest.approx(np.log1p(np.exp(-20 * ahead)).mean())


def test_the_hardest_is_what_the_net_scores_highest():
    torch.manual_seed(0)
    net = QACNNNet(torch.randn(len(TABLE_WORDS) + 2, 6), 4, (1, 2), dropout=0.5)
    batch = drawn(n=6, pool="all").batch(0, 0, torch.Generator())
    found = hardest(net, batch)
    assert net.training
    net.eval()
    whole, kept = net(batch), net(found)
    torch.testing.assert_close(kept[:, 0], whole[:, 0])
    torch.testing.assert_close(kept[:, 1], whole[:, 1:].max(1).values)
    one = drawn(n=1).batch(0, 0, torch.Generator())
    torch.testing.assert_close(net(hardest(net, one)), net(one))  # of one drawn it is that


def test_without_a_pair_there_is_nothing_to_learn():
    with pytest.raises(FrameError, match="qacnn: learns from questions with a correct answer and one that is not"):
        drawn(correct=np.ones(7, dtype=bool))
