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

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.errors import ConfigError, DataError, NotFoundError, near_misses
from irkit.io.lines import bad, finite, head, lines, opened, refuse_utf16
from irkit.io.ratings.ids import read_ids
from irkit.io.ratings.layout import (
    NAMES,
    SEPARATORS,
    Columns,
    check_first,
    names_ratings,
    places,
    read_columns,
    separator,
)
from irkit.io.ratings.times import Unit, in_seconds, read_times
from irkit.io.reading import Reading
from irkit.streams import hold, on_disk

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("tab", "dat", "csv", "tsv", "parquet")

FILES = ("u.data", "ratings.dat", "ratings.csv", "ratings.tsv", "ratings.parquet")
"What a folder is looked through for."

_LINE_END = re.compile(rb"[\r\n]")  # Arrow ends a line at either, old spreadsheets at the first alone


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
    want = read_columns(columns)
    format = _sniff(path, want) if format == "auto" else format
    if (want.named or (want.likes and not want.order)) and format in ("tab", "dat"):
        todo = "name the fields in their order, as in user,item,rating,time"
        raise ConfigError(f"read_ratings: the format {format} has no column names; {todo}")
    if format == "parquet":
        if want.order:
            raise ConfigError(f"read_ratings: {path} is Parquet, which names its columns; write columns as user=member")
        return _parquet(path, want, time_unit)
    found = _fast(path, format, want, encoding, time_unit)
    return found if found is not None else _slow(path, format, want, encoding, time_unit)


def has_rating_columns(path: Path) -> bool:
    """Say whether the first line of a separated file names users, items and ratings."""
    first = _LINE_END.split(head(path), maxsplit=1)[0].decode("latin-1")
    return names_ratings([_unquoted(cell).strip() for cell in first.split(separator("csv", first))], path)


def begins_with_rating(path: Path) -> bool:
    """Say whether the first line of a file without names of columns is a user, an item and a rating."""
    try:
        return _sniff(path, Columns()) in ("dat", "tab")
    except DataError:
        return False


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in FILES:
        if (path / name).is_file():
            return path / name
    raise NotFoundError(f"{path}: the folder holds none of {', '.join(FILES)}; name the file")


def _sniff(path: Path, columns: Columns) -> str:
    start = head(path)
    if start.startswith(b"PAR1"):
        return "parquet"
    refuse_utf16(path, start)
    first = next((line for line in _LINE_END.split(start) if line.strip()), b"").decode("latin-1")
    if not first:
        raise bad(path, 1, "the file is empty", "check that it was written completely")
    if "::" in first:
        return "dat"
    cells = first.split("\t")
    if columns.order or columns.likes:
        return ("tab" if columns.order else "tsv") if len(cells) > 1 else "csv"
    if len(cells) in (3, 4) and _is_number(cells[2]):
        return "tab"
    if len(cells) > 2:
        return "tsv"
    between = first.count(separator("csv", first).strip() or " ")
    if between > 1 and separator("csv", first) != " ":
        return "csv"
    if len(cells) == 2 or (between == 1 and separator("csv", first) != " "):
        todo = "add a column 'rating', of ones if there is none, or say that every row is a like: --columns rating=-, "
        raise bad(
            path, 1, "there are two fields, and no rating", todo + "or user,item where the first line has no names"
        )
    todo = f"name one of {', '.join(FORMATS)}, or the fields in their order: --columns user,item,rating"
    raise bad(path, 1, "these are no ratings that irkit knows", todo)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
    first = _LINE_END.split(data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"), maxsplit=1)[0].decode("latin-1")
    delimiter = separator("csv", first) if format == "csv" else "\t"
    if columns.order:
        given = [name or f"left out {place}" for place, name in enumerate(columns.order)]
        names = {name: name for name in columns.order if name}
        try:
            check_first(first.split(delimiter), columns, path)
        except DataError:
            return None
    elif format in ("csv", "tsv"):
        header = [_unquoted(cell) for cell in first.split(delimiter)]
        try:
            found = places([cell.strip() for cell in header], columns, path, 1)
        except DataError:
            return None
        names, given = {name: header[place] for name, place in found.items()}, None
    else:
        given = list(NAMES)[: first.count("\t") + 1]
        names = {name: name for name in given}
    table = _parsed(data, names, given, delimiter, encoding)
    if table is not None and columns.likes:
        table = _liked(table)
    if table is None or not table.num_rows or {"user_id", "item_id", "rating"} - set(table.column_names):
        return None
    if table["rating"].null_count or not pc.all(pc.is_finite(table["rating"])).as_py():
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
        kinds = {"rating": pa.float64(), "timestamp": times}
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


def _unquoted(cell: str) -> str:
    """Return a column's name as Arrow gives it: without quotes, with the blanks of one that has none."""
    return cell.strip().strip('"') if cell.strip().startswith('"') else cell


# ---------------------------------------------------------------------- line by line


def _slow(path: Path, format: str, columns: Columns, encoding: str, time_unit: Unit) -> pd.DataFrame:
    """Read line by line and say which line is wrong."""
    rows: dict[str, list[Any]] = {}
    there: dict[str, int] = {}
    at: list[int] = []
    width = 0
    for line, cells in _cells(path, format, encoding):
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
            given = columns.order or list(NAMES)[: len(cells)]
            there, width = {name: place for place, name in enumerate(given) if name}, len(cells)
            rows = {name: [] for name in there}
        if len(cells) != width:
            raise bad(
                path, line, f"{width} fields are needed, as in the first line, got {len(cells)}", "correct the line"
            )
        at.append(line)
        for name, place in there.items():
            cell = cells[place]
            rows[name].append(finite(cell.strip(), name, path, line) if name == "rating" else cell)
    if not at:
        raise bad(path, 1, "the file holds no rating", "check that it was written completely")
    kinds = {name: pa.float64() if name == "rating" else pa.large_string() for name in rows}
    table = pa.table({name: pa.array(values, type=kinds[name]) for name, values in rows.items()})
    table = _liked(table) if columns.likes else table
    return _frame(table, lambda row, what, todo: bad(path, at[row], what, todo), time_unit)


def _liked(table: pa.Table) -> pa.Table:
    """Add a rating of 1 to every row."""
    return table.append_column("rating", pa.array(np.ones(table.num_rows)))


def _cells(path: Path, format: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    first = next((line for line in _LINE_END.split(head(path)) if line.strip()), b"").decode("latin-1")
    between = separator(format, first)
    if between not in SEPARATORS:
        for line, text in lines(path, encoding):
            if text.strip():
                yield line, text.split(between)
        return
    table = csv.reader((text + "\n" for _, text in lines(path, encoding)), strict=True, delimiter=between)
    before = 0
    while True:
        try:
            cells = next(table, None)
        except csv.Error as error:
            raise bad(path, before + 1, f"not valid CSV: {error}", "close every quote") from None
        line, before = before + 1, table.line_num
        if cells is None:
            return
        if cells:
            yield line, cells


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
    kind = table["rating"].type
    if pa.types.is_boolean(kind):
        raise bad(path, 1, "the column of rating holds true and false", "write numbers, 1 for what is liked")
    try:
        rating = pc.cast(table["rating"], pa.float64())
    except pa.ArrowException:
        raise bad(path, 1, f"the column of rating holds {kind}", "write it as double") from None
    wrong = ~np.isfinite(rating.to_numpy())
    if wrong.any():
        row = int(np.argmax(wrong))
        raise fail(row, f"no valid rating, got {rating[row].as_py()!r}", "correct the file")
    return _frame(table.set_column(table.column_names.index("rating"), "rating", rating), fail, time_unit)


def _frame(table: pa.Table, fail: Callable[[int, str, str], Exception], time_unit: Unit) -> pd.DataFrame:
    """Make a ratings frame of columns of ids, ratings and times."""
    import pandas as pd

    from irkit.columns import frame_strings

    data: dict[str, Any] = {
        name: frame_strings(read_ids(table[name], name, fail, strip=True)) for name in ("user_id", "item_id")
    }
    data["rating"] = table["rating"].combine_chunks().to_numpy()
    seconds = read_times(table["timestamp"], fail, unit=time_unit) if "timestamp" in table.column_names else None
    if seconds is not None:
        data["timestamp"] = seconds
    return in_seconds(pd.DataFrame(data))
