"""The formats of rows, pictures and sequences, and who reads them: a literal table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from irkit.io import density_pictures, density_sequences, own_rows


class PartReader(NamedTuple):
    """Who reads a format."""

    read: Callable[..., Any]
    "Takes paths; gives `irkit.io.density.Parts`, of sequences lists of (T, width) arrays."
    files: tuple[int, ...]
    "How many paths."


_OWN = (1, 3)  # all in one, or a file a part

READERS: dict[str, dict[str, PartReader]] = {
    "rows": {
        "bits": PartReader(own_rows.bits, (3,)),
        "npy": PartReader(own_rows.npy, _OWN),
        "npz": PartReader(own_rows.npz, (1,)),
        "csv": PartReader(own_rows.table, _OWN),
    },
    "pictures": {
        "digits": PartReader(density_pictures.digits, (1,)),
        "mnist": PartReader(density_pictures.mnist, (4,)),
        "frey": PartReader(density_pictures.frey, (1,)),
        "olivetti": PartReader(density_pictures.olivetti, (1,)),
        "omniglot": PartReader(density_pictures.omniglot, (1,)),
        "folder": PartReader(own_rows.pictures, _OWN),
        "npy": PartReader(own_rows.npy, _OWN),
        "npz": PartReader(own_rows.npz, (1,)),
    },
    "sequences": {
        "piano": PartReader(density_sequences.piano, (1,)),
    },
}
"Readers by kind and format."
