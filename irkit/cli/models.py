"""Examples in and out of models: data named on the command line, and files of numbers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from irkit.errors import ConfigError, DataError
from irkit.io.lines import content
from irkit.packing import bare
from irkit.streams import is_stream

if TYPE_CHECKING:
    from irkit.arrays import Floats
    from irkit.io.kinds import Examples
    from irkit.io.rows.data import Binarise


def rows_of(source: str, part: Literal["train", "valid", "test"], binarise: Binarise) -> Floats | Examples:
    """Return the rows of a file, (n, D) float32, or a part of a data set."""
    path = Path(source)
    if bare(path).suffix in {".npy", ".csv"} or is_stream(path):
        return _read(path)
    from irkit.io.library.catalogue import load_rows

    return load_rows(source, binarise=binarise).part(part)


def write_examples(path: Path, examples: Any) -> None:
    """Write examples as `.npy`, as `.csv` or as `.jsonl`, the last two with a line each.

    Raises
    ------
    ConfigError
        If they differ in length and the file is to be a matrix.
    """
    import numpy as np

    from irkit.atomic import write_bytes

    if path.suffix != ".jsonl" and isinstance(examples, list):
        raise ConfigError(f"{path}: what differs in length is no matrix, got {path.suffix}; write .jsonl")
    out = io.BytesIO()
    if path.suffix == ".npy":
        np.save(out, examples, allow_pickle=False)
    elif path.suffix == ".csv":
        np.savetxt(out, examples.reshape(len(examples), -1), fmt="%.6g", delimiter=",")
    else:
        out.writelines(f"{json.dumps(one.tolist())}\n".encode() for one in examples)
    write_bytes(path, out.getvalue())


def _read(path: Path) -> Floats:
    """Read a matrix of numbers."""
    import warnings

    import numpy as np

    data = content(path)
    file = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy only warns of a file without numbers
            if data.startswith(b"\x93NUMPY") or bare(path).suffix == ".npy":
                found = np.load(file, allow_pickle=False)
            else:
                found = np.loadtxt(file, delimiter=",", ndmin=2)
    except (ValueError, EOFError, UserWarning) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: is no matrix of numbers ({reason[:120]}); write one with numpy.save or as CSV"
        ) from None
    kind = getattr(found, "dtype", None)
    if kind is None or kind.kind not in "fiub":
        raise DataError(f"{path}: must hold one array of numbers, got {kind or 'several arrays'}; write it anew")
    rows: Floats = found.astype(np.float32)
    return rows
