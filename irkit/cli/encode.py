"""`irkit encode`: the vectors that a trained model represents rows by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from irkit.cli.printing import counted, say


def encode(
    model: str,
    data: str,
    /,
    *,
    part: Literal["train", "valid", "test"] | None = None,
    binarise: Literal["threshold", "sample", "dynamic", "none"] | None = None,
    out: Annotated[Path, Parameter(name=["-o", "--output", "--out"])] = Path("vectors.npy"),
) -> None:
    """Turn rows into the vectors a trained model represents them by.

    That is the means of the hidden units or of the latent variables; a model that does not
    encode says so.

    For example:

        irkit encode runs/vae digits
        irkit encode runs/vae/model.safetensors rows.npy -o vectors.csv

    Parameters
    ----------
    model
        A run folder of irkit train, or the file of a model.
    data
        A data set such as digits, mnist or ./texts, or a file of rows, .npy or .csv, taken whole and as it is.
    part
        Which rows of a data set; default test.
    binarise
        How grey values of a data set become bits; default as in the training of a run folder, else threshold.
    out
        What is written: .npy an array, .csv a line per row.
    """
    from irkit.cli.models import is_matrix, rows_of, write_examples
    from irkit.errors import ConfigError
    from irkit.io.outputs import check_output
    from irkit.recipe.runfolder import open_model

    check_output(out, who="encode", suffixes=(".npy", ".csv"), option="-o", inputs=(model, data))
    if is_matrix(data) and (part or binarise):
        raise ConfigError(
            f"encode: --part and --binarise are of a data set, got the file {data}, which is taken whole and as it is; "
            "leave them out"
        )
    opened = open_model(model)
    trained = opened.recipe.binarise if opened.recipe is not None else "threshold"
    vectors = opened.model.encode(rows_of(data, part or "test", binarise or trained))
    write_examples(out, vectors)
    say(f"{out}: {counted(len(vectors), 'row')} of {vectors.shape[1]:,} values from {opened.model.name}", beside=out)
