"""`irkit sample`: rows drawn from a trained density model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from irkit.cli.numbers import Whole
from irkit.cli.printing import say


def sample(
    model: str,
    /,
    *,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 64,
    seed: Whole = 1,
    out: Annotated[Path, Parameter(name=["-o", "--out"])] = Path("samples.png"),
) -> None:
    """Draw rows from a trained model.

    For example:

        irkit sample runs/nade
        irkit sample runs/nade -n 1000 --seed 2 --out samples.npy

    Parameters
    ----------
    model
        A run folder of irkit train, or the file of a model.
    n
        Rows drawn.
    seed
        The same seed gives the same rows.
    out
        What is written: .png a grid of pictures, .npy an array, .csv a line per row.
    """
    from irkit.cli.models import write_rows
    from irkit.cli.tables import counted
    from irkit.errors import ConfigError
    from irkit.generative.pictures import png, tiles
    from irkit.io.atomic import write_bytes
    from irkit.io.outputs import check_output
    from irkit.recipe.runfolder import open_model

    if n < 1:
        raise ConfigError(f"sample: -n must be 1 or more, got {n}")
    check_output(out, who="sample", suffixes=(".png", ".npy", ".csv"), option="--out")
    opened = open_model(model)
    rows = opened.model.sample(n, seed=seed)
    if out.suffix == ".png":
        write_bytes(out, png(tiles(rows, opened.shape)))
    else:
        write_rows(out, rows)
    say(f"{out}: {counted(n, 'row')} of {opened.model.size:,} values from {opened.model.name}, seed {seed}", beside=out)
