"""What models share that are solved at once rather than trained step by step: counts in, arrays out.

They are models like others, with recipes, files, seeds and run folders, but have no epochs, no learning rate
and no score to stop by. The arrays of a net are parameters without a gradient, so that they are counted, moved
and saved as weights are.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from irkit.arrays import Floats, offsets
from irkit.errors import ConfigError, DataError
from irkit.io.kinds import Examples, Tokens
from irkit.learn import checkpoint
from irkit.learn.data import Data, as_examples
from irkit.learn.estimate import Measure, Quantity
from irkit.learn.net import Net
from irkit.learn.phases import Phase
from irkit.learn.saved import CHECKPOINT
from irkit.learn.trainer import TrainerConfig, Training
from irkit.represent.documents import DocumentModel

SOLVED = "solved"
"What ended such a training."


class SolverConfig(TrainerConfig):
    """Settings of models that are solved: `seed`, `threads` and `progress`; those of steps have no meaning."""

    epochs: int | None = Field(None, ge=1)
    "None: there are none."
    steps: int | None = Field(1, ge=1)
    "One."

    @model_validator(mode="after")
    def _has_meaning(self) -> SolverConfig:
        meant = {"seed", "threads", "progress"} | ({"device"} if self.device in ("auto", "cpu") else set())
        wrong = next((name for name in self.given() if name not in meant), None)
        if wrong is not None:
            raise ValueError(
                f"{wrong} has no meaning for a model that is solved and not trained, on the CPU; leave it out"
            )
        return self


def count_matrix(documents: Tokens) -> Any:
    """Return how often each document holds each term: (n, V) csr float64, its terms in order."""
    from scipy.sparse import csr_matrix

    terms = documents.x
    shape = (len(documents), documents.vocabulary)
    found = csr_matrix((np.ones(len(terms.values)), terms.values, offsets(terms.lengths)), shape=shape)
    found.sum_duplicates()
    return found


def frequencies(counts: Any) -> Floats:
    """Return log of documents over those that hold a term, at least one: (V,) float64."""
    found: Floats = np.log(counts.shape[0] / np.maximum(np.bincount(counts.indices, minlength=counts.shape[1]), 1))
    return found


@contextmanager
def timed(threads: int | None) -> Iterator[dict[str, float]]:
    """Limit the threads of numerical packages, and put the seconds that it took, `wall` and `cpu`, into a mapping."""
    from threadpoolctl import threadpool_limits

    seconds: dict[str, float] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    with threadpool_limits(threads):
        yield seconds
    seconds |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def at_once(seconds: dict[str, float]) -> Training:
    """Return what came of a fit without steps that took so many seconds, `wall` and `cpu`."""
    return Training(1, 1.0, **seconds, stopped=SOLVED, best=None, best_step=None, rows=[])


class SolvedNet(Net):
    """Arrays that are found at once; none has a gradient."""

    dtype: ClassVar[torch.dtype] = torch.float64
    "Of all of them."

    def hold(self, name: str, *shape: int) -> None:
        """Make room for an array."""
        self.register_parameter(name, nn.Parameter(torch.zeros(*shape, dtype=self.dtype), requires_grad=False))

    @torch.no_grad()
    def fill(self, **values: Any) -> None:
        """Set arrays by name."""
        for name, array in values.items():
            getattr(self, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))

    def array(self, name: str) -> Any:
        """Return an array as numpy has it."""
        return getattr(self, name).detach().cpu().numpy()

    @property
    @abstractmethod
    def topics(self) -> Tensor:
        """How much each term belongs to each dimension: (V, K)."""

    def phases(self) -> list[Phase]:
        """Return no update: there is no step."""
        return []


class SolvedModel(DocumentModel):
    """Base of these models."""

    abilities = frozenset({"encode"})
    trainer = SolverConfig()

    @abstractmethod
    def build(self, spec: Any) -> SolvedNet:
        """Return a net whose arrays are empty."""

    @abstractmethod
    def solve(self, documents: Tokens, net: SolvedNet, seed: int) -> None:
        """Fill a net's arrays from training documents."""

    @abstractmethod
    def vectors(self, documents: Tokens) -> Floats:
        """Return a vector for each document: (n, K)."""

    def _fit(
        self,
        data: Data,
        validate: bool,
        config: TrainerConfig,
        device: torch.device,
        folder: Path | None,
        resume: bool,
        started: Callable[[], None] | None,
    ) -> Any:
        """Return a copy that is solved, or in a folder whose run has been solved the same again."""
        rule = SolverConfig(**config.given())
        fitted = copy(self)
        fitted.net = fitted.spec = None
        documents = fitted.examples(data.part("train"))
        fitted.spec = data.spec
        settings = {"model": self.name, "config": self.config.essence(), "seed": rule.seed, **self.beside}
        saved = None if folder is None else _Saved(folder / CHECKPOINT, settings, documents.fingerprint)
        net = fitted.build(fitted.spec)
        if resume and saved is not None and saved.path.is_file():
            seconds = saved.read(net)
        else:
            with timed(rule.threads) as seconds:
                fitted.solve(documents, net, rule.seed)
        if started is not None:
            started()
        if saved is not None:
            saved.write(net, seconds)
        fitted.net = net.eval()
        fitted.training = at_once(seconds)
        return fitted

    def encode(self, data: Examples | Floats | Tensor) -> Floats:
        """Return a vector for each document, of which there may be none: (n, K) float32."""
        self.need("encode")
        size, part = self.fitted.topics.shape[1], as_examples(data)
        found: Floats = np.zeros((0, size), dtype=np.float32)
        if len(part) or part.kind not in self.takes:
            found = np.asarray(self.vectors(self.examples(part)), dtype=np.float32)
        return found

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What `values` gives: nothing, for there is no likelihood."""
        return {}

    def measures(self, test: Examples | Floats | Tensor, **arguments: Any) -> dict[str, Measure]:
        """Return what is known by test documents alone: nothing."""
        return {}

    def baselines(self, train: Examples, test: Examples) -> dict[str, dict[str, float]]:
        """Return no baselines, for there are no measures."""
        return {}


class _Saved:
    """The checkpoint of a run that was solved."""

    def __init__(self, path: Path, settings: dict[str, Any], data: str) -> None:
        self.path, self.run = path, {"settings": settings, "data": data}

    def write(self, net: SolvedNet, seconds: dict[str, float]) -> None:
        checkpoint.save(self.path, "run", {"run": self.run, "seconds": seconds, "net": dict(net.state_dict())})

    def read(self, net: SolvedNet) -> dict[str, float]:
        tree = checkpoint.load(self.path, "run")
        if tree["run"] != self.run:
            raise ConfigError(
                f"train: {self.path} belongs to another run; resume with what it was started with, or choose another "
                "folder"
            )
        try:
            net.load_state_dict(tree["net"])
            found: dict[str, float] = tree["seconds"]
        except (KeyError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path}: does not fit this version's model ({reason}); solve it anew") from None
        return found
