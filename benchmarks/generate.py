"""Generative models, timed: training steps of each recipe on its data, and drawing samples.

    python -m benchmarks.generate [--only draw-digits ...] [--device cuda] [--compile NAME ...] [--repeats N] [--write]

Recipes take turns, each in a process of its own with one thread; medians are reported. A recipe whose data is not at
hand is left out, with the reason. Of recipes named by `--compile` the losses are also compiled by torch.
"""

from __future__ import annotations

import argparse
import os
from datetime import date
from typing import Any

from benchmarks.tables import ROOT, machine, table
from benchmarks.turns import Pass, take_turns, timed

STEPS, SAMPLES = 50, 500
"Training steps of a pass, and samples drawn."

HEAD = """# Generative models, timed

`python -m benchmarks.generate --write` prints this table. Recipes take turns, so ratios hold where a machine's speed
drifts; single figures do not. An example is what a row of the recipe's data is: a picture, a sequence, a set."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="*", help="names of recipes; default all in pipelines/generate")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compile", nargs="+", default=[], help="recipes whose losses are timed compiled too")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks-generate.md")
    args = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    names = args.only or sorted(path.stem for path in (ROOT / "pipelines" / "generate").glob("*.yaml"))
    rows, left_out = [], []
    for name in names:
        forms = {"eager": False, **({"compiled": True} if name in args.compile else {})}
        found = take_turns({form: (steps, (name, args.device, how)) for form, how in forms.items()}, args.repeats)
        eager = found["eager"]
        if isinstance(eager, str):
            left_out.append(f"{name} is {eager}.")
            continue
        rates = {form: f"{one['rate']:,.0f}" for form, one in found.items() if not isinstance(one, str)}
        rates = {"compiled": "-", **rates}
        rows.append({"recipe": name, **{key: eager[key] for key in SHOWN}, **rates, "samples": eager["samples"]})
        print(rows[-1], flush=True)
    about = f"Measured {date.today()} on {machine()}, {args.device}; one thread each, medians of {args.repeats}."
    note = f"Trained: examples per second of {STEPS} steps (CPU seconds on the CPU). Drawn: samples per second."
    lines = table(rows, ["recipe", *SHOWN, "eager", *(["compiled"] if args.compile else []), "samples"])
    text = "\n".join([about, note, "", *lines, "", *left_out])
    print(text)
    if args.write:
        (ROOT / "docs" / "benchmarks-generate.md").write_text(f"{HEAD}\n\n{text.rstrip()}\n")


SHOWN = ["data", "parameters", "batch"]


def steps(name: str, device: str, compiled: bool) -> Pass:
    """Train a recipe for some steps a pass: examples per CPU-second of steps, or per second on an accelerator.

    Raises
    ------
    ImportError
        If the data is not at hand.
    """
    from irkit.errors import IrkitError
    from irkit.recipe import load_training

    recipe = load_training(name)
    try:
        data: Any = recipe.load_data()
    except IrkitError as error:
        raise ImportError(str(error)) from None
    trainer = recipe.rule().changed(
        epochs=None, seconds=None, steps=STEPS, every=STEPS, patience=None, threads=1, device=device
    )
    model = recipe.build()
    if compiled:
        _compile(model)

    def one() -> dict[str, Any]:
        fitted = model.fit(data, validate=False, trainer=trainer)
        spent = fitted.training
        took = spent.cpu if device == "cpu" else spent.wall
        shown = {
            "data": recipe.data,
            "parameters": f"{sum(one.numel() for one in fitted.fitted.parameters()):,}",
            "batch": str(trainer.batch_size),
            "rate": spent.steps * trainer.batch_size / took,
        }
        if not model.can("sample"):
            return {**shown, "samples": "-"}
        _, drawing = timed(lambda: fitted.sample(SAMPLES))
        return {**shown, "samples": f"{SAMPLES / drawing['cpu' if device == 'cpu' else 'wall']:,.0f}"}

    return one


def _compile(model: Any) -> None:
    """Let torch compile the losses of whatever network the model builds, in this process."""
    import torch

    build = model.build

    def compiled(spec: Any) -> Any:
        net = build(spec)
        phases = net.phases
        net.phases = lambda: [_replaced(phase, torch.compile(phase.loss)) for phase in phases()]
        return net

    model.build = compiled


def _replaced(phase: Any, loss: Any) -> Any:
    from dataclasses import replace

    return replace(phase, loss=loss)


if __name__ == "__main__":
    main()
