"""Rows in and out of density models: data named on the command line, and files of numbers or pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from irkit.errors import DataError
from irkit.io.lines import content
from irkit.packing import bare
from irkit.streams import is_stream

if TYPE_CHECKING:
    from irkit.arrays import Floats
    from irkit.io.density import Binarise


def rows_of(source: str, part: Literal["train", "valid", "test"], binarise: Binarise) -> Floats:
    """Return the rows of a file, or of a part of a data set: (n, D) float32."""
    path = Path(source)
    if bare(path).suffix in {".npy", ".csv"} or is_stream(path):
        return _read(path)
    from irkit.io.library import load_rows

    rows: Floats = getattr(load_rows(source, binarise=binarise), part)
    return rows


def write_rows(path: Path, rows: Floats) -> None:
    """Write rows as `.npy`, or as `.csv` with a line each."""
    import numpy as np

    from irkit.io.atomic import write_bytes

    out = io.BytesIO()
    if path.suffix == ".npy":
        np.save(out, rows, allow_pickle=False)
    else:
        np.savetxt(out, rows, fmt="%.6g", delimiter=",")
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
