"""Numbers that models gave for texts, kept by the content of the texts, so that no text is given to a model twice.

What is kept lies in a folder of many small files, each written whole with a digest at its end (`irkit.kept`): rows of
a key and its numbers. A file that is damaged counts for nothing, and its texts are given to the model again. New rows
are written every few seconds and when the work ends or is cut, so that it goes on from there.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.deadline import check_deadline
from irkit.kept import found, keep

SECONDS = 10.0
"After which new rows are written, while more are made."

FILES = 64
"More of them are put together when they are read."

_KEY = 16  # bytes


def key_of(*texts: str) -> bytes:
    """Hash texts to 16 bytes."""
    total = blake2b(digest_size=_KEY)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        total.update(len(data).to_bytes(8, "little") + data)
    return total.digest()


class Remembered:
    """Rows of numbers by key; of several threads that ask at once, one after the other is answered.

    Parameters
    ----------
    folder : path or None
        Where they are kept; None keeps them as long as this object.
    dtype : dtype
        Of the numbers.
    """

    def __init__(self, folder: Path | None, dtype: Any) -> None:
        self.folder, self.dtype = folder, np.dtype(dtype)
        self._at: dict[bytes, tuple[int, int]] | None = None  # key to block and row
        self._blocks: list[Floats] = []
        self._new: tuple[list[bytes], list[Floats]] = [], []
        self._written = time.monotonic()
        self._turn = threading.RLock()
        self.frozen = False
        "Whether nothing more is kept; what is not known is asked for each time."

    def rows(
        self, keys: Sequence[bytes], make: Callable[[Ints], Floats], *, batch_size: int, order: Ints, bar: Any = None
    ) -> Floats:
        """Return the row of each key, asking for those that are not known.

        Parameters
        ----------
        keys : n keys
        make : function
            Gives (b, d) finite numbers for b places among the n; of equal keys one is asked for.
        batch_size : int
            Places at a time.
        order : (n,) int
            Places in the order in which they are asked for.
        bar : tqdm, optional
            Told how many of the n are done.

        Returns
        -------
        (n, d)
            (0, 0) without keys.
        """
        with self._turn:
            return self._rows(keys, make, batch_size, order, bar)

    def _rows(
        self, keys: Sequence[bytes], make: Callable[[Ints], Floats], batch_size: int, order: Ints, bar: Any
    ) -> Floats:
        at = self._known()
        wanted: dict[bytes, int] = {}
        for place in order.tolist():
            if keys[place] not in at:
                wanted.setdefault(keys[place], place)
        places = np.array(list(wanted.values()), dtype=np.int64)
        left = len(keys) - len(places)
        if bar is not None:
            bar.update(left)
        once: dict[bytes, Floats] = {}
        try:
            for start in range(0, len(places), batch_size):
                check_deadline()
                batch = places[start : start + batch_size]
                asked, rows = [keys[place] for place in batch], make(batch)
                if self.frozen:
                    once.update(zip(asked, rows, strict=True))
                else:
                    self._add(asked, rows)
                if bar is not None:
                    bar.update(len(batch))
        finally:
            self.write()
        if not len(keys):
            return np.zeros((0, 0), dtype=self.dtype)
        if once:
            return np.stack([once[key] if key in once else self._stacked([at[key]])[0] for key in keys])
        return self._stacked([at[key] for key in keys])

    @property
    def width(self) -> int | None:
        """Numbers in a row; None before there is any."""
        self._known()
        return self._blocks[0].shape[1] if self._blocks else None

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to other processes empty: they read the folder."""
        return type(self), (self.folder, self.dtype)

    def write(self) -> None:
        """Write what is new to the folder."""
        keys, rows = self._new
        self._new = [], []
        self._written = time.monotonic()
        if not keys or self.folder is None:
            return
        path = self._keep(keys, np.concatenate(rows))
        if path is not None and self._read(path):  # from now on they are read from the file
            mapped = self._blocks.pop()
            first = len(self._blocks) - len(rows)
            self._blocks[first:] = [mapped[:0]] * len(rows)
            self._blocks.append(mapped)

    # ------------------------------------------------------------------ inside

    def _add(self, keys: list[bytes], rows: Floats) -> None:
        at = self._known()
        at.update((key, (len(self._blocks), row)) for row, key in enumerate(keys))
        self._blocks.append(rows)
        if self.folder is None:
            return
        self._new[0].extend(keys)
        self._new[1].append(rows)
        if time.monotonic() - self._written > SECONDS:
            self.write()

    def _known(self) -> dict[bytes, tuple[int, int]]:
        """Read the folder, once."""
        if self._at is None:
            self._at = {}
            paths = sorted(self.folder.glob("*.npy")) if self.folder is not None else []
            for path in paths:
                self._read(path)
            if len(paths) > FILES and self._blocks:
                self._gather(paths)
        return self._at

    def _read(self, path: Path) -> bool:
        """Map a file into memory; False where it is damaged or of a model that was called the same."""
        table = found(path, lambda place: np.load(place, mmap_mode="r", allow_pickle=False))
        names = () if table is None else table.dtype.names
        if table is None or names != ("key", "row") or table["row"].dtype != self.dtype:
            return False
        if self._blocks and table["row"].shape[1] != self._blocks[0].shape[1]:
            return False
        data = np.ascontiguousarray(table["key"]).tobytes()
        at = self._at if self._at is not None else {}
        for row in range(len(table)):
            at[data[_KEY * row : _KEY * (row + 1)]] = len(self._blocks), row
        self._blocks.append(table["row"])
        return True

    def _gather(self, paths: list[Path]) -> None:
        """Put files into one; whoever reads the old ones at this moment keeps them until it is done."""
        at = self._at or {}
        rows = self._stacked(list(at.values()))
        if (whole := self._keep(list(at), rows)) is not None:
            for path in paths:
                if path != whole:
                    with suppress(OSError):
                        path.unlink()

    def _stacked(self, places: list[tuple[int, int]]) -> Floats:
        return np.stack([self._blocks[block][row] for block, row in places])

    def _keep(self, keys: list[bytes], rows: Floats) -> Path | None:
        """Write a file, called by what it holds, and return its path."""
        assert self.folder is not None
        table = np.empty(len(keys), dtype=[("key", f"V{_KEY}"), ("row", self.dtype, rows.shape[1:])])
        table["key"] = np.frombuffer(b"".join(keys), dtype=f"V{_KEY}")
        table["row"] = rows
        path = self.folder / f"{blake2b(table.tobytes(), digest_size=16).hexdigest()}.npy"
        return path if keep(path, lambda file: np.save(file, table)) else None


def safe_name(name: str) -> str:
    """Return a name as a part of a file's.

    Examples
    --------
    >>> safe_name("intfloat/e5-small v2")
    'intfloat-e5-small-v2'
    """
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.")[:80] or "model"


def numbers(found: Any) -> Floats:
    """Return what a model gave as an array, tensors of any device too.

    Raises
    ------
    ValueError, TypeError
        If it is not one of numbers.
    """
    if hasattr(found, "detach"):
        found = found.detach().float().cpu()
    array = np.asarray(found)
    if array.dtype.kind not in "biuf":
        raise TypeError
    return array
