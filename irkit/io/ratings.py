"""Rating files: MovieLens in all its formats, MovieTweetings, and any table with named columns.

    tab      196<TAB>242<TAB>3<TAB>881250949     MovieLens 100K: u.data, u1.base, u1.test, ...
    dat      1::1193::5::978300760               MovieLens 1M and 10M, MovieTweetings
    csv      userId,movieId,rating,timestamp     MovieLens 20M, 25M, latest; any CSV that names its columns
    tsv      the same, tab-separated
    parquet  the same

The time may be absent. A file is parsed as a whole by Arrow; only if that fails is it read line by
line, to say where it is wrong.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from irkit.errors import ConfigError, DataError, NotFoundError, near_misses
from irkit.io.lines import bad, finite, head, lines, opened
from irkit.io.reading import Reading
from irkit.streams import hold, on_disk

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("tab", "dat", "csv", "tsv", "parquet")

NAMES: dict[str, tuple[str, ...]] = {
    "user_id": ("user_id", "userid", "user", "uid", "reviewerid"),
    "item_id": ("item_id", "itemid", "item", "iid", "movie_id", "movieid", "movie", "asin", "docno"),
    "rating": ("rating", "score", "stars", "overall", "value"),
    "timestamp": ("timestamp", "time", "unixreviewtime", "date_seconds"),
}
"What columns are called in files, in lower case; the first is what they are called in a ratings frame."

FILES = ("u.data", "ratings.dat", "ratings.csv", "ratings.tsv", "ratings.parquet")
"What a folder is looked through for."


def read_ratings(
    path: str | os.PathLike[str],
    format: str = "auto",
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> pd.DataFrame:
    """Read a file of ratings into a ratings frame.

    Parameters
    ----------
    path
        A file (gzip is unpacked), or a folder that holds one of `u.data`, `ratings.dat`, `ratings.csv`.
    format : str
        One of tab, dat, csv, tsv, parquet; `auto` looks.
    columns : mapping, optional
        Names in the file of `user_id`, `item_id`, `rating` and `timestamp`, where they are unusual; for
        formats that name their columns.
    encoding : str
        Of ids; ratings and times are ASCII in any.

    Returns
    -------
    ratings frame
        `user_id`, `item_id` (strings, as they are in the file), `rating` and, if the file has it,
        `timestamp` (float64, seconds since 1970), in the order of the file.

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
    format = _sniff(path) if format == "auto" else format
    if columns and format in ("tab", "dat"):
        raise ConfigError(f"read_ratings: the format {format} has no column names; leave columns out")
    for name in columns or {}:
        if name not in NAMES:
            raise ConfigError(f"read_ratings: there is no column {name!r} to name; {near_misses(name, NAMES)}")
    if format == "parquet":
        return _frame(_parquet(path, columns or {}))
    found = _fast(path, format, columns or {}, encoding)
    return _frame(found if found is not None else _slow(path, format, columns or {}, encoding))


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in FILES:
        if (path / name).is_file():
            return path / name
    raise NotFoundError(f"{path}: the folder holds none of {', '.join(FILES)}; name the file")


def _sniff(path: Path) -> str:
    start = head(path)
    if start.startswith(b"PAR1"):
        return "parquet"
    first = next((line for line in start.split(b"\n") if line.strip()), b"").decode("latin-1").rstrip("\r")
    if not first:
        raise bad(path, 1, "the file is empty", "check that it was written completely")
    if "::" in first:
        return "dat"
    cells = first.split("\t")
    if len(cells) in (3, 4) and _is_number(cells[2]):
        return "tab"
    if len(cells) > 2:
        return "tsv"
    if first.count(",") > 1:
        return "csv"
    raise bad(path, 1, "these are no ratings that irkit knows", f"name one of {', '.join(FORMATS)}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# ---------------------------------------------------------------------- the whole file at once


def _fast(path: Path, format: str, columns: Mapping[str, str], encoding: str) -> pa.Table | None:
    """Parse the file at once; None if anything about it is not as it should be."""
    from pyarrow import csv as arrow_csv

    with opened(path) as file:
        try:
            data = file.read()
        except (EOFError, OSError):
            return None
    if format == "dat":
        data = data.replace(b"::", b"\t")
    first = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n", 1)[0].decode("latin-1").rstrip("\r")
    delimiter = "," if format == "csv" else "\t"
    named = format in ("csv", "tsv")
    if named:
        try:
            places = _places([name.strip().strip('"') for name in first.split(delimiter)], columns, path, 1)
        except DataError:
            return None
        names = {name: first.split(delimiter)[place].strip().strip('"') for name, place in places.items()}
    else:
        names = {name: name for name in list(NAMES)[: first.count("\t") + 1]}
    kinds = {names[name]: pa.large_string() if name.endswith("id") else pa.float64() for name in names}
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            arrow_csv.ReadOptions(encoding=encoding, column_names=None if named else list(names)),
            arrow_csv.ParseOptions(delimiter=delimiter, quote_char='"' if format == "csv" else False),
            arrow_csv.ConvertOptions(column_types=kinds, include_columns=list(kinds), null_values=[""]),
        )
    except (pa.ArrowException, UnicodeDecodeError, KeyError):
        return None
    table = table.rename_columns(list(names))
    return table if _is_clean(table) else None


def _is_clean(table: pa.Table) -> bool:
    if not table.num_rows or {"user_id", "item_id", "rating"} - set(table.column_names):
        return False
    for name in table.column_names:
        column = table[name]
        if column.null_count:
            return False
        fine = pc.not_equal(column, "") if name.endswith("id") else pc.is_finite(column)
        if not pc.all(fine).as_py():
            return False
    return True


# ---------------------------------------------------------------------- line by line


def _slow(path: Path, format: str, columns: Mapping[str, str], encoding: str) -> pa.Table:
    """Read line by line and say which line is wrong."""
    rows: dict[str, list[Any]] = {}
    places: dict[str, int] = {}
    width = 0
    for line, cells in _cells(path, format, encoding):
        if not places:
            if format in ("csv", "tsv"):
                places, width = _places([cell.strip() for cell in cells], columns, path, line), len(cells)
                rows = {name: [] for name in places}
                continue
            if len(cells) not in (3, 4):
                what = f"user, item, rating and perhaps a timestamp are needed, got {len(cells)} fields"
                raise bad(path, line, what, "correct the line")
            places, width = {name: place for place, name in enumerate(list(NAMES)[: len(cells)])}, len(cells)
            rows = {name: [] for name in places}
        if len(cells) != width:
            raise bad(
                path, line, f"{width} fields are needed, as in the first line, got {len(cells)}", "correct the line"
            )
        for name, place in places.items():
            cell = cells[place]
            if not name.endswith("id"):
                rows[name].append(finite(cell.strip(), name, path, line))
            elif cell:
                rows[name].append(cell)
            else:
                raise bad(path, line, f"the {name} is missing", "correct the line")
    if not rows or not rows["rating"]:
        raise bad(path, 1, "the file holds no rating", "check that it was written completely")
    kinds = {name: pa.large_string() if name.endswith("id") else pa.float64() for name in rows}
    return pa.table({name: pa.array(values, type=kinds[name]) for name, values in rows.items()})


def _cells(path: Path, format: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    if format != "csv":
        separator = "::" if format == "dat" else "\t"
        for line, text in lines(path, encoding):
            if text.strip():
                yield line, text.split(separator)
        return
    table = csv.reader((text + "\n" for _, text in lines(path, encoding)), strict=True)
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


def _places(names: list[str], columns: Mapping[str, str], path: Path, line: int) -> dict[str, int]:
    """Find the columns of a ratings frame among those of a file."""
    lowered = [name.lower() for name in names]
    found: dict[str, int] = {}
    for name, usual in NAMES.items():
        wanted = [columns[name]] if name in columns else usual
        have = names if name in columns else lowered
        place = next((have.index(one) for one in wanted if one in have), None)
        if place is not None:
            found[name] = place
        elif name != "timestamp" or name in columns:
            raise bad(
                path,
                line,
                f"a column {wanted[0]!r} is needed, got {', '.join(names)}",
                f"name it: columns={{'{name}': '...'}}",
            )
    return found


# ---------------------------------------------------------------------- tables


def _parquet(path: Path, columns: Mapping[str, str]) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        file, _held = on_disk(path)
        names = pq.read_schema(file).names
        places = _places(names, columns, path, 1)
        table = pq.read_table(file, columns=[names[place] for place in places.values()])
    except DataError:
        raise
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise DataError(f"{path}: not a readable Parquet file: {reason}; write it again") from None
    cast = []
    for name, column in zip(places, table.columns, strict=True):
        kind = pa.large_string() if name.endswith("id") else pa.float64()
        if pa.types.is_timestamp(column.type):
            column = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
            column = pc.divide(pc.cast(column, pa.float64()), 1e6)
        try:
            cast.append(pc.cast(column, kind))
        except pa.ArrowException:
            raise bad(path, 1, f"the column of {name} holds {column.type}", f"write it as {kind}") from None
    table = pa.table(dict(zip(places, cast, strict=True)))
    if not _is_clean(table):
        raise DataError(f"{path}: {_unclean(table)}; correct the file")
    return table


def _unclean(table: pa.Table) -> str:
    """Say what is wrong with a table, and in which row from 1."""
    if not table.num_rows:
        return "the file holds no rating"
    for name in table.column_names:
        values = table[name].to_pylist()
        for row, value in enumerate(values, 1):
            if value is None or value == "" or (not name.endswith("id") and not abs(value) < float("inf")):
                return f"row {row} has no valid {name}, got {value!r}"
    return "the file cannot be read"


def _frame(table: pa.Table) -> pd.DataFrame:
    import pandas as pd

    from irkit.columns import arrow_strings, frame_strings

    data: dict[str, Any] = {}
    for name in NAMES:
        if name in table.column_names:
            column = table[name].combine_chunks()
            data[name] = frame_strings(arrow_strings(column)) if name.endswith("id") else column.to_numpy()
    return pd.DataFrame(data)
