"""What a net of questions and answers is trained on: correct answers, each beside answers that are not.

A batch is some pairs of a question and a correct answer, with n wrong answers drawn for each, uniformly and with
replacement: of the question's own candidates, or of all training candidates but its correct answers.

    hinge      mean over wrong answers of max(0, margin - (s(q, a+) - s(q, a-)))
    logistic   mean over wrong answers of log(1 + exp(-scale (s(q, a+) - s(q, a-))))

With `random` negatives all of the n count; with `max` that one alone which the net as it stands scores highest.

Sources: Feng et al., ASRU 2015, section 2 (hinge, the worst of 50 drawn); Rao, He and Lin, "Noise-contrastive
estimation for answer selection with deep neural networks", CIKM 2016, section 3.2 (random and max sampling).

Symbols: B pairs, n drawn, L = 1 + n, D questions, m candidates, U texts, K features.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from irkit.arrays import Bools, Floats, Ints, offsets
from irkit.config import digest
from irkit.errors import FrameError
from irkit.learn.batches import Shuffled, fingerprint
from irkit.learn.conditions import sent
from irkit.rank.overlap import Rarity, overlaps
from irkit.rank.qa_words import Table
from irkit.rank.qacnn_net import QACNNNet, TextPools
from irkit.rng import generator

Pool: TypeAlias = Literal["own", "all"]


class DrawnPairs:
    """Batches of correct answers beside wrong ones: a `Source` of `TextPools` whose first column is correct.

    Parameters
    ----------
    table : Table
    questions : (D,) int
        Rows of the table.
    query, answers : (m,) int
        The question of each candidate, by its place among them, and the candidate's row of the table.
    correct : (m,) bool
    n : int
        Wrong answers drawn for each correct one.
    pool : {"own", "all"}
        Where they are drawn.
    rarity : Rarity, optional
        With it, pairs have their features of overlap.
    batch_size, seed : int
    device : torch.device
        Where batches are; they are drawn on the host.

    Raises
    ------
    FrameError
        If no question has a correct answer and one that is not.
    """

    def __init__(
        self,
        table: Table,
        questions: Ints,
        query: Ints,
        answers: Ints,
        correct: Bools,
        *,
        n: int,
        pool: Pool,
        rarity: Rarity | None,
        batch_size: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.table, self.questions = table, questions
        self.n, self.seed, self.device = n, seed, device
        pairs = correct_pairs(query, answers, correct)
        self._wrong = OwnWrong(query, answers, pairs, len(questions)) if pool == "own" else AllWrong(answers, pairs)
        self.pairs = pairs[self._wrong.counts(pairs[:, 0]) > 0]
        if not len(self.pairs):
            raise FrameError(
                f"qacnn: learns from questions with a correct answer and one that is not, got none of "
                f"{len(questions)}; "
                "give judgements of these candidates"
            )
        self.fingerprint = content_of(table, questions, query, answers, correct)
        self._order = Shuffled(
            len(self.pairs), batch_size, seed=seed, take=lambda rows, rng: rows, fingerprint=self.fingerprint
        )
        self._overlaps = Overlaps(table, rarity)

    def __len__(self) -> int:
        return len(self._order)

    def batch(self, epoch: int, at: int, rng: torch.Generator) -> TextPools:
        """Return some pairs with wrong answers, drawn by the seed, the epoch and the place alone."""
        pairs = self.pairs[self._order.batch(epoch, at, rng).numpy()]
        draws = generator(self.seed, "negatives", str(epoch), str(at))
        wrong = self._wrong.draw(pairs[:, 0], self.n, draws)
        questions, answers = self.questions[pairs[:, 0]], np.concatenate([pairs[:, 1:], wrong], axis=1)
        features = self._overlaps.of(questions, answers)
        return text_pools(self.table, questions, answers, device=self.device, features=features)


def correct_pairs(query: Ints, answers: Ints, correct: Bools) -> Ints:
    """Return questions with their correct answers, each pair once, in the order of questions: (P, 2)."""
    found: Ints = np.unique(np.stack([query[correct], answers[correct]], 1), axis=0)
    return found


def content_of(table: Table, questions: Ints, query: Ints, answers: Ints, correct: Bools) -> str:
    """Hash candidates and what is correct."""
    content = (table.x, questions, query, answers, correct)
    return digest("answers", [fingerprint(torch.from_numpy(array)) for array in content])


class Overlaps:
    """Features of overlap of pairs, each found once.

    Parameters
    ----------
    table : Table
    rarity : Rarity, optional
        Without it pairs have no features.
    """

    def __init__(self, table: Table, rarity: Rarity | None) -> None:
        self.table, self.rarity = table, rarity
        self._found: dict[tuple[int, int], Floats] = {}

    def of(self, questions: Ints, answers: Ints) -> Floats | None:
        """Return the features of pairs of rows of the table: (B,) and (B, L) to (B, L, K)."""
        if self.rarity is None:
            return None
        keys = [
            (question, row) for question, rows in zip(questions.tolist(), answers.tolist(), strict=True) for row in rows
        ]
        new = list({key for key in keys if key not in self._found})
        texts = self.table.texts
        found = overlaps([texts[question] for question, _ in new], [texts[row] for _, row in new], self.rarity)
        self._found.update(zip(new, found, strict=True))
        return np.stack([self._found[key] for key in keys]).reshape(*answers.shape, -1)


class OwnWrong:
    """Wrong answers among a question's own candidates.

    Parameters
    ----------
    query, answers : (m,) int
        The question and the text of each candidate.
    pairs : (P, 2) int
        Questions with their correct answers.
    n : int
        Questions.
    """

    def __init__(self, query: Ints, answers: Ints, pairs: Ints, n: int) -> None:
        several = int(answers.max(initial=0)) + 1
        key = np.unique(query * several + answers)
        self._of, self._rows = np.divmod(key[~np.isin(key, pairs[:, 0] * several + pairs[:, 1])], several)
        self._ptr = offsets(np.bincount(self._of, minlength=n))

    def counts(self, questions: Ints) -> Ints:
        """Return how many there are for each of some questions."""
        return np.diff(self._ptr)[questions]

    def draw(self, questions: Ints, n: int, rng: np.random.Generator) -> Ints:
        """Draw n for each of some questions, with replacement: (B, n)."""
        drawn = rng.integers(0, self.counts(questions)[:, None], (len(questions), n))
        found: Ints = self._rows[self._ptr[questions][:, None] + drawn]
        return found

    def of(self, question: int) -> Ints:
        """Return those of one question."""
        return self._rows[self._ptr[question] : self._ptr[question + 1]]


class AllWrong:
    """Wrong answers among the candidates of all questions; parameters as above."""

    def __init__(self, answers: Ints, pairs: Ints) -> None:
        self._rows = np.unique(answers)
        self._right: dict[int, list[int]] = {}  # places among the rows, ascending
        for question, row in pairs.tolist():
            self._right.setdefault(question, []).append(int(np.searchsorted(self._rows, row)))

    def counts(self, questions: Ints) -> Ints:
        """Return how many there are for each of some questions."""
        return np.array(
            [len(self._rows) - len(self._right[question]) for question in questions.tolist()], dtype=np.int64
        )

    def draw(self, questions: Ints, n: int, rng: np.random.Generator) -> Ints:
        """Draw n for each of some questions, with replacement: (B, n)."""
        drawn = rng.integers(0, self.counts(questions)[:, None], (len(questions), n))
        for at, question in enumerate(questions.tolist()):
            for place in self._right[question]:  # step over each correct answer
                drawn[at] += drawn[at] >= place
        found: Ints = self._rows[drawn]
        return found


def text_pools(
    table: Table, questions: Ints, answers: Ints, *, device: torch.device, features: Floats | None = None
) -> TextPools:
    """Put questions and candidates together for a net, each distinct answer once.

    Parameters
    ----------
    table : Table
    questions : (B,) int
    answers : (B, L) int
        Rows of the table.
    device : torch.device
    features : (B, L, K), optional
    """
    rows, place = np.unique(answers, return_inverse=True)
    return TextPools(
        table.take(questions, device),
        table.take(rows, device),
        sent(torch.from_numpy(place.reshape(answers.shape)), device),
        None if features is None else sent(torch.from_numpy(features).float(), device),
    )


def loss_of_pairs(scores: Tensor, kind: str, margin: float, scale: float) -> Tensor:
    """Return the mean loss over wrong answers.

    Parameters
    ----------
    scores : (B, L)
        Of a correct answer, then of wrong ones.
    kind : {"hinge", "logistic"}
    margin, scale : float
        Of the one and the other.

    Examples
    --------
    >>> loss_of_pairs(torch.tensor([[0.5, 0.25, 0.5]]), "hinge", 0.5, 1.0).item()
    0.375
    """
    ahead = scores[:, :1] - scores[:, 1:]
    found: Tensor = (margin - ahead).clamp(min=0) if kind == "hinge" else softplus(-scale * ahead)
    return found.mean()


@torch.no_grad()
def hardest(net: QACNNNet, pools: TextPools) -> TextPools:
    """Keep the correct answer and, of the wrong ones, that which the net scores highest, nothing left out in it."""
    training = net.training
    net.eval()
    worst = net(pools)[:, 1:].argmax(1, keepdim=True) + 1
    net.train(training)
    return pools.kept(torch.cat([torch.zeros_like(worst), worst], 1))
