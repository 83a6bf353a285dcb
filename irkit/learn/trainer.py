"""The training loop, visible from top to bottom: every learned model goes through `train`.

A step draws a batch and lets each phase, in order, compute its loss on it and update its own
parameters. One phase is ordinary training; adversarial models have two or three.

At the end of each epoch (or every `every` steps) the means of the losses since the last time are
written as rows, the validation score is taken, the best weights are remembered, and, if there is a
folder, everything that the next step depends on is written to one checkpoint: weights, optimisers,
both random generators, counters, best weights. On one device with the same number of threads a
resumed run gives the same bits as one that was never stopped.
"""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from irkit.config import Config
from irkit.errors import ConfigError, IrkitError
from irkit.learn.batches import Source
from irkit.learn.conditions import check_device, conditions, deferred_interrupt
from irkit.learn.estimate import Estimate
from irkit.learn.metrics import MetricsLog
from irkit.learn.optimiser import OptimiserConfig
from irkit.learn.saved import Counters, SavedRun
from irkit.rng import Seed

log = logging.getLogger(__name__)


class DivergedError(IrkitError, ArithmeticError):
    """A loss or a gradient is no longer a number."""


class TrainerConfig(Config):
    """Settings of a training run; it ends with the first budget that is spent."""

    epochs: int | None = Field(10, ge=1)
    "Passes over the data; None does not count them."
    steps: int | None = Field(None, ge=1)
    "Updates."
    seconds: float | None = Field(None, gt=0)
    "Time spent in training steps; evaluation does not count."
    clock: Literal["wall", "cpu"] = "wall"
    "What `seconds` measures: elapsed time, or this process's time on all cores together."
    batch_size: int = Field(100, ge=1)
    "Rows in a batch."
    optimiser: OptimiserConfig = OptimiserConfig()
    "Of the phases that name none of their own."
    every: int | None = Field(None, ge=1)
    "Steps between evaluations; None evaluates at the end of each epoch."
    patience: int | None = Field(None, ge=1)
    "Evaluations without a better score before stopping early; None goes on."
    seed: Seed = 1
    "Of initial weights, order and noise."
    device: Annotated[str, AfterValidator(check_device)] = "auto"
    "auto, cpu, cuda (or one of several, such as cuda:1) or mps."
    threads: int | None = Field(None, ge=1)
    "Threads of one operation; None leaves torch's setting. Two jobs that each take all cores slow down twentyfold."
    progress: bool = False
    "Whether a bar is drawn, if standard error is a terminal."

    @model_validator(mode="after")
    def _ends(self) -> TrainerConfig:
        if self.epochs is None and self.steps is None and self.seconds is None:
            raise ValueError("training would never end; set epochs, steps or seconds")
        return self

    def shares(self, step: int, epochs: float, seconds: float) -> dict[str, float]:
        """Return how much of each budget is used, 1 being all."""
        spent = {"epochs": (epochs, self.epochs), "steps": (step, self.steps), "seconds": (seconds, self.seconds)}
        return {name: used / whole for name, (used, whole) in spent.items() if whole is not None}

    def budget(self) -> dict[str, Any]:
        """Return what a schedule runs over: with more of it, the steps already taken would have been others."""
        return {"epochs": self.epochs, "steps": self.steps, "seconds": self.seconds, "clock": self.clock}

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step does: all but budgets, place and display."""
        free = {"epochs", "steps", "seconds", "clock", "patience", "device", "threads", "progress"}
        return self.model_dump(mode="json", exclude=free)


class Now(NamedTuple):
    """Where training stands, for losses that change with it."""

    step: int
    epoch: int
    progress: float
    "Share of the budget that is used, 0 to 1."
    rng: torch.Generator
    "Of every random draw in a loss."


class Loss(NamedTuple):
    """What a phase minimises, in nats per example, and what it is made of."""

    total: Tensor
    parts: Mapping[str, Tensor]
    "Scalars to write down; a NaN is looked for in them."


@dataclass(frozen=True)
class Phase:
    """One optimiser's turn within a step."""

    name: str
    parameters: Sequence[nn.Parameter]
    "Only these get gradients and are updated."
    loss: Callable[[Any, Now], Loss]
    optimiser: OptimiserConfig | None = None
    repeats: int = 1
    "Updates in a step; each after the first draws a batch of its own."
    follows_budget: bool = False
    "Whether the loss changes with `Now.progress`."


@dataclass(frozen=True)
class Training:
    """What came of a run."""

    steps: int
    epochs: float
    wall: float
    "Seconds spent in steps."
    cpu: float
    "Seconds of this process on all cores during steps."
    stopped: str
    "The budget that ended it, or `patience`."
    best: float | None
    "Highest validation score; the weights are those that gave it."
    best_step: int | None
    rows: list[dict[str, Any]]
    "The metrics."


def train(
    net: nn.Module,
    phases: Sequence[Phase],
    source: Source,
    config: TrainerConfig,
    *,
    validate: Callable[[], Estimate] | None = None,
    validation_data: str | None = None,
    folder: Path | None = None,
    resume: bool = False,
    started: Callable[[], None] | None = None,
) -> Training:
    """Train a network in place; with `validate`, it ends with its best weights.

    Parameters
    ----------
    net : nn.Module
        Everything that is saved, on the device it is trained on.
    phases : list of Phase
    source : Source
        Batches on the same device.
    config : TrainerConfig
    validate : () -> Estimate, optional
        A score, higher is better; called in evaluation mode without gradients. It must not draw from torch's
        global generator.
    validation_data : str, optional
        Identity of what `validate` scores on; a run is not resumed on other data.
    folder : path, optional
        For `metrics.jsonl` and the checkpoint; without one nothing is written.
    resume : bool
        Go on from the folder's checkpoint, if there is one.
    started : () -> None, optional
        Called once nothing speaks against the run any more, before its first step.

    Raises
    ------
    DivergedError
        If a part of a loss or a gradient is not finite; the last checkpoint stays as it is.
    ConfigError
        If the folder's checkpoint belongs to another run, or to one that went on beyond a budget.
    KeyboardInterrupt
        On Ctrl-C, after the step is finished and the checkpoint written.
    """
    device = next(net.parameters()).device
    rng = torch.Generator(device).manual_seed(config.seed)
    rules = [phase.optimiser or config.optimiser for phase in phases]
    optimisers = [rule.make(phase.parameters) for phase, rule in zip(phases, rules, strict=True)]
    at = Counters()
    best_weights: dict[str, Tensor] = {}
    surroundings = conditions(device, config.threads, config.seed)
    with surroundings, deferred_interrupt() as interrupted, _bar(config) as bar:
        settings = {**config.identity(), **({"budget": config.budget()} if _follow_budget(phases, rules) else {})}
        saved = SavedRun(net, optimisers, rng, settings, source.fingerprint, validation_data, folder)
        if resume and saved.exists():
            at, best_weights = saved.read()
            _check_budgets(config, at, len(source), folder)
        if started is not None:
            started()
        metrics = MetricsLog(folder, after=at.evaluated if resume else None)
        bar.update(at.step)
        net.train()
        while (stopped := _spent(config, at, len(source))) is None:
            at.before = {"step": at.step, "drawn": at.drawn, "wall": at.wall, "cpu": at.cpu}
            at.longest = max(at.longest, at.waited)
            wall, cpu = time.perf_counter(), time.process_time()
            epoch = at.drawn // len(source)
            used = max(config.shares(at.step, at.drawn / len(source), _seconds(config, at)).values())
            now = Now(at.step, epoch, min(used, 1.0), rng)
            for phase, rule, optimiser in zip(phases, rules, optimisers, strict=True):
                for repeat in range(phase.repeats):
                    if repeat or phase is phases[0]:
                        batch = source.batch(*divmod(at.drawn, len(source)), rng)
                        at.drawn += 1
                    loss = phase.loss(batch, now)
                    numbers = {**{name: part.item() for name, part in loss.parts.items()}, "loss": loss.total.item()}
                    _check(phase, numbers, now, saved)
                    numbers["grad_norm"] = _update(phase, rule, optimiser, loss.total, now, saved)
                    at.rates[phase.name] = optimiser.param_groups[0]["lr"]
                    prefix = f"{phase.name}." if len(phases) > 1 else ""
                    for name, number in numbers.items():
                        at.add(prefix + name, number / phase.repeats)
            at.step += 1
            at.wall += time.perf_counter() - wall
            at.cpu += time.process_time() - cpu
            bar.update()
            ended = at.drawn // len(source) > epoch if config.every is None else at.step % config.every == 0
            if ended or _spent(config, at, len(source)) is not None:
                best_weights = _evaluate(net, at, validate, best_weights, metrics, len(source), bar)
                saved.write(at, best_weights)
            if interrupted.is_set():
                saved.write(at, best_weights)
                raise KeyboardInterrupt
    if best_weights:
        net.load_state_dict(best_weights)
    net.eval()
    return Training(at.step, at.drawn / len(source), at.wall, at.cpu, stopped, at.best, at.best_step, metrics.rows)


def _spent(config: TrainerConfig, at: Counters, batches: int) -> str | None:
    """Name the budget that is spent, if any is."""
    if config.patience is not None and at.waited >= config.patience:
        return "patience"
    shares = config.shares(at.step, at.drawn / batches, _seconds(config, at))
    return next((name for name, share in shares.items() if share >= 1), None)


def _follow_budget(phases: Sequence[Phase], rules: Sequence[OptimiserConfig]) -> bool:
    """Say whether what a step does depends on the budget."""
    return any(phase.follows_budget or rule.schedule != "constant" for phase, rule in zip(phases, rules, strict=True))


def _check_budgets(config: TrainerConfig, at: Counters, batches: int, folder: Path | None) -> None:
    """Refuse to go on with a run that would have ended sooner under these budgets: its record would not be true."""
    before = at.before or asdict(at)  # checkpoints before 0.2 tell where the run stands, not where it stood
    used = {"steps": before["step"], "epochs": before["drawn"] / batches, "seconds": before[config.clock]}
    longest = at.longest if at.before else 0
    shares = config.shares(int(used["steps"]), used["epochs"], used["seconds"])
    over = [name for name, share in shares.items() if share >= 1]
    if not at.before:
        over = [name for name in over if name != "seconds" and shares[name] > 1]
    if config.patience is not None and longest >= config.patience:
        over.append("patience")
    if over:
        budget = f"{over[0]} {getattr(config, over[0]):g}"
        raise ConfigError(
            f"train: {folder} holds {at.drawn / batches:g} epochs in {at.step} steps and would have ended sooner with "
            f"{budget}; allow as much as it had, or choose another folder"
        )


def _seconds(config: TrainerConfig, at: Counters) -> float:
    return at.wall if config.clock == "wall" else at.cpu


def _check(phase: Phase, numbers: Mapping[str, float], now: Now, saved: SavedRun) -> None:
    """Stop at a loss that is not finite, naming its first such part."""
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise DivergedError(
                f"train: {phase.name}: the loss part {name!r} is {number} at step {now.step}; {saved.advice()}"
            )


def _update(
    phase: Phase, rule: OptimiserConfig, optimiser: torch.optim.Optimizer, total: Tensor, now: Now, saved: SavedRun
) -> float:
    """Take one step on the phase's own parameters; return the gradient's norm before clipping."""
    gradients = torch.autograd.grad(total, list(phase.parameters), allow_unused=True)
    for parameter, gradient in zip(phase.parameters, gradients, strict=True):
        parameter.grad = gradient
    norm = get_total_norm([gradient for gradient in gradients if gradient is not None])
    if not math.isfinite(float(norm)):
        raise DivergedError(
            f"train: {phase.name}: the gradient's norm is {float(norm)} at step {now.step}; {saved.advice()}"
        )
    if rule.clip is not None:
        clip_grads_with_norm_(phase.parameters, rule.clip, norm)
    for group in optimiser.param_groups:
        group["lr"] = rule.rate(now.progress)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return float(norm)


def _evaluate(
    net: nn.Module,
    at: Counters,
    validate: Callable[[], Estimate] | None,
    best_weights: dict[str, Tensor],
    metrics: MetricsLog,
    batches: int,
    bar: Any,
) -> dict[str, Tensor]:
    """Write the rows of an evaluation and return the best weights so far."""
    steps = at.step - at.evaluated
    place = {"step": at.step, "epoch": at.drawn / batches, "wall": round(at.wall, 3), "cpu": round(at.cpu, 3)}
    for name, total in at.sums.items():
        metrics.add(**place, split="train", metric=name, value=total / steps, kind="estimate")
    for name, rate in at.rates.items():
        metrics.add(**place, split="train", metric=f"learning_rate.{name}", value=rate, kind="exact")
    shown = {name: total / steps for name, total in at.sums.items() if name.endswith("loss")}
    at.sums, at.evaluated = {}, at.step
    if validate is not None:
        net.eval()
        with torch.no_grad():
            score = validate()
        net.train()
        value = float(score.value)
        metrics.add(**place, split="valid", metric="score", value=value, kind=score.kind)
        shown["valid"] = value
        at.waited += 1
        if at.best is None or value > at.best:
            at.best, at.best_step, at.waited = value, at.step, 0
            best_weights = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
    metrics.flush()
    text = ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
    bar.set_postfix_str(text)
    log.info("step %d, epoch %.2f, %.0f s: %s", at.step, place["epoch"], at.wall, text)
    return best_weights


def _bar(config: TrainerConfig) -> Any:
    from tqdm import tqdm

    shown = config.progress and sys.stderr.isatty()
    return tqdm(total=config.steps, unit=" steps", desc="training", disable=not shown)
