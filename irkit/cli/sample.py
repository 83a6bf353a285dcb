"""`irkit sample`: examples drawn from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from irkit.cli.numbers import Whole
from irkit.cli.printing import counted, say


def sample(
    model: str,
    /,
    *,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 64,
    seed: Whole = 1,
    out: Annotated[Path | None, Parameter(name=["-o", "--output", "--out"])] = None,
) -> None:
    """Draw examples, such as rows, pictures or documents, from a trained model.

    For example:

        irkit sample runs/nade
        irkit sample runs/nade -n 1000 --seed 2 -o samples.npy

    Parameters
    ----------
    model
        A run folder of irkit train, or the file of a model.
    n
        How many are drawn.
    seed
        The same seed gives the same examples.
    out
        What is written: .png a grid of pictures, .npy an array, .csv or .jsonl a line for each, .txt likewise the words
        of documents; default samples.png, or samples.txt of a model of documents that knows their words.
    """
    from irkit.atomic import write_bytes
    from irkit.cli.models import write_examples
    from irkit.errors import ConfigError
    from irkit.io.outputs import check_output
    from irkit.learn.figures import grid
    from irkit.recipe.runfolder import open_model

    if n < 1:
        raise ConfigError(f"sample: -n must be 1 or more, got {n}")
    picture, text = Path("samples.png"), Path("samples.txt")
    check_output(out or picture, who="sample", suffixes=(".png", ".npy", ".csv", ".jsonl", ".txt"), option="-o")
    drawn_from = open_model(model).model
    spec, examples = drawn_from.known, drawn_from.sample(n, seed=seed)
    out = out or (picture if spec.words is None else text)
    if out.suffix == ".png":
        write_bytes(out, grid(examples, spec))
    else:
        write_examples(out, examples, spec.words)
    each = f" of {spec.size:,} values" if spec.longest is None else ""
    say(f"{out}: {counted(n, spec.word)}{each} from {drawn_from.name}, seed {seed}", beside=out)
