"""`irkit train`: fit a model as a recipe says, and keep everything in a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from irkit.cli.interrupted import going_on
from irkit.cli.numbers import MaybeWhole
from irkit.cli.printing import counted, say


def train(
    recipe: str,
    /,
    *,
    data: str | None = None,
    run: Path | None = None,
    set: list[str] | None = None,
    seed: MaybeWhole = None,
    processes: MaybeWhole = None,
    resume: bool = False,
) -> None:
    """Train a model and measure it on the test rows.

    The run folder gets the settings, the learning curve, a checkpoint, the model, pictures,
    RESULT.json and a page that shows it all, report.html.

    For example:

        irkit train generate/nade-digits --run runs/nade
        irkit train nade-digits --run runs/short --set trainer.epochs=2 --seed 2
        irkit train nade-digits --run runs/nade --resume
        irkit train nade-debd --data debd/dna
        irkit train docnade-tree --data ./texts
        irkit train docnade-tree --data ./texts --processes 2

    Parameters
    ----------
    recipe
        A training recipe: its name (irkit pipelines list, kinds generate and represent) or the path of its
        file.
    data
        The data set to train on, by its name or path; default the one that the recipe names.
    run
        The run folder, new or empty; default runs/<recipe> in this folder, with --data runs/<recipe>-<data>.
    set
        A setting of the recipe, such as config.hidden_size=50 or trainer.epochs=2; may be repeated.
    seed
        Seed of initial weights, order and noise; short for --set trainer.seed.
    processes
        Processes that share the rows of each batch, on CUDA one a GPU; short for --set trainer.processes.
    resume
        Go on with the run in the folder: after an interruption, or with more epochs than before.
    """
    from irkit.atomic import write_bytes
    from irkit.cli.runpage import page
    from irkit.io.outputs import check_folder
    from irkit.recipe import load_training, parse_settings
    from irkit.recipe.runfolder import CHECKPOINT, train_run

    given = {"trainer.seed": seed, "trainer.processes": processes}
    settings = parse_settings(set or []) | {name: value for name, value in given.items() if value is not None}
    loaded = load_training(recipe).with_settings(settings | ({} if data is None else {"data": data}))
    folder = run or Path("runs") / (loaded.name if data is None else f"{loaded.name}-{Path(data).stem}")
    check_folder(folder, who="train", option="--run")
    with going_on("its checkpoint is kept", lambda: (folder / CHECKPOINT).is_file(), "--resume"):
        done = train_run(loaded, folder, resume=resume, progress=True)
    report = done.folder / "report.html"
    write_bytes(report, page(done).encode())
    say(summary(done.folder, done.result))
    say(report)


def summary(folder: Path, result: dict[str, Any]) -> str:
    """Say in a line what a run gave: its first measure, where it has any, and the time it took."""
    from irkit.table.text import in_ascii

    how = "solved" if result["stopped"] == "solved" else passes(result)
    trained = f"{how} in {result['wall_seconds']} s"
    for name, measure in result["measures"].items():
        beside = "".join(f", {other} {value:.2f}" for other, value in measure.get("baselines", {}).items())
        return f"{folder}: {name} {in_ascii(worth(measure))} on {measured_on(result, measure)}{beside}; {trained}"
    return f"{folder}: {trained}"


def passes(result: dict[str, Any]) -> str:
    """Say how often a training saw its rows; a budget of steps or seconds may end it within an epoch."""
    return f"{round(result['epochs'], 1):g} epochs"


def worth(measure: dict[str, Any]) -> str:
    """Print a measure with the sign of what it is, its error where it has one, its unit and its kind.

    Examples
    --------
    >>> worth({"value": -103.456, "kind": "lower_bound", "stderr": 0.12, "unit": "nats"})
    '\u2265 -103.46 \u00b1 0.12 nats (lower bound)'
    """
    from irkit.learn.estimate import printed

    error = f"{measure['stderr']:.2g}" if measure["stderr"] else ""
    number = printed(f"{measure['value']:.2f}", measure["kind"], error)
    unit = f" {measure['unit']}" if measure["unit"] else ""
    return f"{number}{unit} ({measure['kind'].replace('_', ' ')})"


def measured_on(result: dict[str, Any], measure: dict[str, Any]) -> str:
    """Say what was measured on: `250 test rows`, or what a judge's figure is the mean of: `10 batches`."""
    if "of" in measure:
        return str(measure["of"])
    from irkit.io.kinds import Spec

    return counted(result["examples"]["test"], f"test {Spec(**result['spec']).word}")
