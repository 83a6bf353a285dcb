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
Departures: texts are not padded to one length, see `irkit.rank.qacnn_net`; fewer filters, another margin; unknown words
share `unknown` vectors by a hash, so that one that stands in question and answer is seen to be the same.

Symbols: m candidates, E numbers of a word, F filters of a width.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.config import Config, digest
from irkit.errors import DataError, FrameError
from irkit.hits import Hits
from irkit.learn.devices import Device
from irkit.pipeline.filters import DropSelf
from irkit.pipeline.fit import Topics, not_fitted
from irkit.pipeline.learned import labels_of
from irkit.pipeline.stage import Stage, resource_fingerprint
from irkit.pipeline.texts import document_texts
from irkit.rank.encoder import texts_of
from irkit.rank.feature_ranker import held_out
from irkit.rank.measured import Measured, MeasureName
from irkit.rank.overlap import FEATURES, Rarity, candidates, overlaps
from irkit.rng import Seed

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.learn.batches import Source
    from irkit.learn.phases import Phase
    from irkit.learn.trainer import TrainerConfig, Training, Validate
    from irkit.rank.qa_pairs import DrawnPairs
    from irkit.rank.qa_words import Table, Words
    from irkit.rank.qacnn_net import QACNNNet


class QACNNConfig(Config):
    """Settings of `QACNN`."""

    size: int = Field(100, ge=1)
    "Numbers of a word, E."
    fixed: bool = False
    "Whether words keep the vectors that they begin with."
    filters: int = Field(100, ge=1)
    "Filters of each width, F."
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field((1, 2, 3, 5), min_length=1)
    "Words in a window."
    dropout: float = Field(0.0, ge=0, lt=1)
    "Share of the numbers of a text left out while training."
    length: int = Field(200, ge=1)
    "Words of a text that are read."
    stems: bool = False
    "Whether words are stems."
    min_count: int = Field(1, ge=1)
    "How often a word occurs in the training texts, at least, to have a vector of its own."
    unknown: int = Field(1000, ge=1)
    "Vectors that all other words share, by a hash of the word."
    overlap: bool = False
    "Whether features of the terms that question and answer share take part in the score."
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
    epochs: int = Field(10, ge=0)
    "Passes over the correct answers; with questions to stop by, at most. 0 leaves the net as it starts."
    learning_rate: float = Field(5e-3, gt=0)
    "Of Adam."
    batch_size: int = Field(32, ge=1)
    "Correct answers in a batch."
    clip: float | None = Field(1.0, gt=0)
    "Largest norm of a step's gradient."
    validation: float = Field(0.2, ge=0, lt=1)
    "Share of the training questions held out to stop by, where no others are given; 0 trains to the end."
    measure: MeasureName = "AP"
    "Whose mean over the questions to stop by chooses the weights: AP, RR, nDCG@k or P@k."
    patience: int = Field(3, ge=1)
    "Epochs without a better mean before training stops."
    device: Device = "auto"
    "Where it is trained: auto, cpu, cuda (or one of several, such as cuda:1) or mps."
    threads: int | None = Field(None, ge=1)
    "Threads of one operation; None leaves it to the machine."
    seed: Seed = 1
    "Of what is held out, of start, order and draws."

    def trainer(self) -> TrainerConfig:
        """Return the settings of the training."""
        from irkit.learn.optimiser import OptimiserConfig
        from irkit.learn.trainer import TrainerConfig

        return TrainerConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimiser=OptimiserConfig(learning_rate=self.learning_rate, clip=self.clip),
            patience=self.patience,
            seed=self.seed,
            device=self.device,
            threads=self.threads,
        )

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step of the training does, and by what weights are chosen."""
        return self.model_dump(mode="json", exclude={"epochs", "patience", "device", "threads"})


class QACNN(Stage):
    """Rank answers by a convolutional net that learns from questions with judged candidates."""

    name = "qacnn"
    learns_from = Topics
    config_type: ClassVar[type[Config]] = QACNNConfig
    config: Any
    words: Words | None = None
    "The words that the net knows; None before `fit`."
    net: QACNNNet | None = None
    "The fitted net, on the CPU."
    rarity: Rarity | None = None
    "Of terms, where overlap takes part."
    fitted_on: frozenset[str] | None = None
    "The qids of the training questions, and of those that were given to stop by."
    training: Training | None = None
    "What came of `fit`; a saved stage does not have it."

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        train: Topics,
        valid: Topics | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Return a copy fitted on judged candidates; one without a judgement is no correct answer.

        Parameters
        ----------
        train : Topics
            Of results with texts.
        valid : Topics, optional
            Likewise, of other questions, to stop by; without it a share of the training questions is.
        folder : path, optional
            For metrics and the checkpoint of the training.
        resume : bool
            Go on from the folder's checkpoint, if there is one.

        Raises
        ------
        FrameError
            If the topics hold queries instead of results, the results have no texts, no question has a correct
            answer beside a wrong one, or none to stop by has a correct one.
        DivergedError
            If training does not stay finite.
        ConfigError
            If the folder holds another run.
        """
        train = self._checked(train, "train")
        given = None if valid is None else self._checked(valid, "valid")
        out = copy(self)
        out.fitted_on = frozenset(train.flow.queries["qid"])
        if given is not None:
            out.fitted_on |= frozenset(given.flow.queries["qid"])
        else:
            train, given = held_out(train, self.config.validation, self.config.seed)
        out._learn(train, given, None if folder is None else Path(folder), resume)
        return out

    def start(self, words: Words) -> QACNNNet:
        """Return an untrained net on the CPU, its weights drawn by the seed."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            return self._net(self.vectors_of(words))

    def vectors_of(self, words: Words) -> Tensor:
        """Return what words begin with, drawn from torch's generator: (words, E)."""
        import torch

        return torch.empty(len(words), self.config.size).uniform_(-1, 1)

    def besides(self) -> list[str]:
        """Return words that are known although the training texts may lack them."""
        return []

    def _net(self, vectors: Tensor) -> QACNNNet:
        from irkit.rank.qacnn_net import QACNNNet

        features = len(FEATURES) if self.config.overlap else 0
        return QACNNNet(
            vectors,
            self.config.filters,
            self.config.widths,
            features=features,
            dropout=self.config.dropout,
            fixed=self.config.fixed,
        )

    def _checked(self, topics: Topics, role: str) -> Topics:
        hits = candidates(topics, who=self.name)
        if topics.qrels.attrs.get("exclude_self"):
            hits = DropSelf().run(hits)
        texts_of(hits.queries, who=self.name)
        document_texts(hits, who=self.name)
        if not (labels_of(hits, topics.qrels) > 0).any():
            raise FrameError(
                f"{self.name}: no result of {role} is judged relevant, got {len(topics.qrels)} judgements; give those "
                "of its queries"
            )
        return Topics(hits, topics.qrels)

    def _learn(self, train: Topics, valid: Topics | None, folder: Path | None, resume: bool) -> None:
        """Train, and keep the weights with the best mean, or the last."""
        from irkit.learn.conditions import choose_device, conditions
        from irkit.learn.estimate import Estimate
        from irkit.learn.phases import Loss, Now, Phase
        from irkit.rank.qa_pairs import hardest, loss_of_pairs

        config = self.config
        self.words, self.rarity = self._read(train.flow)
        device = choose_device(config.device)
        net = self.start(self.words).to(device)
        if not config.epochs:
            self.net = net.cpu().eval()
            return

        def loss(batch: Any, now: Now) -> Loss:
            pools = hardest(net, batch) if config.negatives == "max" and config.drawn > 1 else batch
            return Loss(loss_of_pairs(net(pools), config.loss, config.margin, config.scale), {})

        moving = [weights for weights in net.parameters() if weights.requires_grad]
        looks = None if valid is None else self._held_out(valid)
        with conditions(device, config.threads, config.seed):
            self.train_net(
                net,
                [Phase(self.name, moving, loss)],
                self._source(train, device, config.drawn),
                config.trainer(),
                None if looks is None else looks[1],
                None if looks is None else lambda: Estimate.exact(looks[0](net)),
                folder,
                resume,
            )
        self.net = net.cpu()

    def train_net(
        self,
        net: Any,
        phases: Sequence[Phase],
        source: Source,
        trainer: TrainerConfig,
        validation_data: str | None,
        validate: Validate | None,
        folder: Path | None,
        resume: bool,
        rates: Sequence[str] = ("learning_rate",),
    ) -> None:
        """Train a net on its device; parameters are those of `irkit.learn.trainer.train`.

        `rates` are the settings to lower where it does not stay finite.
        """
        from irkit.learn.diverged import lowering
        from irkit.learn.trainer import train as run

        with lowering(self.name, self.config, rates, "or clip"):
            self.training = run(
                net,
                phases,
                source,
                trainer,
                validate=validate,
                validation_data=validation_data,
                settings={"model": self.name, "config": self.config.identity(), **self._given()},
                folder=folder,
                resume=resume,
            )

    def _read(self, hits: Hits) -> tuple[Words, Rarity | None]:
        """Return the words of the training texts, and where overlap takes part how rare the terms of answers are."""
        from irkit.rank.qa_words import Words

        config = self.config
        answers = document_texts(hits, who=self.name)
        texts = [*texts_of(hits.queries, who=self.name), *answers]
        words = Words.of(
            texts, min_count=config.min_count, unknown=config.unknown, stems=config.stems, besides=self.besides()
        )
        return words, Rarity.of(answers) if config.overlap else None

    def _given(self) -> dict[str, Any]:
        """Return hashes of resources, which decide what a step does."""
        return {need: resource_fingerprint(getattr(self, need)) for need in self.needs}

    def _source(self, train: Topics, device: torch.device, drawn: int) -> DrawnPairs:
        from irkit.rank.qa_pairs import DrawnPairs

        hits, config = train.flow, self.config
        table, questions, answers = self._table(hits)
        return DrawnPairs(
            table,
            questions,
            hits.query,
            answers,
            labels_of(hits, train.qrels) > 0,
            n=drawn,
            pool=config.pool,
            rarity=self.rarity,
            batch_size=config.batch_size,
            seed=config.seed,
            device=device,
        )

    def _held_out(self, valid: Topics) -> tuple[Callable[[QACNNNet], float], str]:
        """Return what measures a net on the questions to stop by, and a hash of these."""
        measured = Measured(valid, self.config.measure)
        hits = valid.flow
        read, features = self._table(hits), self._features(hits)
        texts = (texts_of(hits.queries, who=self.name), document_texts(hits, who=self.name))
        identity = digest("answers to stop by", *texts, hits.ptr.tolist(), measured.labels.tolist())
        return lambda net: measured.mean(self._scored(net, hits, *read, features)), identity

    # ------------------------------------------------------------------ scoring

    def run(self, flow: Hits) -> Hits:
        """Score all results.

        Raises
        ------
        NotFittedError
            Before `fit`.
        FrameError
            If the results do not hold the texts of documents and queries.
        """
        if self.net is None:
            raise not_fitted(self)
        if not len(flow):
            return flow
        return flow.rescored(self._scored(self.net, flow, *self._table(flow), self._features(flow)))

    def _table(self, hits: Hits) -> tuple[Table, Ints, Ints]:
        """Return all texts as numbers of words, and the rows of questions (n,) and of results (m,)."""
        from irkit.rank.qa_words import Table

        assert self.words is not None
        questions, answers = texts_of(hits.queries, who=self.name), document_texts(hits, who=self.name)
        table = Table([*questions, *answers], self.words, self.config.length)
        return table, table.rows(questions), table.rows(answers)

    def _features(self, hits: Hits) -> Floats | None:
        if self.rarity is None:
            return None
        questions, answers = texts_of(hits.queries, who=self.name), document_texts(hits, who=self.name)
        return overlaps([questions[row] for row in hits.query.tolist()], answers, self.rarity)

    def _scored(
        self, net: QACNNNet, hits: Hits, table: Table, questions: Ints, answers: Ints, features: Floats | None
    ) -> Floats:
        from irkit.rank.qacnn_net import scored

        return scored(net, table, questions[hits.query], answers, features)

    # ------------------------------------------------------------------ identity and files

    @property
    def fingerprint(self) -> str:
        """Hash of the settings, the resources and what was learned."""
        return digest(super().fingerprint, None if self.net is None else self._learned())

    def _learned(self) -> Any:
        from irkit.learn.batches import fingerprint

        assert self.net is not None
        assert self.words is not None
        weights = {name: fingerprint(tensor) for name, tensor in self.net.state_dict().items()}
        rarity = None if self.rarity is None else [self.rarity.n, self.rarity.df]
        return [weights, self.words.known, rarity]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted stage as one safetensors file, its words with it.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        DataError
            If the file cannot be written; what stood there before stays.
        """
        from irkit.learn import checkpoint

        if self.net is None or self.words is None:
            raise not_fitted(self)
        tree = {
            "config": self.config.given(),
            "fitted_on": sorted(self.fitted_on or ()),
            "words": self.words.tree(),
            "rarity": None if self.rarity is None else self.rarity.tree(),
            "net": dict(self.net.state_dict()),
        }
        checkpoint.save(path, self.name, tree)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **resources: Any) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        path : path
        **resources
            What the stage needs besides.

        Raises
        ------
        NotFoundError
            If there is no such file.
        DataError
            If it is damaged, was not written by `save`, or holds something else.
        """
        from irkit.learn import checkpoint
        from irkit.rank.qa_words import Words

        tree = checkpoint.load(path, cls.name)
        try:
            out = cls(cls.configured(tree["config"]), **resources)
            out.words, out.fitted_on = Words.from_tree(tree["words"]), frozenset(tree["fitted_on"])
            out.rarity = None if tree["rarity"] is None else Rarity.from_tree(tree["rarity"])
            out.net = out._net(tree["net"]["embedding.weight"])
            out.net.load_state_dict(tree["net"])
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:  # of torch and of configs too
            reason = " ".join(str(error).split())
            raise DataError(f"{path}: does not fit this version's {cls.name} ({reason}); fit it again") from None
        out.net.eval()
        return out
