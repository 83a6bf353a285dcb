"""Rating files: MovieLens in all its formats, MovieTweetings, and any table with named columns.

    tab      196<TAB>242<TAB>3<TAB>881250949     MovieLens 100K: u.data, u1.base, u1.test, ...
    dat      1::1193::5::978300760               MovieLens 1M and 10M, MovieTweetings
    csv      userId,movieId,rating,timestamp     MovieLens 20M, 25M, latest; any CSV that names its columns, with
                                                 commas, semicolons or | between them
    tsv      the same, tab-separated
    parquet  the same

The time may be absent, and the rating too where the caller says so, who may also say which field is what
(`irkit.io.ratings.layout`). What times may look like is said in `irkit.io.ratings.times`, what ids are in
`irkit.io.ratings.ids`. A file is parsed as a whole by Arrow; only if that fails is it read line by line, to say
where it is wrong.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.errors import ConfigError, DataError, NotFoundError, near_misses
from irkit.io.lines import bad, finite, opened
from irkit.io.ratings.ids import read_ids
from irkit.io.ratings.layout import (
    FIELDS,
    SEPARATORS,
    Columns,
    check_first,
    places,
    read_columns,
    separator,
)
from irkit.io.ratings.sniff import (
    FORMATS,
    LINE_END,
    begins_with_rating,
    cells_of,
    lines_of,
    sniff,
    told_by_names,
    unquoted,
)
from irkit.io.ratings.times import Unit, in_seconds, read_times
from irkit.io.reading import Reading
from irkit.streams import hold, on_disk

if TYPE_CHECKING:
    import pandas as pd

FILES = ("u.data", "ratings.dat", "ratings.csv", "ratings.tsv", "ratings.parquet")
"What a folder is looked through for."

VALUES = ("rating", "count")
"Columns of numbers, of which a file has one."


def read_ratings(
    path: str | os.PathLike[str],
    format: str = "auto",
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    encoding: str = "utf-8",
    time_unit: Unit = "auto",
) -> pd.DataFrame:
    """Read a file of ratings into a ratings frame.

    Parameters
    ----------
    path
        A file (gzip is unpacked), or a folder that holds one of `u.data`, `ratings.dat`, `ratings.csv`.
    format : str
        One of tab, dat, csv, tsv, parquet; `auto` looks.
    columns : mapping or list of str, optional
        Names in the file of `user_id`, `item_id`, `rating` and `timestamp` (or `user`, `item`, `time`), where they
        are unusual; or, of a file without a line of names, which column each field is, such as `["user", "item",
        "_", "time"]`, where `_` or `-` leaves one out. `{"rating": "-"}`, or a list without a rating, makes every
        row a like, a rating of 1.
    encoding : str
        Of ids; ratings and times are ASCII in any.
    time_unit : {"auto", "s", "ms", "us", "ns"}
        What numbers in the column of times count since 1970; `auto` finds out, or refuses.

    Returns
    -------
    ratings frame
        `user_id`, `item_id` (strings, as they are in the file but for blanks around them), `rating` and,
        if the file has it, `timestamp` (float64, seconds since 1970), in the order of the file.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        `path:line: what is wrong; what to do`.
    ConfigError
        If the format or an option does not fit.
    """
    Reading(encoding=encoding)
    path = _file(Path(path).expanduser())
    _held = hold(path)
    if format != "auto" and format not in FORMATS:
        raise ConfigError(f"read_ratings: there is no format {format!r}; {near_misses(format, FORMATS)}")
    want = told_by_names(path, read_columns(columns))
    format = sniff(path, want) if format == "auto" else format
    if (want.named or (want.likes and not want.order)) and format in ("tab", "dat"):
        todo = "name the fields in their order, as in user,item,rating,time"
        raise ConfigError(f"read_ratings: the format {format} has no column names; {todo}")
    if format == "parquet":
        if want.order:
            raise ConfigError(f"read_ratings: {path} is Parquet, which names its columns; write columns as user=member")
        return _parquet(path, want, time_unit)
    found = _fast(path, format, want, encoding, time_unit)
    return found if found is not None else _slow(path, format, want, encoding, time_unit)


def read_pairs(
    path: str | os.PathLike[str],
    format: str = "auto",
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    encoding: str = "utf-8",
    time_unit: Unit = "auto",
) -> pd.DataFrame:
    """Read the pairs of users and items of a file, with their times where it has them; ratings are left out.

    Parameters and errors are those of `read_ratings`.
    """
    if columns is None and format not in ("tab", "dat") and not begins_with_rating(_file(Path(path).expanduser())):
        columns = {"rating": "-"}
    frame = read_ratings(path, format, columns=columns, encoding=encoding, time_unit=time_unit)
    return frame.drop(columns="rating")


def lines_of_rows(
    path: str | os.PathLike[str],
    rows: Sequence[int],
    format: str = "auto",
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    encoding: str = "utf-8",
) -> list[int]:
    """Return the lines, from 1, on which rows of the frame stand that `read_ratings` makes; of Parquet the rows."""
    path = _file(Path(path).expanduser())
    want = told_by_names(path, read_columns(columns))
    return lines_of(path, rows, sniff(path, want) if format == "auto" else format, want, encoding)


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in FILES:
        if (path / name).is_file():
            return path / name
    raise NotFoundError(f"{path}: the folder holds none of {', '.join(FILES)}; name the file")


# ---------------------------------------------------------------------- the whole file at once


class _Wrong(Exception):
    """Something is wrong in a file that was parsed at once; where, only its lines can tell."""


def _fast(path: Path, format: str, columns: Columns, encoding: str, time_unit: Unit) -> pd.DataFrame | None:
    """Parse the file at once; None if anything about it is not as it should be."""
    with opened(path) as file:
        try:
            data = file.read()
        except (EOFError, OSError):
            return None
    if format == "dat":
        data = data.replace(b"::", b"\t")
    first = LINE_END.split(data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"), maxsplit=1)[0].decode("latin-1")
    delimiter = separator("csv", first) if format == "csv" else "\t"
    if columns.order:
        given = [name or f"left out {place}" for place, name in enumerate(columns.order)]
        names = {name: name for name in columns.order if name}
        try:
            check_first(first.split(delimiter), columns, path)
        except DataError:
            return None
    elif format in ("csv", "tsv"):
        header = [unquoted(cell) for cell in first.split(delimiter)]
        try:
            found = places([cell.strip() for cell in header], columns, path, 1)
        except DataError:
            return None
        names, given = {name: header[place] for name, place in found.items()}, None
    else:
        given = list(FIELDS[: first.count("\t") + 1])
        names = {name: name for name in given}
    table = _parsed(data, names, given, delimiter, encoding)
    if table is not None and columns.likes:
        table = _liked(table)
    if table is None or not table.num_rows or {"user_id", "item_id"} - set(table.column_names):
        return None
    value = _value(table)
    if value is None or table[value].null_count or not pc.all(pc.is_finite(table[value])).as_py():
        return None
    try:
        return _frame(table, lambda row, what, todo: _Wrong(), time_unit)
    except _Wrong:
        return None


def _parsed(
    data: bytes, names: Mapping[str, str], given: list[str] | None, delimiter: str, encoding: str
) -> pa.Table | None:
    """Parse columns: ids as text, ratings as numbers, times as numbers or else as text; None if that cannot be."""
    from pyarrow import csv as arrow_csv

    for times in (pa.float64(), pa.large_string()):
        kinds = {"rating": pa.float64(), "count": pa.float64(), "timestamp": times}
        types = {file: kinds.get(name, pa.large_string()) for name, file in names.items()}
        try:
            table = arrow_csv.read_csv(
                io.BytesIO(data),
                arrow_csv.ReadOptions(encoding=encoding, column_names=given),
                arrow_csv.ParseOptions(delimiter=delimiter, quote_char='"' if delimiter in SEPARATORS else False),
                arrow_csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=[""]),
            )
        except pa.ArrowInvalid:
            continue
        except (pa.ArrowException, UnicodeDecodeError, KeyError):
            return None
        return table.rename_columns(list(names))
    return None


# ---------------------------------------------------------------------- line by line


def _slow(path: Path, format: str, columns: Columns, encoding: str, time_unit: Unit) -> pd.DataFrame:
    """Read line by line and say which line is wrong."""
    rows: dict[str, list[Any]] = {}
    there: dict[str, int] = {}
    at: list[int] = []
    width = 0
    for line, cells in cells_of(path, format, encoding):
        if not there:
            if columns.order:
                check_first(cells, columns, path)
            elif format in ("csv", "tsv"):
                there, width = places([cell.strip() for cell in cells], columns, path, line), len(cells)
                rows = {name: [] for name in there}
                continue
            elif len(cells) not in (3, 4):
                what = f"user, item, rating and perhaps a timestamp are needed, got {len(cells)} fields"
                raise bad(path, line, what, "correct the line")
            given = columns.order or FIELDS[: len(cells)]
            there, width = {name: place for place, name in enumerate(given) if name}, len(cells)
            rows = {name: [] for name in there}
        if len(cells) != width:
            raise bad(
                path, line, f"{width} fields are needed, as in the first line, got {len(cells)}", "correct the line"
            )
        at.append(line)
        for name, place in there.items():
            cell = cells[place]
            rows[name].append(finite(cell.strip(), name, path, line) if name in VALUES else cell)
    if not at:
        raise bad(path, 1, "the file holds no rating", "check that it was written completely")
    kinds = {name: pa.float64() if name in VALUES else pa.large_string() for name in rows}
    table = pa.table({name: pa.array(values, type=kinds[name]) for name, values in rows.items()})
    table = _liked(table) if columns.likes else table
    return _frame(table, lambda row, what, todo: bad(path, at[row], what, todo), time_unit)


def _liked(table: pa.Table) -> pa.Table:
    """Add a rating of 1 to every row."""
    return table.append_column("rating", pa.array(np.ones(table.num_rows)))


# ---------------------------------------------------------------------- tables


def _parquet(path: Path, columns: Columns, time_unit: Unit) -> pd.DataFrame:
    import pyarrow.parquet as pq

    def fail(row: int, what: str, todo: str) -> DataError:
        return DataError(f"{path}: row {row + 1} has {what}; {todo}")

    try:
        file, _held = on_disk(path)
        names = pq.read_schema(file).names
        found = places(names, columns, path, 1)
        table = pq.read_table(file, columns=[names[place] for place in found.values()])
    except DataError:
        raise
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise DataError(f"{path}: not a readable Parquet file: {reason}; write it again") from None
    table = table.rename_columns(list(found))
    table = _liked(table) if columns.likes else table
    if not table.num_rows:
        raise DataError(f"{path}: the file holds no rating; check that it was written completely")
    value = _value(table) or "rating"
    kind = table[value].type
    if pa.types.is_boolean(kind):
        raise bad(path, 1, f"the column of {value} holds true and false", "write numbers, 1 for what is liked")
    try:
        rating = pc.cast(table[value], pa.float64())
    except pa.ArrowException:
        raise bad(path, 1, f"the column of {value} holds {kind}", "write it as double") from None
    wrong = ~np.isfinite(rating.to_numpy())
    if wrong.any():
        row = int(np.argmax(wrong))
        raise fail(row, f"no valid {value}, got {rating[row].as_py()!r}", "correct the file")
    return _frame(table.set_column(table.column_names.index(value), value, rating), fail, time_unit)


def _frame(table: pa.Table, fail: Callable[[int, str, str], Exception], time_unit: Unit) -> pd.DataFrame:
    """Make a ratings frame of columns of ids, ratings and times."""
    import pandas as pd

    from irkit.columns import frame_strings

    data: dict[str, Any] = {
        name: frame_strings(read_ids(table[name], name, fail, strip=True)) for name in ("user_id", "item_id")
    }
    value = _value(table) or "rating"
    data["rating"] = table[value].combine_chunks().to_numpy()
    if value == "count" and (data["rating"] <= 0).any():
        row = int(np.argmax(data["rating"] <= 0))
        raise fail(row, f"the count {data['rating'][row]:g}, and counts are greater than 0", "drop the row")
    seconds = read_times(table["timestamp"], fail, unit=time_unit) if "timestamp" in table.column_names else None
    if seconds is not None:
        data["timestamp"] = seconds
    frame = in_seconds(pd.DataFrame(data))
    if value == "count":
        frame.attrs["counts"] = True  # where `RatingTable.from_frame` finds it
    return frame


def _value(table: pa.Table) -> str | None:
    """Return which of ratings and counts a table has."""
    return next((name for name in VALUES if name in table.column_names), None)
