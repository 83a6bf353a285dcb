"""How a table of ratings is laid out: what separates its fields, and which of them are what.

user,item,rating,time       the fields in their order, in a file without a line of names
user,item,_,time            one of them is left out; without a rating every row is a like, a rating of 1
user,item,count             counts in place of ratings, as of plays or of visits: those of a pair are summed
user=member,item=dish       what a file calls its columns, where that is unusual
rating=-                    whatever it is called, there is no rating: every row is a like
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from irkit.errors import ConfigError, DataError, near_misses
from irkit.io.lines import bad, lines
from irkit.packing import bare
from irkit.streams import by_command

NAMES: dict[str, tuple[str, ...]] = {
    "user_id": ("user_id", "userid", "user", "uid", "reviewerid"),
    "item_id": ("item_id", "itemid", "item", "iid", "movie_id", "movieid", "movie", "asin", "isbn", "docno"),
    "rating": ("rating", "score", "stars", "overall", "value", "book_rating"),
    "count": ("count", "counts", "plays", "play_count", "playcount"),
    "timestamp": ("timestamp", "time", "unixreviewtime", "date_seconds"),
}
"""What columns are called in files, in lower case and with _ for -; the first is what they are called in a ratings
frame, where counts stand in the column of ratings."""

FIELDS = ("user_id", "item_id", "rating", "timestamp")
"What stands in a file that names no columns, unless the caller says otherwise."

LATE = 1e8
"A number from here on is taken for a time and not for a rating, where a message proposes what a field may be."

LEFT_OUT = ("_", "-")
"Stands for a column that is not read."

SEPARATORS = (",", ";", "|")
"What a table with the format csv may have between its fields."

SHORT = {"user": "user_id", "item": "item_id", "time": "timestamp"}
"Short names of columns."


@dataclass(frozen=True)
class Columns:
    """Which columns are read."""

    order: tuple[str, ...] = ()
    "Of a file without a line of names: the columns of a ratings frame in its order, empty for one that is left out."
    named: Mapping[str, str] = field(default_factory=dict)
    "What a file calls some columns of a ratings frame."
    likes: bool = False
    "Whether every row is a like, since there is no rating."


def parse_columns(text: str) -> list[str] | dict[str, str]:
    """Read columns as the command line has them.

    Raises
    ------
    ConfigError
        If some columns are named in their order and others by an equals sign, or one is named twice.

    Examples
    --------
    >>> parse_columns("user,item,rating,time")
    ['user', 'item', 'rating', 'time']
    >>> parse_columns("user=member,item=dish")
    {'user': 'member', 'item': 'dish'}
    """
    parts = [part.strip() for part in text.split(",")]
    pairs = [part.partition("=") for part in parts]
    if not any(equals for _, equals, _ in pairs):
        return parts
    if not all(name and equals and called for name, equals, called in pairs):
        raise ConfigError(
            f"columns: {text!r} is neither all names in their order nor all of the form name=column; "
            f"write {','.join(part if '=' in part else f'{part}={part}' for part in parts if part.strip('='))}"
        )
    named = {name: called for name, _, called in pairs}
    if len(named) < len(pairs):
        raise ConfigError(f"columns: {text!r} names a column twice; name each once")
    return named


def read_columns(columns: Mapping[str, str] | Sequence[str] | None) -> Columns:
    """Make `Columns` of what a caller or a card says.

    Raises
    ------
    ConfigError
        If there is no such column, one is named twice, or users or items are missing.
    """
    if columns is None:
        return Columns()
    if isinstance(columns, str):  # as the command line has them
        columns = parse_columns(columns)
    names = [_known(name) for name in columns if name not in LEFT_OUT]
    if {"rating", "count"} <= set(names):
        raise ConfigError("read_ratings: columns name both rating and count; leave out one with -")
    if isinstance(columns, Mapping):
        named = dict(zip(names, columns.values(), strict=True))
        left = {name for name, called in named.items() if called in LEFT_OUT}
        if left & {"user_id", "item_id"}:
            raise ConfigError("read_ratings: columns of users and of items are needed; name them")
        kept = {name: called for name, called in named.items() if name not in left}
        return Columns(named=kept, likes="rating" in left)
    order = tuple("" if name in LEFT_OUT else _known(name) for name in columns)
    twice = next((name for name in order if name and order.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"read_ratings: columns name {twice} twice, got {','.join(columns)}; name each once")
    for name in ("user_id", "item_id"):
        if name not in order:
            raise ConfigError(
                f"read_ratings: columns need {name}, got {','.join(columns)}; name it, as in user,item,rating"
            )
    return Columns(order=order, likes=not {"rating", "count"} & set(order))


def _known(name: str) -> str:
    name = SHORT.get(name, name)
    if name not in NAMES:
        raise ConfigError(f"read_ratings: there is no column {name!r} to name; {near_misses(name, [*NAMES, *SHORT])}")
    return name


def separator(format: str, first: str) -> str:
    """Return what separates fields, for csv as the first line has it.

    Examples
    --------
    >>> separator("csv", "user;item;rating"), separator("csv", "ann,tea,5"), separator("csv", "ann tea 5")
    (';', ',', ' ')
    """
    if format != "csv":
        return "::" if format == "dat" else "\t"
    found = max(SEPARATORS, key=first.count)  # the first of them where they are as many
    return " " if not first.count(found) and " " in first.strip() else found


def places(names: list[str], columns: Columns, path: Path, line: int) -> dict[str, int]:
    """Find the columns of a ratings frame among those that a file names; of ratings and counts there is one."""
    lowered = [name.lower().replace("-", "_") for name in names]
    found: dict[str, int] = {}
    for name, usual in NAMES.items():
        named = columns.named
        other = {"rating": "count" in named, "count": "rating" in found}.get(name, False)
        if other or (columns.likes and name in ("rating", "count")):
            continue
        wanted = [named[name]] if name in named else usual
        have = names if name in named else lowered
        place = next((have.index(one) for one in wanted if one in have), None)
        if place is not None:
            if have.count(have[place]) > 1:
                raise bad(path, line, f"the column {names[place]!r} occurs twice", "rename one of them")
            if place in found.values():
                raise bad(
                    path, line, f"the column {names[place]!r} is to be {name} and another", "name one column each"
                )
            found[name] = place
        elif name in named:
            raise bad(path, line, f"a column {named[name]!r} is needed, got {', '.join(names)}", "name one of these")
        elif name in ("user_id", "item_id"):
            raise bad(path, line, f"a column {name!r} is needed, got {', '.join(names)}", _todo(name, names))
    if not columns.likes and not {"rating", "count"} & set(found):
        raise bad(path, line, f"a column 'rating' is needed, got {', '.join(names)}", _todo("rating", names, found))
    return found


def option(text: str) -> str:
    """Write columns as whoever reads the message would: `--columns rating=-`, or in Python `columns={"rating": "-"}`.

    Examples
    --------
    >>> option("user,item"), option("rating=-")
    ('columns=["user", "item"]', 'columns={"rating": "-"}')
    """
    if by_command():
        return f"--columns {text}"
    found = parse_columns(text)
    if isinstance(found, list):
        inner = ", ".join(f'"{name}"' for name in found)
        return f"columns=[{inner}]"
    inner = ", ".join(f'"{name}": "{called}"' for name, called in found.items())
    return f"columns={{{inner}}}"


def in_order(cells: Sequence[str]) -> str:
    """Say what the fields of a first line may be, as columns in their order; the third tells ratings from times.

    Examples
    --------
    >>> in_order(["ann", "tea"]), in_order(["ann", "tea", "5", "x"]), in_order(["ann", "tea", "1700000000"])
    ('user,item', 'user,item,rating,-', 'user,item,time')
    """
    numbers = [_number(cell) for cell in cells[2:4]]
    fields = ["user", "item"]
    if numbers and numbers[0] is not None:
        fields.append("time" if numbers[0] >= LATE else "rating")
        if len(numbers) > 1 and fields[-1] == "rating" and numbers[1] is not None and numbers[1] >= LATE:
            fields.append("time")
    return ",".join([*fields, *["-"] * (len(cells) - len(fields))])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _todo(name: str, names: list[str], found: Mapping[str, int] | None = None) -> str:
    """Say which columns would read a file whose first line lacks one."""
    known = {one for usual in NAMES.values() for one in usual}
    others = [one for one in names if one.lower().replace("-", "_") not in known]
    if name == "rating":
        alike = f"where every row is a like, write {option('rating=-')}"
        return f"{alike}, or where {others[0]} holds them, {option(f'rating={others[0]}')}" if others else alike
    if len(others) == len(names) and len(names) > 1:
        if any(_number(name) is not None for name in names[2:]):
            return f"it is no line of names, so write {option(in_order(names))}"
        called = [f"user={names[0]}", f"item={names[1]}", f"rating={names[2] if len(names) > 2 else '-'}"]
        return f"where it is no line of names, write {option(in_order(names))}, else {option(','.join(called))}"
    short = {"user_id": "user", "item_id": "item"}[name]
    return f"name it, as in {option(f'{short}={others[0] if others else names[0]}')}, or rename the column"


def check_first(cells: list[str], columns: Columns, path: Path) -> None:
    """Raise `DataError` if a first line has names, or other fields than the columns named in their order."""
    if len(cells) != len(columns.order):
        what = f"there are {len(cells)} fields, and {len(columns.order)} columns are named"
        raise bad(path, 1, what, "name every field, and - for one that is not read")
    found = {name: cells[place].strip().strip('"').lower() for place, name in enumerate(columns.order) if name}
    if all(
        found[name].replace("-", "_") in NAMES[name] or re.fullmatch(rf"{name[:4]}\w*", found[name])
        for name in ("user_id", "item_id")
    ):
        what = f"the first line holds names of columns ({', '.join(cells)})"
        raise bad(path, 1, what, f"name those that are unusual by them, as in {_unusual(found)}")


def _unusual(found: Mapping[str, str]) -> str:
    """Name the columns of a first line that are called otherwise than usual, as an option would."""
    short = {name: one for one, name in SHORT.items()}
    odd = [f"{short.get(name, name)}={called}" for name, called in found.items() if called not in NAMES[name]]
    return ",".join(odd) or "user=member,item=dish"


def names_likes(cells: list[str], path: Path) -> bool:
    """Say whether the fields of a first line name users and items."""
    return names_ratings(cells, path, Columns(likes=True))


def first_fields(path: Path, encoding: str = "utf-8") -> list[str]:
    """Return the fields of the first line of a .csv or .tsv table, packed or not; none of other files."""
    suffix = bare(path).suffix
    if suffix not in (".csv", ".tsv"):
        return []
    first = next((text for _, text in lines(path, encoding) if text.strip()), "")
    return [cell.strip().strip('"') for cell in first.split(separator(suffix[1:], first))]


def unread(path: Path, columns: Mapping[str, str] | Sequence[str] | None, encoding: str = "utf-8") -> list[str]:
    """Return the name of the one column of a table of ratings that is not read, where there are no times."""
    names, want = first_fields(path, encoding), read_columns(columns)
    try:
        found = {} if want.order else places(names, want, path, 1)
    except DataError:
        return []
    left = [name for place, name in enumerate(names) if place not in found.values()]
    return [] if not found or "timestamp" in found or len(left) != 1 else left


def names_users(cells: list[str]) -> bool:
    """Say whether a field of a first line names users.

    Examples
    --------
    >>> names_users(["user", "film title", "stars"]), names_users(["1", "10", "4"])
    (True, False)
    """
    return any(cell.strip().strip('"').lower().replace("-", "_") in NAMES["user_id"] for cell in cells)


def names_likes_alone(cells: list[str], path: Path, columns: Columns) -> bool:
    """Say whether the fields of a first line name users and items, or also times, and nothing else."""
    try:
        return len(places(cells, replace(columns, likes=True), path, 1)) == len(cells)
    except DataError:
        return False


def names_ratings(cells: list[str], path: Path, columns: Columns = Columns()) -> bool:
    """Say whether the fields of a first line name users, items and ratings or counts."""
    try:
        return bool(places(cells, columns, path, 1))
    except DataError:
        return False
