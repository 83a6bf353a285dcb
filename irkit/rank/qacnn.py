"""QACNN: answers ranked by the cosine of what one convolutional net makes of them and of their question.

    h_w[t] = W_w (x_t, ..., x_{t + w - 1})            of each width w, F filters
    v      = ReLU(max over t of h_w[t] + b)           of all widths, end to end
    s(q, a) = v_q . v_a / (|v_q| |v_a|)

Words x are vectors, random at the start or given (`irkit.rank.qacnn_vectors`). Training puts correct answers ahead
of wrong ones that are drawn for them, by the losses of `irkit.rank.qa_pairs`; the net is in `irkit.rank.qacnn_net`.
With `overlap` the score is m_0 s + m . f, with the four features f of `irkit.rank.overlap` and learned m that begins
as m_0 = 1 and m = 0.

Sources: Feng, Xiang, Glass, Wang and Zhou, "Applying deep learning to answer selection: a study and an open task",
ASRU 2015; the net and its start are those of IRGAN's code for InsuranceQA (Wang et al., SIGIR 2017): E = 100, F = 500,
200 words, margin .05, gradients clipped at 1. Severyn and Moschitti, SIGIR 2015, section 3.3, for features beside it.
Departures: texts are not padded to one length, see `irkit.rank.qacnn_net`; fewer filters and another margin; unknown
words share `unknown` vectors by a hash, so that one that stands in question and answer is seen to be the same.

Symbols: m candidates, E numbers of a word, F filters of a width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from irkit.pipeline.fit import Topics
from irkit.pipeline.learned import labels_of
from irkit.rank.answer_net import AnswerNet, AnswerNetConfig, HeldAnswers

if TYPE_CHECKING:
    import torch

    from irkit.learn.phases import Loss, Now
    from irkit.rank.qa_pairs import DrawnPairs
    from irkit.rank.qacnn_net import QACNNNet


class QACNNConfig(AnswerNetConfig):
    """Settings of `QACNN`."""

    loss: Literal["hinge", "logistic"] = "hinge"
    "Of a correct answer and a wrong one."
    margin: float = Field(0.2, gt=0)
    "Of the hinge: how far ahead a correct answer is to be."
    scale: float = Field(20.0, gt=0)
    "Of the logistic loss: what differences of scores are multiplied by."
    negatives: Literal["random", "max"] = "random"
    "Which of the wrong answers drawn count: all, or the one that the net scores highest."
    drawn: int = Field(2, ge=1)
    "Wrong answers drawn for each correct one."
    pool: Literal["own", "all"] = "own"
    "Where they are drawn: among the question's own candidates, or all of the training."


class QACNN(AnswerNet):
    """Rank answers by a convolutional net that learns to put correct ones ahead of drawn ones."""

    name = "qacnn"
    config_type = QACNNConfig
    config: Any

    def learn(self, train: Topics, valid: Topics | None, device: torch.device) -> QACNNNet:
        """Train, and keep the weights with the best mean, or the last."""
        from irkit.learn.estimate import Estimate
        from irkit.learn.phases import Phase

        net = self.start(self.know(train)).to(device)
        if self.config.epochs:
            phase = Phase(self.name, list(net.parameters()), lambda batch, now: self._loss(net, batch, now))
            held = None if valid is None else HeldAnswers(self, valid)
            trainer, source = self.config.trainer(), self._source(train, device)
            self.train_net(net, [phase], source, trainer, held, lambda held: Estimate.exact(held.mean(net)))
        return net

    def _loss(self, net: QACNNNet, batch: Any, now: Now) -> Loss:
        from irkit.learn.phases import Loss
        from irkit.rank.qa_pairs import hardest, loss_of_pairs

        c = self.config
        pools = hardest(net, batch) if c.negatives == "max" and c.drawn > 1 else batch
        return Loss(loss_of_pairs(net(pools), c.loss, c.margin, c.scale), {})

    def _source(self, train: Topics, device: torch.device) -> DrawnPairs:
        from irkit.rank.qa_pairs import DrawnPairs

        hits, c = train.flow, self.config
        table, questions, answers = self.table(hits)
        return DrawnPairs(
            table,
            questions,
            hits.query,
            answers,
            labels_of(hits, train.qrels) > 0,
            n=c.drawn,
            pool=c.pool,
            rarity=self.rarity,
            batch_size=c.batch_size,
            seed=c.seed,
            device=device,
        )
