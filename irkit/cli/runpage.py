"""A training run as one HTML page that needs nothing else, in the look of the leaderboards."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from irkit.report.html import minus
from irkit.screen import visible

if TYPE_CHECKING:
    from irkit.learn.figures import Figure
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
    style = "".join(files(package).joinpath(name).read_text("utf-8") for package, name in _STYLES)
    source = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.from_string(files("irkit.cli").joinpath("run.html.j2").read_text("utf-8")).render(
        run=run,
        facts=facts(run.result),
        extra={name: minus(worth(one)) for name, one in list(run.result["measures"].items())[1:]},
        figures=[(figure.file, figure.caption, embedded(figure)) for figure in run.figures],
        config=run.recipe.resolved().yaml(),
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{source}'; base-uri 'none'; form-action 'none'",
        style=Markup(style),
    )


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
        "Ended by": result["stopped"],
        "Time": f"{result['wall_seconds']} s, {result['cpu_seconds']} s of processor",
        "Seed": str(result["seed"]),
        "Date": result["date"],
        "Computed on": f"{result['device']}; {machine['cpu']}, {machine['cores']} cores, {machine['platform']}",
        "Versions": ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
    }


def embedded(figure: Figure) -> str:
    """Return a picture as a data address."""
    return f"data:{figure.media};base64,{base64.b64encode(figure.content).decode()}"
