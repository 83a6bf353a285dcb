"""A training run as one HTML page that needs nothing else, in the look of the leaderboards."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from irkit.report.html import minus, source
from irkit.screen import visible

if TYPE_CHECKING:
    from irkit.learn.figures import Figure
    from irkit.recipe import TrainingRecipe
    from irkit.recipe.runfolder import Run

_STYLES = (("irkit.report", "board.css"), ("irkit.cli", "run.css"))


def page(run: Run) -> str:
    """Write a run as a self-contained page; figures are inside it."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from irkit.cli.train import worth

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value, lines=True) if type(value) is str else value,
    )
    script = files("irkit.report").joinpath("copy.js").read_text("utf-8")
    style = "".join(files(package).joinpath(name).read_text("utf-8") for package, name in _STYLES)
    measured, made = facts(run.result), {}
    for name in ("Computed on", "Versions", "Seed", "Date"):
        made[name] = measured.pop(name)
    return environment.from_string(files("irkit.cli").joinpath("run.html.j2").read_text("utf-8")).render(
        run=run,
        measured={
            **measured,
            **{name: minus(worth(one)) for name, one in list(run.result["measures"].items())[1:]},
        },
        made=made,
        settings=settings(run.recipe),
        hashes={"Hash of the recipe": run.result["recipe_hash"], "Hash of the data": run.result["data_hash"]},
        figures=[(figure.name, figure.file, figure.caption, embedded(figure)) for figure in run.figures],
        config=run.recipe.resolved().yaml(),
        policy=f"default-src 'none'; img-src data:; style-src {source(style)}; script-src {source(script)}; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style),
        script=Markup(script),
    )


def settings(recipe: TrainingRecipe) -> dict[str, str]:
    """Return in words what a reader looks for first: the model, its settings, and how it is trained.

    Settings that say nothing, as a part that is not there does, are left out; config.yaml has all.
    """
    given = recipe.resolved()
    optimiser = dict(given.trainer.get("optimiser") or {})
    budget = {name: given.trainer.get(name) for name in ("batch_size", "epochs", "steps", "seconds", "patience")}
    kind = {"optimiser": optimiser.pop("kind", "")}
    return {"Model": given.model, **_words(given.config), **_words({**budget, **kind, **optimiser})}


def _words(values: dict[str, Any]) -> dict[str, str]:
    """Write names of settings as words; zeros, blanks and switches that are off say nothing."""
    out = {}
    for name, value in values.items():
        if not value or isinstance(value, dict):
            continue
        shown = (
            ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else "yes" if value is True else str(value)
        )
        out[f"{name[0].upper()}{name[1:]}".replace("_", " ")] = shown
    return out


ENDS = {
    "epochs": "after all epochs",
    "steps": "after all steps",
    "seconds": "after the time it was given",
    "patience": "validation score no better for a while",
    "solved": "solved in closed form",
}
"What a training ended by, in words."


def facts(result: dict[str, Any]) -> dict[str, str]:
    """Return what stands at the top of the page."""
    from irkit.cli.train import measured_on, passes, worth

    found, examples, machine = {}, result["examples"], result["machine"]
    for name, measure in list(result["measures"].items())[:1]:
        found[name] = f"{minus(worth(measure))}, mean of {measured_on(result, measure)}"
        found |= {other: minus(f"{value:.2f}") for other, value in measure.get("baselines", {}).items()}
        found["Effective samples"] = "" if "ess" not in measure else f"{100 * measure['ess']:.0f} %"
    solved = result["stopped"] == "solved"
    judge = result.get("judged_by")
    judged = {} if judge is None else {"Judged by": "; ".join([judge["judge"], *judge["facts"]])}
    made = f" ({result['binarisation']})" if "binarisation" in result else ""
    return {
        **found,
        **judged,
        "Data": f"{result['data']}{made}",
        "Examples": f"{examples['train']:,} train, {examples['valid']:,} valid, {examples['test']:,} test",
        "Trained": "at once" if solved else f"{passes(result)}, {result['steps']:,} steps",
        "Ended": ENDS.get(result["stopped"], result["stopped"]),
        "Time": f"{result['wall_seconds']} s, {result['cpu_seconds']} s of processor",
        "Seed": str(result["seed"]),
        "Date": result["date"],
        "Computed on": f"{result['device']}; {machine['cpu']}, {machine['cores']} cores, {machine['platform']}",
        "Versions": ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
    }


def embedded(figure: Figure) -> str:
    """Return a picture as a data address."""
    return f"data:{figure.media};base64,{base64.b64encode(figure.content).decode()}"
