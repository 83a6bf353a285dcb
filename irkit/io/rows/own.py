"""Rows of one's own: arrays of NumPy, tables of numbers, folders of pictures.

    my.npy                      one array; or three files train.npy, valid.npy and test.npy in a folder
    my.npz                      the arrays train, valid and test (and train_labels ...), or one array
    my.csv                      numbers, a line a row; a first line of names is left out; or three files
    pictures/                   png, jpg, bmp, pgm or ppm, all of one size, in the order of their names;
                                or three such folders train, valid and test in a folder

An array is (n, D), or (n, rows, columns) of grey pictures, or (n, rows, columns, 3) of pictures in colour. Bytes
beyond 1 are grey values and become 0..1; other numbers stay as they are. Where all values are 0 and 1 they are bits.
Pictures are grey if every pixel of all of them is.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.format import MAGIC_PREFIX

from irkit.arrays import Floats, Ints
from irkit.errors import DataError, NotFoundError
from irkit.io.kinds import PARTS
from irkit.io.lines import bad, decoded, finite, head, raw_lines
from irkit.io.reading import listed
from irkit.io.rows.arrays import MOST, read_bits, read_npy, read_npz
from irkit.io.rows.data import Parts
from irkit.locate import in_order
from irkit.packing import bare

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm")
LARGEST_SIDE = 1 << 12
"Rows or columns of a picture."

_FORMATS = ["PNG", "JPEG", "BMP", "PPM"]
_MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}


def bits(train: Path, valid: Path, test: Path) -> Parts:
    """Read lines of 0 and 1 separated by commas, a file a part."""
    rows = [read_bits(path) for path in (train, valid, test)]
    return _of_arrays(rows, [str(path) for path in (train, valid, test)])


def npy(*paths: Path) -> Parts:
    """Read an array, or one a part."""
    return _of_arrays([read_npy(path) for path in paths], [str(path) for path in paths])


def npz(path: Path) -> Parts:
    """Read an archive of the arrays `train`, `valid` and `test`, or of one array; `labels` may stand beside them."""
    arrays = read_npz(path)
    rows = {name: array for name, array in arrays.items() if not name.endswith("labels")}
    if len(rows) != 1 and set(rows) != set(PARTS):
        raise DataError(f"{path}: needs arrays train, valid and test, or one array, got {listed(arrays)}; save it so")
    names = list(PARTS) if len(rows) == len(PARTS) else list(rows)
    labels: list[Ints] = []
    for name in names:
        given = arrays.get("labels" if len(rows) == 1 else f"{name}_labels")
        labels.append(_no_labels(rows[name]) if given is None else _labels(given, rows[name], f"{path}: {name}"))
    return _of_arrays([rows[name] for name in names], [f"{path}: {name}" for name in names], labels)


def table(*paths: Path) -> Parts:
    """Read comma-separated numbers, one file or one a part."""
    return _of_arrays([_numbers(path) for path in paths], [str(path) for path in paths])


def pictures(*folders: Path) -> Parts:
    """Read the pictures of a folder, or of one a part."""
    read = [_pictures(folder) for folder in folders]
    if all(_is_grey(part) for part in read):
        read = [part[..., 0] if part.ndim == 4 else part for part in read]
    else:
        read = [part if part.ndim == 4 else np.repeat(part[..., None], 3, axis=3) for part in read]
    return _of_arrays(read, [str(folder) for folder in folders])


def matrix(path: Path) -> Floats:
    """Read rows of one array or one table, told apart by the first bytes and not to be parted: (n, D) float32."""
    is_array = bare(path).suffix == ".npy" or head(path, len(MAGIC_PREFIX)) == MAGIC_PREFIX
    values = read_npy(path) if is_array else _numbers(path)
    _check_shape(values, str(path))
    rows = _reals(values.reshape(len(values), -1), str(path))
    return rows / np.float32(255) if values.dtype == np.uint8 and (values > 1).any() else rows


def picture_files(folder: Path) -> list[Path]:
    """List the pictures of a folder in the order of their names."""
    return in_order(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())


def _of_arrays(arrays: Sequence[npt.NDArray[Any]], where: Sequence[str], labels: Sequence[Ints] = ()) -> Parts:
    """Make rows of arrays (n, ...), all of one shape but for n."""
    shapes = [array.shape[1:] for array in arrays]
    for array, name in zip(arrays, where, strict=True):
        _check_shape(array, name)
    if len(set(shapes)) > 1:
        sizes = ", ".join(" x ".join(map(str, shape)) for shape in shapes)
        raise DataError(f"{where[0]}: the parts must have one width, got {sizes}; write them again")
    if len(arrays) == 1 and len(arrays[0]) < 10:
        raise DataError(
            f"{where[0]}: needs 10 rows or more to be parted, got {len(arrays[0])}; give more, or three parts"
        )
    are_bits = all(((array == 0) | (array == 1)).all() for array in arrays)
    bytes_ = not are_bits and all(array.dtype == np.uint8 for array in arrays)
    rows = [_reals(array.reshape(len(array), -1), name) for array, name in zip(arrays, where, strict=True)]
    shape = (1, *shapes[0]) if len(shapes[0]) == 1 else shapes[0]
    return Parts(
        shape,
        [part / np.float32(255) for part in rows] if bytes_ else rows,
        [*labels] or list(map(_no_labels, rows)),
        are_bits,
    )


def _check_shape(array: npt.NDArray[Any], where: str) -> None:
    if array.ndim not in (2, 3, 4) or not array.size or (array.ndim == 4 and array.shape[3] not in (1, 3)):
        want = "(n, D), or (n, rows, columns) or (n, rows, columns, 3) of pictures"
        raise DataError(f"{where}: must have the shape {want}, got {array.shape}; reshape it")


def _reals(rows: npt.NDArray[Any], where: str) -> Floats:
    with np.errstate(over="ignore"):
        real = rows.astype(np.float32)
    wrong = ~np.isfinite(real)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"{where}: values must be finite numbers of 32 bits, got {rows[row, column]} in row {row + 1}, "
            f"column {column + 1}; correct it"
        )
    return real


def _no_labels(rows: npt.NDArray[Any]) -> Ints:
    return np.full(len(rows), -1, dtype=np.int64)


def _labels(given: npt.NDArray[Any], rows: npt.NDArray[Any], where: str) -> Ints:
    if given.shape != rows.shape[:1] or given.dtype.kind not in "ui":
        raise DataError(
            f"{where}: its labels must be {len(rows):,} whole numbers, got {given.shape} of {given.dtype}; correct them"
        )
    return given.astype(np.int64)


def _numbers(path: Path) -> Floats:
    """Return the numbers of a table: (n, D) float64."""
    rows: list[Floats] = []
    for line, raw in raw_lines(path):
        if not raw.strip():
            continue
        cells = raw.split(b",")
        if rows and len(cells) != len(rows[0]):
            raise bad(path, line, f"{len(rows[0])} columns are needed, got {len(cells)}", "correct the line")
        if len(cells) * (len(rows) + 1) > MOST:
            raise bad(path, line, f"the table has more than {MOST:,} values", "give a part of it")
        values = _floats(cells)
        if values is None:
            texts = [cell.strip() for cell in decoded(raw, "utf-8", path, line).split(",")]
            if not rows and line == 1 and not any(map(_is_number, texts)):
                continue  # names of columns
            for column, text in enumerate(texts, 1):
                finite(text, f"value in column {column}", path, line)
        else:
            rows.append(values)
    if not rows:
        raise bad(path, 1, "the table has no row of numbers", "check that it was written completely")
    return np.stack(rows)


def _floats(cells: list[bytes]) -> Floats | None:
    """Return finite numbers, or None if any cell is none."""
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        return None
    return values if np.isfinite(values).all() and not any(b"_" in cell for cell in cells) else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _pictures(folder: Path) -> Ints:
    """Return the pictures of a folder: (n, rows, columns) uint8, or (n, rows, columns, 3) if any has colours."""
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: there is no such folder")
    files = picture_files(folder)
    if not files:
        raise DataError(f"{folder}: holds no picture ({', '.join(PICTURE_SUFFIXES)}); name a folder that does")
    found: list[Ints] = []
    for path in files:
        pixels = _picture(path, len(files))
        if found and pixels.shape[:2] != found[0].shape[:2]:
            (rows, columns), (first_rows, first_columns) = pixels.shape[:2], found[0].shape[:2]
            raise DataError(
                f"{path}: must have the size of {files[0].name}, {first_rows} x {first_columns}, "
                f"got {rows} x {columns}; scale the pictures to one size"
            )
        found.append(pixels)
    if any(pixels.ndim == 3 for pixels in found):
        found = [pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2) for pixels in found]
    return np.stack(found)


def _picture(path: Path, many: int) -> Ints:
    """Return the pixels of a file, grey or RGB; its size is asked before anything is unpacked."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as picture:
                columns, rows = picture.size
                if max(rows, columns) > LARGEST_SIDE or 3 * rows * columns * many > MOST:
                    raise DataError(
                        f"{path}: is too large, got {rows} x {columns} for {many:,} pictures; scale them down, to "
                        f"{LARGEST_SIDE} at most and {MOST:,} values in all"
                    )
                if picture.mode not in _MODES or "transparency" in picture.info:
                    raise DataError(
                        f"{path}: must be grey or RGB of 8 bits without transparency, got mode {picture.mode}; "
                        "convert it"
                    )
                return np.asarray(picture.convert(_MODES[picture.mode]))
    except DataError:
        raise
    except Exception as error:  # what a damaged file raises depends on where it is damaged
        what = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: is no readable picture ({what}); write it again") from None


def _is_grey(pictures: Ints) -> bool:
    return pictures.ndim == 3 or bool((pictures == pictures[..., :1]).all())
