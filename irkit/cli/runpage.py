"""A training run as one HTML page that needs nothing else, in the look of the leaderboards."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from irkit.report.html import minus
from irkit.screen import visible

if TYPE_CHECKING:
    from irkit.generative.figures import Figure
    from irkit.recipe.runfolder import Run

_STYLES = (("irkit.report", "board.css"), ("irkit.cli", "run.css"))
_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}


def page(run: Run) -> str:
    """Write a run as a self-contained page; figures are inside it."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

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
        extra={name: _shown(value) for name, value in run.result["extra"].items()},
        figures=[(figure.path.name, figure.caption, embedded(figure)) for figure in run.figures],
        config=run.recipe.resolved().yaml(),
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{source}'; base-uri 'none'; form-action 'none'",
        style=Markup(style),
    )


def facts(result: dict[str, Any]) -> dict[str, str]:
    """Return what stands at the top of the page."""
    from irkit.cli.train import worth

    value = minus(worth(result)).replace(">=", "\u2265").replace("+\u2212", "\u00b1")
    rows = result["rows"]
    return {
        f"{result['metric']}, nats a test row": f"{value} ({result['kind'].replace('_', ' ')})",
        "Independent bits": minus(f"{result['independent_bits']:.2f}"),
        "Effective samples": "" if result["ess"] is None else f"{100 * result['ess']:.0f} %",
        "Data": f"{result['data']} ({result['binarisation']})",
        "Rows": f"{rows['train']:,} train, {rows['valid']:,} valid, {rows['test']:,} test",
        "Trained": f"{result['epochs']:g} epochs, {result['steps']:,} steps",
        "Ended by": result["stopped"],
        "Time": f"{result['wall_seconds']} s, {result['cpu_seconds']} s of processor",
        "Seed": str(result["seed"]),
        "Date": result["date"],
        "Versions": ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
    }


def embedded(figure: Figure) -> str:
    """Return a picture as a data address."""
    content = base64.b64encode(figure.path.read_bytes()).decode()
    return f"data:{_TYPES[figure.path.suffix]};base64,{content}"


def _shown(value: Any) -> str:
    return minus(f"{value:.4g}") if isinstance(value, float) else json.dumps(value)
