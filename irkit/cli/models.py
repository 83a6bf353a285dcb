"""Examples in and out of models: data named on the command line, and files of numbers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from irkit.errors import ConfigError
from irkit.packing import bare
from irkit.streams import is_stream, readable

if TYPE_CHECKING:
    from irkit.arrays import Floats
    from irkit.io.kinds import Examples
    from irkit.io.rows.data import Binarise


def is_matrix(source: str) -> bool:
    """Whether data are a file of rows that are not parted, or a stream of them; a table of texts is a data set."""
    from irkit.io.texts.files import has_texts

    path = Path(source)
    kind = "" if is_stream(path) else bare(path).suffix
    texts = kind == ".csv" and readable(path) and has_texts(path, "csv")
    return is_stream(path) or (kind in {".npy", ".csv"} and not texts)


def rows_of(source: str, part: Literal["train", "valid", "test"], binarise: Binarise) -> Floats | Examples:
    """Return the rows of a file, (n, D) float32, or a part of a data set."""
    if is_matrix(source):
        from irkit.io.rows.own import matrix

        return matrix(Path(source))
    from irkit.io.library.catalogue import load_data

    return load_data(source, binarise=binarise).part(part)


def write_examples(path: Path, examples: Any, words: tuple[str, ...] | None = None) -> None:
    """Write examples as `.npy`, or with a line each as `.csv`, `.jsonl` or, documents of known words, `.txt`.

    Raises
    ------
    ConfigError
        If they differ in length and the file is to be a matrix, or have no words and it is to be text.
    """
    import numpy as np

    from irkit.atomic import write_bytes

    if path.suffix == ".txt" and words is None:
        raise ConfigError(f"{path}: text is written of documents whose words the model knows, got none; write .jsonl")
    if path.suffix not in (".jsonl", ".txt") and isinstance(examples, list):
        raise ConfigError(f"{path}: what differs in length is no matrix, got {path.suffix}; write .jsonl")
    out = io.BytesIO()
    if path.suffix == ".npy":
        np.save(out, examples, allow_pickle=False)
    elif path.suffix == ".csv":
        np.savetxt(out, examples.reshape(len(examples), -1), fmt="%.6g", delimiter=",")
    elif path.suffix == ".txt" and words is not None:
        out.writelines(f"{' '.join(words[term] for term in one.tolist())}\n".encode() for one in examples)
    else:
        out.writelines(f"{json.dumps(one.tolist())}\n".encode() for one in examples)
    write_bytes(path, out.getvalue())
