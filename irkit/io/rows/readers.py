"""The formats of rows, pictures and sequences, and who reads them: a literal table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from irkit.io.rows import own, pictures, sequences


class PartReader(NamedTuple):
    """Who reads a format."""

    read: Callable[..., Any]
    "Takes paths; gives `irkit.io.rows.data.Parts`, of sequences lists of (T, width) arrays."
    files: tuple[int, ...]
    "How many paths."


_OWN = (1, 3)  # all in one, or a file a part

READERS: dict[str, dict[str, PartReader]] = {
    "rows": {
        "bits": PartReader(own.bits, (3,)),
        "npy": PartReader(own.npy, _OWN),
        "npz": PartReader(own.npz, (1,)),
        "csv": PartReader(own.table, _OWN),
    },
    "pictures": {
        "digits": PartReader(pictures.digits, (1,)),
        "mnist": PartReader(pictures.mnist, (4,)),
        "frey": PartReader(pictures.frey, (1,)),
        "olivetti": PartReader(pictures.olivetti, (1,)),
        "omniglot": PartReader(pictures.omniglot, (1,)),
        "folder": PartReader(own.pictures, _OWN),
        "npy": PartReader(own.npy, _OWN),
        "npz": PartReader(own.npz, (1,)),
    },
    "sequences": {
        "piano": PartReader(sequences.piano, (1,)),
    },
}
"Readers by kind and format."
