"""Values and their kinds as messages show them, to whoever writes YAML or words on a command line as in Python."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

from irkit.errors import NotFoundError, near_misses

_KINDS = ((bool, "true or false"), (str, "text"), (int, "a number"), (float, "a number"), (Mapping, "a mapping"))

_WANTED = {
    "greater_than": "above {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "below {lt}",
    "less_than_equal": "{le} or less",
    "finite_number": "a finite number",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} at most",
    "string_too_short": "text of {min_length} or more characters",
    "string_too_long": "text of {max_length} characters at most",
}
"What a value must be by pydantic's kinds of error, filled with what it knows of each."

_WANTED_BY_TYPE = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "dict": "a mapping of names to values",
    "model": "a mapping of names to values",
    "dataclass": "a mapping of names to values",
    "path": "a path",
}
"The same for those that say of which type a value is not: `int_parsing`, `int_type` and so on."

_CHOICE = re.compile(r"'([^']*)'")


def shown(value: object, longest: int = 60) -> str:
    """Return a value as an error message shows it: text in quotes, others as YAML has them; cut where it is long.

    Examples
    --------
    >>> shown("a b"), shown(None), shown(True), shown({"use": "lucene", "n": [1, None]})
    ("'a b'", 'nothing', 'true', '{use: lucene, n: [1, nothing]}')
    """
    text = repr(value) if isinstance(value, str) else _plain(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text):,} characters)"


def kind_of(value: object) -> str:
    """Say what kind of thing a value from a file is.

    Examples
    --------
    >>> kind_of([1]), kind_of({}), kind_of("x"), kind_of(None), kind_of(2.5)
    ('a list', 'a mapping', 'text', 'nothing', 'a number')
    """
    if value is None:
        return "nothing"
    said = next((said for kind, said in _KINDS if isinstance(value, kind)), None)
    return said or ("a list" if isinstance(value, Sequence) else type(value).__name__)


def near_files(path: str | PathLike[str]) -> list[str]:
    """Return what stands in the folder of a path that is not there and has nearly its name, nearest first."""
    path = Path(path)
    try:
        there = sorted(one.name for one in path.parent.iterdir())
    except (OSError, ValueError):
        there = []
    return [str(path.with_name(name)) for name in get_close_matches(path.name, there, n=3, cutoff=0.75)]


def no_file(path: str | PathLike[str], what: str = "file") -> NotFoundError:
    """Make the error of a file that is not there; it names those that may be meant."""
    if os.path.isdir(path):
        return NotFoundError(f"{path}: is a folder, not a {what}; name a {what} in it")
    if os.path.islink(path):
        return no_end(path)
    close = near_files(path)
    todo = near_misses(str(path), close) if close else "check the path"
    return NotFoundError(f"{path}: there is no such {what}; {todo}")


def no_end(path: str | PathLike[str]) -> NotFoundError:
    """Make the error of a symbolic link behind which nothing lies: what it names is gone, or leads back to it."""
    return NotFoundError(f"{path}: is a link to {os.readlink(path)}, which leads to no file; mend the link")


def wanted(found: Mapping[str, Any]) -> str | None:
    """Say what a value must be that pydantic refused, by one of its findings; None where its own words must do.

    Examples
    --------
    >>> wanted({"type": "less_than_equal", "ctx": {"le": 1.0}})
    '1 or less'
    >>> wanted({"type": "int_parsing"})
    'a whole number'
    """
    kind = found["type"]
    if kind == "literal_error":
        return ", ".join(_CHOICE.findall(found["ctx"]["expected"])) or None
    if kind in _WANTED:
        known = found.get("ctx", {})
        if kind == "too_short" and known.get("field_type") == "Dictionary":
            return f"a mapping of {known['min_length']} or more names to values"
        numbers = {name: f"{value:g}" if isinstance(value, float) else value for name, value in known.items()}
        return _WANTED[kind].format(**numbers)
    name, _, rest = kind.rpartition("_")
    return _WANTED_BY_TYPE.get("int" if kind == "int_from_float" else name) if rest else None


def choices(found: Sequence[Mapping[str, Any]]) -> str | None:
    """Say what may be written instead, near misses first, where pydantic wants one of several words and no more."""
    if len(found) != 1 or found[0]["type"] != "literal_error":
        return None
    words = _CHOICE.findall(found[0]["ctx"]["expected"])
    return near_misses(str(found[0]["input"]), words) if len(words) > 1 else None


def _plain(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if value.isprintable() and value == value.strip() and value else repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_plain(name)}: {_plain(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return " ".join(repr(value).split())
