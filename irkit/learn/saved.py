"""The state of a training run between two steps, as one checkpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irkit.errors import ConfigError, DataError
from irkit.learn import checkpoint
from irkit.learn.average import Means

CHECKPOINT = "checkpoint.safetensors"
"Its name in a run's folder."


@dataclass
class Counters:
    """What is counted during a run."""

    step: int = 0
    drawn: int = 0
    "Batches."
    wall: float = 0.0
    cpu: float = 0.0
    best: float | None = None
    "Highest validation score."
    best_step: int | None = None
    waited: int = 0
    "Evaluations since the best."
    evaluated: int = 0
    "Step of the last evaluation."
    sums: dict[str, float] = field(default_factory=dict)
    "Of losses and their parts since then."
    counts: dict[str, int] = field(default_factory=dict)
    "Steps in each sum."
    rates: dict[str, float] = field(default_factory=dict)
    "Last learning rates since then."
    before: dict[str, float] = field(default_factory=dict)
    "`step`, `drawn`, `wall` and `cpu` as they were before the last step."
    longest: int = 0
    "Most evaluations in a row without a better score after which the run went on."

    def __post_init__(self) -> None:
        if not self.counts:  # checkpoints from when every phase took part in every step
            self.counts = dict.fromkeys(self.sums, self.step - self.evaluated)

    def add(self, name: str, value: float, *, again: bool) -> None:
        """Add to a sum; `again` for one more number of the same step."""
        self.sums[name] = self.sums.get(name, 0.0) + value
        self.counts[name] = self.counts.get(name, 0) + (not again)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the time that passes."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


class SavedRun:
    """The checkpoint of a run.

    Parameters
    ----------
    net, optimisers, means, rng
        What is saved, and what `read` changes in place.
    settings : dict
        The settings that decide what a step does.
    data : str
        Identity of the training data.
    validation_data : str, optional
        Identity of what scores are taken on.
    folder : path, optional
        Without one nothing is written.
    """

    def __init__(
        self,
        net: nn.Module,
        optimisers: list[torch.optim.Optimizer],
        means: Means,
        rng: torch.Generator,
        settings: dict[str, Any],
        data: str,
        validation_data: str | None,
        folder: Path | None,
    ) -> None:
        self.net, self.optimisers, self.means, self.rng = net, optimisers, means, rng
        self.device = next(net.parameters()).device
        self.path = folder / CHECKPOINT if folder else None
        self.run: dict[str, Any] = {
            "settings": settings,
            "data": data,
            "validation data": validation_data,
            "device": self.device.type,
            "network": {name: list(tensor.shape) for name, tensor in net.state_dict().items()},
        }

    def exists(self) -> bool:
        """Whether there is one."""
        return self.path is not None and self.path.is_file()

    def write(self, at: Counters, best_weights: dict[str, Tensor]) -> None:
        """Write it, if the run has a folder."""
        if self.path is None:
            return
        tree = {
            "run": self.run,
            "counters": asdict(at),
            "net": dict(self.net.state_dict()),
            "best": best_weights,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "rng": self.rng.get_state(),
            "torch_rng": torch.get_rng_state(),
        }
        if self.means.values:
            tree["means"] = self.means.values
        if self.device.type == "cuda":
            tree["cuda_rng"] = torch.cuda.get_rng_state(self.device)
        checkpoint.save(self.path, "run", tree)

    def read(self) -> tuple[Counters, dict[str, Tensor]]:
        """Put everything back as it was; return the counters and the best weights.

        Raises
        ------
        ConfigError
            If the run had other settings, other data to train or validate on, another kind of device or a
            network of other shapes.
        DataError
            If another version of irkit wrote it.
        """
        assert self.path is not None
        tree = checkpoint.load(self.path, "run")
        theirs = tree["run"]["settings"]
        self._check_budget(theirs)
        for name in {"model", "config", "dynamic"} & self.run["settings"].keys():
            theirs.setdefault(name, self.run["settings"][name])  # checkpoints before 0.2 do not know their model
        for what, ours in self.run.items():
            if tree["run"].get(what, ours) != ours:  # checkpoints before 0.2 do not know their validation data
                raise ConfigError(
                    f"train: {self.path} belongs to another run: not the same {what}; "
                    "resume with what it was started with, or choose another folder"
                )
        try:
            return self._restore(tree)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path}: does not fit this version's training ({reason}); train anew") from None

    def _check_budget(self, theirs: dict[str, Any]) -> None:
        """Refuse another budget where a schedule runs over it; checkpoints before 0.2 do not know theirs."""
        ours = self.run["settings"].get("budget")
        if ours is not None and theirs.setdefault("budget", ours) != ours:
            raise ConfigError(
                f"train: {self.path} is of a run whose schedule goes over another budget; resume with the budget "
                "it was started with, or choose another folder"
            )

    def _restore(self, tree: dict[str, Any]) -> tuple[Counters, dict[str, Tensor]]:
        self.net.load_state_dict(tree["net"])
        for optimiser, state in zip(self.optimisers, tree["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.means.load(tree.get("means", {}))
        self.rng.set_state(tree["rng"])
        torch.set_rng_state(tree["torch_rng"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tree["cuda_rng"], self.device)
        return Counters(**tree["counters"]), {name: tensor.to(self.device) for name, tensor in tree["best"].items()}

    def advice(self) -> str:
        """Say what to do about a run that diverged."""
        kept = f"; the last good state is {self.path}" if self.exists() else ""
        return f"lower the learning rate or clip the gradient{kept}"
