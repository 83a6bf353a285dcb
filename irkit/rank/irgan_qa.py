"""IRGAN for answers: two nets of QACNN, a generator and a discriminator, play against each other over candidates.

Source: Wang et al., "IRGAN", SIGIR 2017, section 4.4, and the released code for InsuranceQA; what a turn of each
player minimises is in `irkit.learn.game`, the net in `irkit.rank.qacnn_net`.

Both players start from one QACNN, trained with the best-scored of `candidates` wrong answers drawn (`negatives: max`;
the code's "DNS"). The generator draws wrong answers among the candidates of a question for the discriminator, by the
softmax of its scores times 30, and gets the hinge's reward for draws by that of its scores times 20; temperatures are
one over these. Candidates are the question's own, or its correct answers and `pool_size` others drawn anew each time.

Departures: those of `irkit.learn.game`; draws are with replacement; a lower rate of both players, .05 and .005 in the
code; those of `irkit.rank.qacnn`.

Symbols: B questions, L candidates of the longest list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats, Ints
from irkit.errors import FrameError
from irkit.learn.game_settings import COLDEST, GameConfig, named_start
from irkit.pipeline.fit import Topics
from irkit.pipeline.learned import labels_of
from irkit.rank.answer_net import AnswerNet, AnswerNetConfig, HeldAnswers
from irkit.rank.qacnn import QACNN
from irkit.rng import generator

if TYPE_CHECKING:
    import torch

    from irkit.learn.estimate import Estimate
    from irkit.learn.game import Pools
    from irkit.rank.overlap import Rarity
    from irkit.rank.qa_words import Table
    from irkit.rank.qacnn_net import QACNNNet


class IRGANQAConfig(GameConfig, AnswerNetConfig):
    """Settings of `IRGANQA`; `epochs`, `learning_rate` and `patience` are of the start."""

    loss: Literal["hinge", "pairwise"] = "hinge"
    "What the discriminator minimises and rewards; see `irkit.learn.game`."
    margin: float = Field(0.2, gt=0)
    "Of the hinge, of the start too."
    candidates: int = Field(4, ge=1)
    "Wrong answers drawn for each correct one in the training of the start."
    pool: Literal["own", "all"] = "own"
    "Candidates of a question: its own, or its correct ones and some of all in the training."
    pool_size: int = Field(100, ge=1)
    "How many of all."
    batch_size: int = Field(32, ge=1)
    "Correct answers in a batch of the start, and questions whose gradients are added up in the game."
    rounds: int = Field(5, ge=0)
    "Turns of both players; 0 leaves them where they start."
    discriminator_passes: int = Field(1, ge=0)
    "Passes over the questions in a turn of the discriminator."
    generator_passes: int = Field(1, ge=0)
    "Passes over the questions in a turn of the generator."
    temperature: float = Field(1 / 20, ge=COLDEST)
    "The generator's policy is the softmax of its scores over this."
    negative_temperature: float = Field(1 / 30, ge=COLDEST)
    "Likewise, where it draws negatives for the discriminator."
    negatives: Literal["any", "others"] = "others"
    "Whether correct answers may be drawn as negatives."
    negative_draws: int = Field(3, ge=1)
    "Negatives drawn for each correct answer."
    draws: int = Field(5, ge=1)
    "Draws of the generator for each correct answer of a question."
    mix: float = Field(0.0, ge=0, lt=1)
    "Share of these draws that are uniform over the correct answers; each counts by its importance weight."
    ranker: Literal["generator", "discriminator"] = "discriminator"
    "Whose scores rank, where both play."
    optimiser: Literal["sgd", "adam"] = "adam"
    "Rule of both players."
    clip: float | None = Field(1.0, gt=0)
    "Largest norm of a step's gradient, of the start and of each player."
    evaluate_every: int = Field(1, ge=1)
    "Passes between looks at held-out questions."

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step of the game does; those of the start are among them."""
        return self.model_dump(mode="json", exclude={"rounds", "device", "threads"})

    def start_settings(self) -> dict[str, Any]:
        """Return the settings of the QACNN that players start from."""
        shared = AnswerNetConfig.model_fields.keys() - {"validation"}
        own = {"margin": self.margin, "negatives": "max", "drawn": self.candidates, "pool": self.pool}
        return {name: getattr(self, name) for name in shared} | own | {"validation": 0.0}


class IRGANQA(AnswerNet):
    """Rank answers by a player of the game."""

    name = "irgan-qa"
    config_type = IRGANQAConfig
    config: Any
    curve_: Floats
    "(E, 3): passes, and the measure on held-out questions of generator and discriminator; of no look without such."

    @property
    def measured_by(self) -> str:
        """What the curve is of."""
        return str(self.config.measure)

    def learn(self, train: Topics, valid: Topics | None, device: torch.device) -> QACNNNet:
        """Start, and play."""
        from copy import deepcopy

        from irkit.learn.game import Game
        from irkit.learn.looks import curve, game_trainer, look

        c = self.config
        with named_start(self.name, QACNN.name):
            began = QACNN(**c.start_settings()).fit(train, valid)
        self.words, self.rarity, self.training = began.words, began.rarity, began.training
        assert began.net is not None
        source = self._source(train, device)
        discriminator, policy = deepcopy(began.net).to(device), began.net.to(device)
        net = Game(discriminator, policy, c, len(source.questions)).to(device)
        held = None if valid is None else HeldAnswers(self, valid)

        def looked(held: HeldAnswers) -> dict[str, Estimate]:
            return look(net, self.measured_by, held.mean)

        self.curve_ = np.zeros((0, 3))
        if c.rounds:
            rates = ("discriminator_rate", "generator_rate")
            self.train_net(net, net.phases(), source, game_trainer(c, len(source)), held, looked, rates)
            assert self.training is not None
            self.curve_ = curve(self.training.rows, self.measured_by)
        return discriminator if net.ranker is discriminator else policy

    def _source(self, train: Topics, device: torch.device) -> JudgedAnswers:
        hits, c = train.flow, self.config
        table, questions, answers = self.table(hits)
        return JudgedAnswers(
            table,
            questions,
            hits.query,
            answers,
            labels_of(hits, train.qrels) > 0,
            drawn=c.pool_size if c.pool == "all" else 0,
            rarity=self.rarity,
            batch_size=c.batch_size,
            seed=c.seed,
            device=device,
        )


class JudgedAnswers:
    """Batches of questions with candidates, the correct ones as positives: a `Source` of `Pools`.

    Parameters
    ----------
    table, questions, query, answers, correct, rarity, batch_size, seed, device
        As `irkit.rank.qa_pairs.DrawnPairs` has them.
    drawn : int
        Wrong answers of all in the training, drawn anew for each batch; 0 for the question's own.

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
        drawn: int,
        rarity: Rarity | None,
        batch_size: int,
        seed: int,
        device: torch.device,
    ) -> None:
        from irkit.learn.batches import Shuffled
        from irkit.rank.qa_pairs import AllWrong, Overlaps, OwnWrong, content_of, correct_pairs

        pairs = correct_pairs(query, answers, correct)
        self._own = OwnWrong(query, answers, pairs, len(questions))
        self._all = AllWrong(answers, pairs) if drawn else None
        counts = np.bincount(pairs[:, 0], minlength=len(questions))
        playing = np.flatnonzero(counts)
        wrong = (self._all or self._own).counts(playing)
        self.questions = playing[wrong > 0]
        if not len(self.questions):
            raise FrameError(
                f"irgan-qa: learns from questions with a correct answer and one that is not, got none of "
                f"{len(questions)}; give judgements of these candidates"
            )
        self._right = np.split(pairs[:, 1], np.cumsum(counts)[:-1])
        self.table, self._rows, self.drawn, self.seed, self.device = table, questions, drawn, seed, device
        self._overlaps = Overlaps(table, rarity)
        self.fingerprint = content_of(table, questions, query, answers, correct)
        self._order = Shuffled(
            len(self.questions), batch_size, seed=seed, take=lambda rows, rng: rows, fingerprint=self.fingerprint
        )

    def __len__(self) -> int:
        return len(self._order)

    def batch(self, epoch: int, at: int, rng: torch.Generator) -> Pools:
        """Return some questions; what is drawn depends on the seed, the epoch and the place alone."""
        import torch

        from irkit.learn.conditions import sent
        from irkit.learn.game import Pools
        from irkit.rank.qa_pairs import text_pools

        places = self._order.batch(epoch, at, rng)
        asked = self.questions[places.numpy()]
        right = [self._right[question] for question in asked]
        if self._all is None:
            wrong = [self._own.of(question) for question in asked]
        else:
            wrong = list(self._all.draw(asked, self.drawn, generator(self.seed, "candidates", str(epoch), str(at))))
        lists = [np.concatenate(both) for both in zip(right, wrong, strict=True)]
        lengths, counts = (np.array([len(one) for one in rows], dtype=np.int64) for rows in (lists, right))
        mask = np.arange(lengths.max()) < lengths[:, None]
        answers = np.repeat(np.array([one[0] for one in lists])[:, None], mask.shape[1], axis=1)
        answers[mask] = np.concatenate(lists)
        row, column = np.nonzero(np.arange(mask.shape[1]) < counts[:, None])
        rows = self._rows[asked]
        x = text_pools(self.table, rows, answers, device=self.device, features=self._overlaps.of(rows, answers))
        there, first, second = (sent(torch.from_numpy(array), self.device) for array in (mask, row, column))
        return Pools(x, there, first, second, counts, sent(places, self.device))
