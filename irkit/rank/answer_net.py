"""What rankers of answers that read them by QACNN's net share: words, fitting, scoring and files.

How the net is trained, its subclasses say: `irkit.rank.qacnn` by pairs, `irkit.rank.irgan_qa` by a game.

Symbols: n questions, m candidates, E numbers of a word, F filters of a width.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field

from irkit.arrays import Floats, Ints
from irkit.config import Config, digest
from irkit.errors import FrameError
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
    from irkit.learn.estimate import Estimate
    from irkit.learn.phases import Phase
    from irkit.learn.trainer import TrainerConfig, Training
    from irkit.rank.qa_words import Table, Words
    from irkit.rank.qacnn_net import QACNNNet


class AnswerNetConfig(Config):
    """Settings of the net, and of every training of it."""

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


class AnswerNet(Stage, ABC):
    """Base of these rankers; a subclass implements `learn`."""

    learns_from = Topics
    config_type: ClassVar[type[Config]] = AnswerNetConfig
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
    _folder: Path | None = None
    _resume: bool = False

    @abstractmethod
    def learn(self, train: Topics, valid: Topics | None, device: torch.device) -> QACNNNet:
        """Return the fitted net.

        Parameters
        ----------
        train, valid : Topics
            Of results with texts, and a correct answer among them.
        device : torch.device
            Where to train.
        """

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
        from irkit.learn.conditions import choose_device

        train = self._checked(train, "train")
        given = None if valid is None else self._checked(valid, "valid")
        out = copy(self)
        out.fitted_on = frozenset(train.flow.queries["qid"])
        if given is not None:
            out.fitted_on |= frozenset(given.flow.queries["qid"])
        else:
            train, given = held_out(train, self.config.validation, self.config.seed)
        out._folder, out._resume = None if folder is None else Path(folder), resume
        out.net = out.learn(train, given, choose_device(self.config.device)).cpu().eval()
        del out._folder, out._resume
        return out

    def know(self, train: Topics) -> Words:
        """Learn words, and their rarity where it takes part, from the texts of training."""
        from irkit.rank.qa_words import Words

        c, answers = self.config, document_texts(train.flow, who=self.name)
        texts = [*texts_of(train.flow.queries, who=self.name), *answers]
        besides = self.besides()
        self.words = Words.of(texts, min_count=c.min_count, unknown=c.unknown, stems=c.stems, besides=besides)
        self.rarity = Rarity.of(answers) if c.overlap else None
        return self.words

    def train_net(
        self,
        net: Any,
        phases: Sequence[Phase],
        source: Source,
        trainer: TrainerConfig,
        held: HeldAnswers | None,
        look: Callable[[HeldAnswers], Estimate | Mapping[str, Estimate]],
        rates: Sequence[str] = ("learning_rate",),
    ) -> None:
        """Train a net on its device, in the folder that `fit` was given; parameters are those of `train`.

        `look` says how good the net is on what is held out; `rates` are the settings to lower where it does not stay
        finite.
        """
        from irkit.learn.conditions import choose_device, conditions
        from irkit.learn.diverged import lowering
        from irkit.learn.trainer import train

        given = {need: resource_fingerprint(getattr(self, need)) for need in self.needs}
        with (
            conditions(choose_device(trainer.device), trainer.threads, trainer.seed),
            lowering(self.name, self.config, rates, "or clip"),
        ):
            self.training = train(
                net,
                phases,
                source,
                trainer,
                validate=None if held is None else lambda: look(held),
                validation_data=None if held is None else held.identity,
                settings={"model": self.name, "config": self.config.identity(), **given},
                folder=self._folder,
                resume=self._resume,
            )

    def start(self, words: Words) -> QACNNNet:
        """Return an untrained net on the CPU, its weights drawn by the seed."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            return self.net_of(self.vectors_of(words))

    def vectors_of(self, words: Words) -> Tensor:
        """Return what words begin with, drawn from torch's generator: (words, E)."""
        import torch

        return torch.empty(len(words), self.config.size).uniform_(-1, 1)

    def besides(self) -> list[str]:
        """Return words that are known although the training texts may lack them."""
        return []

    def net_of(self, vectors: Tensor) -> QACNNNet:
        """Return a net whose words have these vectors, its other weights drawn from torch's generator."""
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
        return flow.rescored(self.score(self.net, flow))

    def score(self, net: QACNNNet, flow: Hits) -> Floats:
        """Score results by a net: (m,) float64."""
        from irkit.rank.qacnn_net import scored

        table, questions, answers = self.table(flow)
        return scored(net, table, questions[flow.query], answers, self.features(flow))

    def table(self, hits: Hits) -> tuple[Table, Ints, Ints]:
        """Return all texts as numbers of words, and the rows of questions (n,) and of results (m,)."""
        from irkit.rank.qa_words import Table

        assert self.words is not None
        questions, answers = texts_of(hits.queries, who=self.name), document_texts(hits, who=self.name)
        table = Table([*questions, *answers], self.words, self.config.length)
        return table, table.rows(questions), table.rows(answers)

    def features(self, hits: Hits) -> Floats | None:
        """Return the features of overlap, (m, K), where they take part."""
        if self.rarity is None:
            return None
        questions, answers = texts_of(hits.queries, who=self.name), document_texts(hits, who=self.name)
        return overlaps([questions[row] for row in hits.query.tolist()], answers, self.rarity)

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
        from irkit.rank.answer_net_saved import save

        save(self, path)

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
        from irkit.rank.answer_net_saved import load

        return load(path, cls, resources)


class HeldAnswers:
    """Questions to stop by, with their candidates as a net takes them."""

    def __init__(self, stage: AnswerNet, valid: Topics) -> None:
        self.measured = Measured(valid, stage.config.measure)
        hits = valid.flow
        self.table, questions, self.answers = stage.table(hits)
        self.questions, self.features = questions[hits.query], stage.features(hits)
        texts = (texts_of(hits.queries, who=stage.name), document_texts(hits, who=stage.name))
        found = self.measured
        judged = (one.tolist() for one in (found.labels, found.relevant, found.ideal))
        self.identity = digest("answers to stop by", *texts, hits.ptr.tolist(), *judged, found.queries)

    def mean(self, net: QACNNNet) -> float:
        """Return the mean of the measure over questions, by the scores of a net."""
        from irkit.rank.qacnn_net import scored

        return self.measured.mean(scored(net, self.table, self.questions, self.answers, self.features))
