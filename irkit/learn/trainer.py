"""The training loop, visible from top to bottom: every learned model goes through `train`.

A step draws a batch and lets each phase whose turn it is, in order, compute its loss on it and update its
own parameters. One phase is ordinary training; adversarial models have two or three.

At the end of each epoch (or every `every` steps) the means of the losses since the last time are
written as rows, the validation score is taken, the best weights are remembered, and, if there is a
folder, everything that the next step depends on is written to one checkpoint: weights, optimisers,
averaged weights, both random generators, counters, best weights. On one device with the same number of
threads and processes a resumed run gives the same bits as one that was never stopped. Between two rows
nothing is read from an accelerator, so that it never waits. Several processes go through it side by side,
each with rows of its own of every batch; `irkit.learn.processes` says how.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import torch
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor, nn

from irkit.config import Config
from irkit.errors import ConfigError, DivergedError
from irkit.learn.average import Means
from irkit.learn.batches import Source
from irkit.learn.conditions import conditions, deferred_interrupt
from irkit.learn.devices import Device
from irkit.learn.estimate import Estimate
from irkit.learn.metrics import MetricsLog
from irkit.learn.optimiser import OptimiserConfig, check_changes
from irkit.learn.phases import Now, Phase, in_turn, players
from irkit.learn.processes import ALONE, Group, check_shares, current
from irkit.learn.saved import Counters, SavedRun
from irkit.learn.tally import Tally
from irkit.progress import progress
from irkit.rng import Seed

log = logging.getLogger(__name__)

Validate: TypeAlias = Callable[[], Estimate | Mapping[str, Estimate]]
"What is scored on held-out data: a score, or beside a `score` other figures by name, which are written down too."

PLACE = {"device", "threads", "processes", "progress"}
"Settings of where and how a training runs, not of what it does."


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
    "The optimiser of phases that name none of their own."
    optimisers: Annotated[dict[str, dict[str, Any]], AfterValidator(check_changes)] = Field({})
    "What is changed of a phase's optimiser, by the phase's name."
    average: float = Field(0.0, ge=0, lt=1)
    "Share of all steps so far that the averaged weights reach back over; 0 takes the last weights."
    every: int | None = Field(None, ge=1)
    "Steps between evaluations; None evaluates at the end of each epoch."
    patience: int | None = Field(None, ge=1)
    "Evaluations without a better score before stopping early; None goes on."
    seed: Seed = 1
    "Seed of initial weights, order and noise."
    device: Device = "auto"
    "auto, cpu, cuda (or one of several, such as cuda:1) or mps."
    threads: int | None = Field(None, ge=1)
    "Threads of one operation; None leaves torch's setting. Two jobs that each take all cores slow down twentyfold."
    processes: int = Field(1, ge=1)
    "Processes that share each batch, on CUDA one a GPU; those on the CPU share the threads of one."
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

    def outcome(self) -> dict[str, Any]:
        """Return the settings that decide what comes of a run: all but place, and of those added later what is used."""
        left_out: dict[str, Any] = dict.fromkeys(PLACE, True)
        left_out |= {name: True for name in ("optimisers", "average") if not getattr(self, name)}
        if not self.optimiser.warmup:
            left_out["optimiser"] = {"warmup"}
        return self.model_dump(mode="json", exclude=left_out)

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide what a step does: those of the outcome but budgets."""
        budgets = {"epochs", "steps", "seconds", "clock", "patience"}
        return {name: value for name, value in self.outcome().items() if name not in budgets}


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
    validate: Validate | None = None,
    validation_data: str | None = None,
    settings: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    resume: bool = False,
    started: Callable[[], None] | None = None,
) -> Training:
    """Train a network in place; with `validate`, it ends with its best weights, of equals the first.

    With averaged weights, these are what is validated and what it ends with.

    Parameters
    ----------
    net : nn.Module
        Everything that is saved, on the device it is trained on.
    phases : list of Phase
    source : Source
        Batches on the same device.
    config : TrainerConfig
    validate : () -> Estimate or mapping, optional
        A score, higher is better, or a `score` beside other figures by name; called in evaluation mode without
        gradients. It must not draw from torch's global generator.
    validation_data : str, optional
        Identity of what `validate` scores on; a run is not resumed on other data.
    settings : mapping, optional
        What else decides what a step does, such as the model's own settings; a run is not resumed with others.
    folder : path, optional
        For `metrics.jsonl` and the checkpoint; without one nothing is written.
    resume : bool
        Go on from the folder's checkpoint, if there is one.
    started : () -> None, optional
        Called once nothing speaks against the run any more, before its first step.

    Raises
    ------
    DivergedError
        If a part of a loss, a gradient or a validation score is not finite, before anything is written after that;
        the last checkpoint stays as it is. A score of minus infinity is one.
    ConfigError
        If there are no phases, or two of one name, or `optimisers` names none of them, or the folder's checkpoint
        belongs to another run, or to one that went on beyond a budget, or there are processes and nobody has said
        what they do (`irkit.learn.processes.together`).
    AbilityError
        If there are to be several processes, and a phase does not share batches.
    IrkitError
        If another process fails or is killed.
    KeyboardInterrupt
        On Ctrl-C, after the step is finished and the checkpoint written.
    """
    device = next(net.parameters()).device
    rng = torch.Generator(device).manual_seed(config.seed)
    everyone = players(phases, config.optimiser, config.optimisers)
    group = _group(config, phases, settings or {})
    means = Means(net, config.average)
    at = Counters()
    batches = len(source) if [player.updates for player in everyone] == [1] else None  # of an epoch, one a step
    best_weights: dict[str, Tensor] = {}
    bar = _bar(config, batches)
    around = conditions(device, group.threads(config.threads), config.seed)
    with around, deferred_interrupt() as interrupted, bar, ExitStack() as joined:
        identity = {**config.identity(), **(settings or {})}
        if any(player.follows_budget for player in everyone):
            identity["budget"] = config.budget()
        optimisers = [player.optimiser for player in everyone]
        saved = SavedRun(net, optimisers, means, rng, identity, source.fingerprint, validation_data, folder)
        if resume and saved.exists():
            at, best_weights = saved.read()
            _check_budgets(config, at, len(source), folder)
        if started is not None:
            started()
        joined.enter_context(group.joined(device))
        group.equal(net)
        metrics = MetricsLog(folder if group.leads else None, after=at.evaluated if resume else None)
        tally = Tally(at, device, prefixed=len(phases) > 1, advice=saved.advice, group=group)
        bar.initial = at.step
        bar.update(at.step)
        net.train()
        while (stopped := _spent(config, at, len(source))) is None:
            at.before = {"step": at.step, "drawn": at.drawn, "wall": at.wall, "cpu": at.cpu}
            at.longest = max(at.longest, at.waited)
            epoch = at.drawn // len(source)
            used = max(config.shares(at.step, at.drawn / len(source), _seconds(config, at)).values())
            now = Now(at.step, epoch, min(used, 1.0), rng, group.mine)
            with at.timed(), tally.explaining():
                for number, player in enumerate(in_turn(everyone, epoch)):
                    for repeat in range(player.updates):
                        if repeat or not number:
                            batch = source.batch(*divmod(at.drawn, len(source)), rng)
                            at.drawn += 1
                        loss = player.phase.loss(batch, now)
                        tally.add(player, {**loss.parts, "loss": loss.total})
                        norm = player.update(loss.total, now.progress, group)
                        tally.add(player, {"grad_norm": norm / group.size})
                        at.rates[player.phase.name] = player.rule.rate(now.progress)
                at.step += 1
                means.update(at.step)
                ended = at.drawn // len(source) > epoch if config.every is None else at.step % config.every == 0
                if ended:
                    tally.look()
            bar.update()
            at.wall, asked = group.told(at.wall, interrupted.is_set())
            at.cpu = at.before["cpu"] + group.total(at.cpu - at.before["cpu"])
            ended = ended or _spent(config, at, len(source)) is not None
            if ended or asked:
                tally.look()
                if ended:
                    best_weights = _evaluate(
                        net, at, means, validate, best_weights, metrics, len(source), bar, saved, group
                    )
                if group.leads:
                    saved.write(at, best_weights)
                if asked or interrupted.is_set():
                    raise KeyboardInterrupt
    means.apply()
    if best_weights:
        net.load_state_dict(best_weights)
    net.eval()
    return Training(at.step, at.drawn / len(source), at.wall, at.cpu, stopped, at.best, at.best_step, metrics.rows)


def _group(config: TrainerConfig, phases: Sequence[Phase], settings: Mapping[str, Any]) -> Group:
    """Return the processes that train, once nothing speaks against it."""
    group = current() if config.processes > 1 else ALONE
    who = settings.get("model", "train")
    if group.size != config.processes:
        raise ConfigError(
            f"{who}: nobody has said what {config.processes} processes are to do, or one of them is already training; "
            "leave out processes, or fit a model"
        )
    check_shares(who, config, all(phase.shares for phase in phases))
    return group


def _spent(config: TrainerConfig, at: Counters, batches: int) -> str | None:
    """Name the budget that is spent, if any is."""
    if config.patience is not None and at.waited >= config.patience:
        return "patience"
    shares = config.shares(at.step, at.drawn / batches, _seconds(config, at))
    return next((name for name, share in shares.items() if share >= 1), None)


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


def _evaluate(
    net: nn.Module,
    at: Counters,
    means: Means,
    validate: Validate | None,
    best_weights: dict[str, Tensor],
    metrics: MetricsLog,
    batches: int,
    bar: Any,
    saved: SavedRun,
    group: Group,
) -> dict[str, Tensor]:
    """Write the rows of an evaluation and return the best weights so far."""
    losses = {name: total / at.counts[name] for name, total in at.sums.items()}
    place = {"step": at.step, "epoch": at.drawn / batches, "wall": round(at.wall, 3), "cpu": round(at.cpu, 3)}
    for name, mean in losses.items():
        metrics.add(**place, split="train", metric=name, value=mean, kind="estimate")
    for name, rate in at.rates.items():
        metrics.add(**place, split="train", metric=f"learning_rate.{name}", value=rate, kind="exact")
    shown = {name: mean for name, mean in losses.items() if name.endswith("loss")}
    at.sums, at.counts, at.rates, at.evaluated = {}, {}, {}, at.step
    if validate is not None:
        net.eval()
        with torch.no_grad(), means.applied():
            found = validate() if group.leads else {}
            figures = found if isinstance(found, Mapping) else {"score": found}
            (value,) = group.told(float(figures["score"].value) if group.leads else math.nan)
            if not value < math.inf:  # NaN, which no later score would be better than
                raise DivergedError(f"train: the validation score is {value} at step {at.step}; {saved.advice()}")
            at.waited += 1
            if at.best is None or value > at.best:
                at.best, at.best_step, at.waited = value, at.step, 0
                best_weights = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}
        net.train()
        for name, one in figures.items():
            metrics.add(**place, split="valid", metric=name, value=float(one.value), kind=one.kind)
        shown["valid"] = value
    metrics.flush()
    text = ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
    bar.set_postfix_str(text)
    log.info("step %d, epoch %.2f, %.0f s: %s", at.step, place["epoch"], at.wall, text)
    return best_weights


def _bar(config: TrainerConfig, batches: int | None) -> Any:
    """Return what the progress is told to; it knows its end where a budget of steps or epochs says so."""
    steps = [] if config.steps is None else [config.steps]
    if config.epochs is not None and batches is not None:
        steps.append(math.ceil(config.epochs * batches))
    return progress(min(steps, default=None), "training", " steps", shown=config.progress)
