"""Small networks as rankers: what those that are trained by gradient steps on lists of documents share.

A step takes a batch of queries, scores all their documents and lowers the mean of a loss over the queries. Training
is that of every learned model, `irkit.learn.trainer.train`; torch is imported when a ranker learns or scores.

Symbols: m results, F features; B queries of a batch, L documents in the longest of their lists.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from irkit.arrays import Bools, Floats
from irkit.errors import CompositionError, FrameError
from irkit.hits import Hits
from irkit.learn.devices import Device
from irkit.learn.memory import enough_memory, smaller
from irkit.pipeline.filters import not_self
from irkit.pipeline.fit import Topics
from irkit.pipeline.learned import features_of, labels_of, refuse
from irkit.rank.feature_ranker import FeatureRanker, FeatureRankerConfig
from irkit.rank.lists import Lists
from irkit.rank.measured import Measured, MeasureName
from irkit.rank.scaling import lowest_for_missing, minmax_by_query, standardised, statistics

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from irkit.learn.batches import Source
    from irkit.learn.estimate import Estimate
    from irkit.learn.phases import Phase
    from irkit.learn.trainer import TrainerConfig, Training
    from irkit.rank.lists import ListBatch
    from irkit.rank.scorers import Scorer

ROWS = 1 << 17
"Documents scored at once."


class NetRankerConfig(FeatureRankerConfig):
    """Settings of every network."""

    hidden_size: int = Field(32, ge=0)
    "Units of the hidden layer; 0 makes scores linear in the features."
    normalise: Literal["none", "query", "train"] = "query"
    "Features as they are, by minimum and maximum of the query's results, or by mean and deviation of the training's."
    missing: Literal["refuse", "lowest", "indicated"] = "refuse"
    "NaN is an error, or the lowest value of the query's results (0 without any), or that and an input that says so."
    epochs: int = Field(100, ge=1)
    "Passes over the queries; with some to stop by, at most."
    batch_size: int = Field(16, ge=1)
    "Queries in a batch."
    optimiser: Literal["adam", "sgd", "rmsprop"] = "adam"
    "The update rule."
    learning_rate: float = Field(0.01, gt=0)
    "Step size."
    weight_decay: float = Field(0.0, ge=0)
    "Penalty 1/2 weight_decay |w|^2 on weights; biases go free."
    measure: MeasureName = "nDCG@10"
    "Whose mean over the queries to stop by chooses the weights: AP, RR, nDCG@k or P@k."
    patience: int = Field(20, ge=1)
    "Epochs without a better mean before training stops."
    device: Device = "auto"
    "Where it is trained: auto, cpu, cuda (or one of several, such as cuda:1) or mps."

    def trainer(self) -> TrainerConfig:
        """Return the settings of the training."""
        from irkit.learn.optimiser import OptimiserConfig
        from irkit.learn.trainer import TrainerConfig

        return TrainerConfig(
            epochs=self.epochs,
            batch_size=self.batch_size,
            optimiser=OptimiserConfig(
                kind=self.optimiser, learning_rate=self.learning_rate, weight_decay=self.weight_decay
            ),
            patience=self.patience,
            seed=self.seed,
            device=self.device,
            threads=self.threads,
        )

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step of the training does, and by what weights are chosen."""
        return self.model_dump(mode="json", exclude={"epochs", "patience", "device", "threads"})


class NetRanker(FeatureRanker):
    """Base of the networks; a subclass implements `loss`."""

    config_type = NetRankerConfig
    config: Any
    output_bias: ClassVar[bool] = False
    "Whether the scorer has one; losses of differences of scores do not see it."
    needs_order: ClassVar[bool] = True
    "Whether only lists with documents of different labels teach anything."
    net: Scorer | None = None
    "The fitted scorer, on the CPU; a copy of it is what other models start from."
    mean: Floats | None = None
    "(F,) float64: of the training results, where features are normalised by them."
    deviation: Floats | None = None
    "(F,) float64: likewise."
    excludes_self: bool = False
    "Whether a query's own document was left out of what it learned from; it does not stretch the query's scale then."
    training: Training | None = None
    "What came of `fit`; a saved ranker does not have it."
    _folder: Path | None = None
    _resume: bool = False

    # ------------------------------------------------------------------ for subclasses

    def loss(self, scores: Tensor, batch: ListBatch, rng: torch.Generator) -> Tensor:
        """Return the mean loss over the queries of a batch: a scalar.

        Parameters
        ----------
        scores : (B, L) float32
        batch : ListBatch
        rng : torch generator
            On the same device, for losses that draw.
        """
        raise CompositionError(f"{self.name}: {type(self).__name__} does not implement loss")

    def scorer(self, inputs: int) -> Scorer:
        """Return a scorer of so many numbers with the weights that training starts from, on the CPU."""
        import torch

        from irkit.rank.scorers import Scorer

        net = Scorer(inputs, self.config.hidden_size, output_bias=self.output_bias)
        return net.start(torch.Generator().manual_seed(self.config.seed))

    # ------------------------------------------------------------------ learning

    def fit(
        self,
        train: Topics,
        valid: Topics | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Return a copy fitted on judged results.

        Parameters
        ----------
        train, valid : Topics
            As `FeatureRanker.fit`.
        folder : path, optional
            For metrics and the checkpoint of the training.
        resume : bool
            Go on from the folder's checkpoint, if there is one.

        Raises
        ------
        FrameError, ShapeError
            As `FeatureRanker.fit`; also if no query has results of different labels, where the loss needs such.
        DivergedError
            If training does not stay finite.
        OutOfMemoryError
            If it does not fit into memory.
        ConfigError
            If the folder holds another run.
        """
        run = copy(self)
        run._folder, run._resume = None if folder is None else Path(folder), resume
        fitted = super(NetRanker, run).fit(train, valid)
        del fitted._folder, fitted._resume
        return fitted

    def check(self, hits: Hits) -> None:
        """Refuse infinite features, and NaN unless it stands for a missing one."""
        x = features_of(hits, self.name)
        if self.config.missing == "refuse":
            refuse(~np.isfinite(x), hits, self.name, "give numbers, or set missing to indicated or lowest")
        else:
            refuse(np.isinf(x), hits, self.name, "give numbers")

    def learn(self, train: Topics, valid: Topics | None) -> None:
        """Train, and keep the weights with the best mean, or the last."""
        from irkit.learn.conditions import choose_device

        hits: Hits = train.flow
        self.mean = self.deviation = None
        self.excludes_self = bool(train.qrels.attrs.get("exclude_self"))
        x = self._filled(hits)
        if self.config.normalise == "train":
            self.mean, self.deviation = statistics(x)
        lists = Lists(hits.ptr, self.normalised(hits), labels_of(hits, train.qrels))
        if self.needs_order:
            lists = lists.kept(lists.ordered)
            if not len(lists.lengths):
                raise FrameError(f"{self.name}: no query has results of different labels; give other judgements")
        with enough_memory(self.name, smaller(self.config_type.model_fields)):
            self._train(lists, valid, choose_device(self.config.device))

    def _train(self, lists: Lists, valid: Topics | None, device: torch.device) -> None:
        from irkit.learn.conditions import conditions
        from irkit.learn.estimate import Estimate
        from irkit.learn.phases import Loss, Phase

        net = self.scorer(self.inputs).to(device)
        phase = Phase(
            self.name,
            list(net.parameters()),
            lambda batch, now: Loss(self.loss(net(batch.x), batch, now.rng), {}),
        )
        held = None if valid is None else HeldOut(self, valid, device)
        source = lists.source(self.config.batch_size, seed=self.config.seed, device=device)
        with conditions(device, self.config.threads, self.config.seed):
            self.train_net(net, [phase], source, self.config.trainer(), held, lambda one: Estimate.exact(one.mean(net)))
        self.net = net.cpu()

    def train_net(
        self,
        net: Any,
        phases: Sequence[Phase],
        source: Source,
        trainer: TrainerConfig,
        held: HeldOut | None,
        look: Callable[[HeldOut], Estimate | Mapping[str, Estimate]],
        rates: Sequence[str] = ("learning_rate",),
    ) -> None:
        """Train a net on its device, in the folder that `fit` was given; parameters are those of `train`.

        `look` says how good the net is on what is held out; `rates` are the settings to lower where it does not stay
        finite.
        """
        from irkit.learn.diverged import lowering
        from irkit.learn.trainer import train

        with lowering(self.name, self.config, rates, "or normalise the features"):
            self.training = train(
                net,
                phases,
                source,
                trainer,
                validate=None if held is None else lambda: look(held),
                validation_data=None if held is None else held.identity,
                settings={"model": self.name, "config": self.config.identity()},
                folder=self._folder,
                resume=self._resume,
            )

    # ------------------------------------------------------------------ scoring

    @property
    def inputs(self) -> int:
        """How many numbers the scorer takes for a result; see `normalised`."""
        assert self.features is not None
        return self.features * (2 if self.config.missing == "indicated" else 1)

    def normalised(self, hits: Hits) -> Floats:
        """Return the features as the scorer takes them, followed by 1 for each missing one, if asked: float64."""
        x = self._filled(hits)
        if self.config.normalise == "query":
            x = minmax_by_query(hits.ptr, x, self._counted(hits))
        elif self.mean is not None and self.deviation is not None:
            x = standardised(x, self.mean, self.deviation)
        if self.config.missing == "indicated":
            x = np.concatenate([x, np.isnan(features_of(hits, self.name))], axis=1)
        return x

    def score(self, hits: Hits) -> Floats:
        """Score results, in float64."""
        import torch

        return scored(self.net, self.normalised(hits), torch.device("cpu"))

    def _filled(self, hits: Hits) -> Floats:
        x = features_of(hits, self.name)
        return x if self.config.missing == "refuse" else lowest_for_missing(hits.ptr, x, self._counted(hits))

    def _counted(self, hits: Hits) -> Bools | None:
        return not_self(hits) if self.excludes_self else None

    # ------------------------------------------------------------------ files

    def state(self) -> dict[str, Any]:
        """Return the weights, and the statistics of features if there are such."""
        import torch

        assert self.net is not None
        learned = {"mean": self.mean, "deviation": self.deviation}
        return {
            "net": dict(self.net.state_dict()),
            "excludes_self": self.excludes_self,
            **{name: None if array is None else torch.from_numpy(array) for name, array in learned.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set weights and statistics."""
        net = self.scorer(self.inputs)
        net.load_state_dict(state["net"])
        self.net = net.eval()
        self.excludes_self = bool(state.get("excludes_self", False))
        self.mean, self.deviation = (
            None if state[name] is None else state[name].numpy() for name in ("mean", "deviation")
        )


def scored(net: Any, x: Floats, device: torch.device) -> Floats:
    """Score feature vectors in the type they have: (m, F) to (m,) float64."""
    import torch

    rows = torch.from_numpy(np.require(x, requirements=["C", "W"]))
    with torch.no_grad():
        found = [net(rows[at : at + ROWS].to(device)).cpu().double() for at in range(0, len(rows), ROWS)]
    return torch.cat(found).numpy() if found else np.zeros(0)


class HeldOut:
    """Results to stop by, with their features as a ranker's scorer takes them."""

    def __init__(self, ranker: NetRanker, valid: Topics, device: torch.device) -> None:
        self.measured = Measured(valid, ranker.config.measure)
        self.x = ranker.normalised(valid.flow).astype(np.float32)
        self.device = device

    def mean(self, net: Scorer) -> float:
        """Return the mean of the measure over queries, by the scores of a net."""
        return self.measured.mean(scored(net, self.x, self.device))

    @property
    def identity(self) -> str:
        """Hash of features and judgements."""
        import torch

        from irkit.learn.batches import fingerprint

        measured = self.measured
        arrays = (self.x, measured.labels, measured.hits.ptr, measured.relevant, measured.ideal)
        return " ".join(fingerprint(torch.from_numpy(np.array(one))) for one in arrays)
