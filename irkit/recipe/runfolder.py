"""A run folder: everything that the training of one recipe leaves behind.

config.yaml               the recipe with every setting stated
metrics.jsonl             the learning curve, a JSON row for each number
checkpoint.safetensors    all that the next step depends on, to go on after an interruption
model.safetensors         the fitted model
figures/                  pictures, each beside a CSV file with its numbers
RESULT.json               what was measured on the test part, what it is worth and what it cost; written last
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irkit.atomic import write_bytes, writing
from irkit.errors import ConfigError, DataError, LockedError, NotFoundError, near_misses
from irkit.generative.saved import load_model
from irkit.learn.memory import enough_memory, smaller
from irkit.learn.metrics import METRICS, read_metrics
from irkit.locks import held
from irkit.recipe.training import TrainingRecipe, load_training

if TYPE_CHECKING:
    from irkit.learn.data import Data
    from irkit.learn.figures import Figure
    from irkit.learn.judges import Judge
    from irkit.learn.model import Model

CONFIG, MODEL, FIGURES, RESULT = "config.yaml", "model.safetensors", "figures", "RESULT.json"
CHECKPOINT = "checkpoint.safetensors"  # as `irkit.learn.saved` has it, which needs torch
LOCK = ".lock"


@dataclass(frozen=True)
class Run:
    """What a training gave."""

    folder: Path
    recipe: TrainingRecipe
    model: Model
    result: dict[str, Any]
    "What `RESULT.json` holds."
    figures: list[Figure]


@dataclass(frozen=True)
class Opened:
    """A model that was trained before."""

    model: Model
    recipe: TrainingRecipe | None
    "How it was trained, where a run folder says so."


def train_run(recipe: TrainingRecipe, folder: str | Path, *, resume: bool = False, progress: bool = False) -> Run:
    """Train a recipe and write its run folder.

    Nothing is written before the data is loaded, the model is known to fit it, and to be one that the recipe's judge
    takes, and the device is there.

    Parameters
    ----------
    recipe : TrainingRecipe
    folder : path
        A new or empty one.
    resume : bool
        Go on with the run in the folder; with larger budgets a finished one too.
    progress : bool
        Draw a bar, if standard error is a terminal.

    Raises
    ------
    ConfigError
        If the folder holds another run or something else, or its run went on beyond the recipe's budgets.
    NotFoundError
        If there is no run to go on with; lists near misses.
    LockedError
        If another process trains there.
    """
    place = Path(folder)
    if recipe.untrained:
        raise ConfigError(f"train: {recipe.name} is to stay untrained; that is a control of suites, leave it out")
    if resume and not (_parts(place) & {CONFIG, CHECKPOINT}):
        raise _nothing_to_resume(place)
    data = recipe.load_data()
    with _claimed(place, recipe, resume) as started:
        judge = recipe.judge_of(data)  # what cannot be judged is not trained first
        if judge is not None:
            judge.check(recipe.build())
        model = recipe.fit(data, progress=progress, folder=place, resume=resume, started=started)
        return _recorded(place, recipe, model, data, judge)


def _recorded(place: Path, recipe: TrainingRecipe, model: Model, data: Data, judge: Judge | None) -> Run:
    """Evaluate a fitted model and write all that a run leaves but what training has written."""
    from irkit.learn.figures import figures
    from irkit.learn.record import record

    fresh = not (place / RESULT).is_file()
    if fresh:  # before the evaluation, which may take long
        model.save(place / MODEL)
    rule, evaluate = recipe.rule(), recipe.arguments()
    budget = rule.model_dump(include={"epochs", "steps", "seconds", "patience"}, exclude_none=True)
    result = {"recipe": recipe.name, "recipe_hash": recipe.hash, "seed": rule.seed, "budget": budget}
    with enough_memory(recipe.name, smaller(evaluate, before="evaluate.")):
        result |= record(model, data, test_rows=recipe.test_rows, evaluate=evaluate, judge=judge, seed=rule.seed)
    with writing(place / RESULT) as file:  # takes its place last, and not at all if anything before fails
        file.write((json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
        file.flush()
        drawn = figures(model, data, seed=rule.seed, test_rows=recipe.test_rows)
        for figure in drawn:
            figure.write(place / FIGURES)
        if not fresh:
            model.save(place / MODEL)
    return Run(place, recipe, model, result, drawn)


def resume_fit(recipe: TrainingRecipe, data: Data, folder: Path) -> Model:
    """Fit a recipe in a run folder from where it stands there; a training that has ended is not repeated.

    Parameters, and errors but that a run may begin here, are those of `train_run`.
    """
    with _claimed(folder, recipe, resume=True) as started:
        return recipe.fit(data, folder=folder, resume=True, started=started)


def open_model(source: str | Path) -> Opened:
    """Open the model of a run folder, or a model's file.

    Raises
    ------
    NotFoundError
        If there is no such thing, or the folder's run has not come to its end.
    DataError
        If a file is damaged.
    """
    path = Path(source)
    if not path.is_dir():
        return Opened(load_model(path), None)
    parts = _parts(path)
    if MODEL not in parts:
        state = "it is no run"
        if CONFIG in parts:
            what = "the model is lost" if RESULT in parts else "its run has not ended"
            state = f"{what}; go on with irkit train --resume"
        raise NotFoundError(f"{path}: holds no {MODEL}, {state}")
    if CONFIG not in parts:
        raise NotFoundError(f"{path}: its {CONFIG} is missing; restore it, or give {path / MODEL} itself")
    return Opened(load_model(path / MODEL), load_training(path / CONFIG))


def _parts(folder: Path) -> set[str]:
    """Return which files of a run a folder holds."""
    return {name for name in (CONFIG, METRICS, CHECKPOINT, MODEL, RESULT) if (folder / name).is_file()}


def _nothing_to_resume(folder: Path) -> NotFoundError:
    """Say that a folder holds no run, and which ones beside it do."""
    beside = folder.parent.iterdir() if folder.parent.is_dir() else []
    runs = [path.name for path in beside if path != folder and _parts(path) & {CONFIG, CHECKPOINT}]
    choose = near_misses(folder.name, runs) if runs else "leave out --resume to begin one"
    return NotFoundError(f"train: {folder} holds no run to go on with; {choose}")


def _check_claim(folder: Path, recipe: TrainingRecipe, resume: bool) -> None:
    """Raise `ConfigError` unless a run may begin in a folder or, with `resume`, go on there.

    No single file says that there is a run: whichever is missing, the others are not written over.
    """
    parts = _parts(folder)
    kept = parts & {MODEL, RESULT}
    if CONFIG not in parts:
        if kept and CHECKPOINT in parts:
            raise _refused(folder, f"a run whose {CONFIG} is missing; restore it")
        if CHECKPOINT in parts and resume:
            return  # what `TrainingRecipe.fit` leaves, which checks its checkpoint itself
        if folder.exists() and {path.name for path in folder.iterdir()} - {LOCK}:
            raise ConfigError(f"train: {folder} is not empty and holds no run; choose another folder")
        return
    other = load_training(folder / CONFIG)
    if CHECKPOINT not in parts:
        # A first checkpoint is written right after the first evaluation.
        steps = {row["step"] for row in read_metrics(folder / METRICS)} if METRICS in parts else set()
        if kept or len(steps) > 1:
            raise _refused(folder, f"a run whose {CHECKPOINT} is missing; restore it")
    elif not resume:
        raise _refused(folder, f"a run of {other.name!r}; go on with it by --resume")
    elif other.run_hash != recipe.run_hash:
        raise _refused(folder, f"another run, of {other.name!r}; resume it with the settings that are in its {CONFIG}")


def _refused(folder: Path, what: str) -> ConfigError:
    return ConfigError(f"train: {folder} holds {what}, or choose another folder")


@contextmanager
def _claimed(folder: Path, recipe: TrainingRecipe, resume: bool) -> Iterator[Callable[[], None]]:
    """Hold a folder for one run; lend what states the run there, and remove what was made if nothing comes of it."""
    from filelock import Timeout

    _check_claim(folder, recipe, resume)
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    with ExitStack() as stack:
        for place in reversed(made):
            stack.callback(_remove_empty, place)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(folder / LOCK, wait=0))
        except Timeout:
            raise LockedError(
                f"train: another process trains in {folder}; wait for it or choose another folder"
            ) from None
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"train: cannot write in {folder}: {reason}; choose another folder") from error
        yield lambda: write_bytes(folder / CONFIG, recipe.resolved().yaml().encode())


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
