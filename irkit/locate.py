"""Where recipes, cards, suites, user data and caches live.

What stands for a file or a folder is read by one rule, `given_path`: text with a separator or an
extension is a path; a bare name is what is called so, the user's (`IRKIT_HOME`, default `~/.irkit`)
before what irkit ships, and only where nothing is called so a path. Of recipes, cards and suites the
folder may be named too: `recommend/ease` is the `ease` that stands there. Shipped files are the
top-level folders `pipelines/`, `data/` and `eval/` of a checkout, or their copies inside an installed
wheel.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Iterable, Iterator
from operator import attrgetter
from pathlib import Path

from irkit.errors import ConfigError, NotFoundError, near_misses
from irkit.streams import readable
from irkit.wording import near_files, no_end

SHARDS = "shards.json"
"File of an index that consists of shards."

_PACKAGE = Path(__file__).parent
_log = logging.getLogger("irkit")
_mentioned: set[tuple[str, str]] = set()


def shipped(kind: str) -> Path:
    """Return the shipped folder `pipelines`, `data` or `eval`."""
    inside_wheel = _PACKAGE / "_shipped" / kind
    return inside_wheel if inside_wheel.is_dir() else _PACKAGE.parent / kind


def home() -> Path:
    """Return the user's folder; it need not exist yet."""
    return Path(os.environ.get("IRKIT_HOME") or "~/.irkit").expanduser()


def collections_home() -> Path | None:
    """Return the folder of collections that `IRKIT_DATA` names, if any."""
    value = os.environ.get("IRKIT_DATA")
    return Path(value).expanduser() if value else None


def names(kind: str) -> dict[str, Path]:
    """List the YAML files of a kind by name (file stem); the user's win over shipped ones."""
    found: dict[str, Path] = {}
    for folder in (shipped(kind), home() / kind):
        for path in sorted(folder.rglob("*.yaml")):
            if path.is_file():
                found[path.stem] = path
    return found


def given_path(name: str | os.PathLike[str], known: Container[str]) -> Path | None:
    """Return the path that is meant, or None where a name is.

    A path object is a path, and so is text with a separator; text with an extension is one if
    something lies there. A bare name in `known` is that name: a file or folder here that happens to
    be called so is mentioned, through logging, and not taken. Any other text is a path.

    Parameters
    ----------
    name : str or path
    known : container of str
        The names that a bare name may mean.

    Raises
    ------
    NotFoundError
        If the path is a symbolic link behind which nothing lies.

    Examples
    --------
    >>> str(given_path("./fiqa", {"fiqa"})), given_path("fiqa", {"fiqa"}), str(given_path("mine", {"fiqa"}))
    ('fiqa', None, 'mine')
    """
    text = os.fspath(name)
    path = Path(os.path.expanduser(text))
    if isinstance(name, os.PathLike) or _has_separator(text) or text.startswith("~") or text not in known:
        if os.path.islink(path) and not os.path.exists(path):
            raise no_end(path)
        return path
    if not os.path.lexists(path):
        return None
    if path.suffix:
        return path
    here, data = os.getcwd(), collections_home()
    same = data is not None and os.path.realpath(data) == os.path.realpath(here)  # there, both are one
    if (text, here) not in _mentioned and not same:
        _mentioned.add((text, here))
        _log.warning("%s: is taken as a name; what lies here as ./%s is not meant, write ./%s for it", text, text, text)
    return None


def find(kind: str, name: str | os.PathLike[str]) -> Path:
    """Find one YAML file of a kind by path or name.

    Raises
    ------
    NotFoundError
        If neither a file nor a name matches; the message lists near misses.
    ConfigError
        If the user has two files of that name.
    """
    known = names(kind)
    text = os.fspath(name)
    path = given_path(name, known)
    if path is None:
        _refuse_two(kind, text)
        return known[text]
    if readable(path):
        return path
    if path.suffix in {".yaml", ".yml"} or isinstance(name, os.PathLike):
        close = near_files(path)
        todo = near_misses(text, close) if close else "check the path"
        raise NotFoundError(f"{_called(kind)}: there is no file {text!r}; {todo}")
    for folder in (home() / kind, shipped(kind)):
        if "/" in text and is_inside(text) and (folder / f"{text}.yaml").is_file():
            return folder / f"{text}.yaml"
    raise NotFoundError(f"{_called(kind)}: there is no {text!r}; {near_misses(text, known)}")


def _called(kind: str) -> str:
    return "suites" if kind == "eval" else kind


def holds_index(folder: str | os.PathLike[str]) -> bool:
    """Say whether a folder holds a Lucene index, or the shards of one; errors are the system's."""
    return any(name.startswith("segments_") or name == SHARDS for name in os.listdir(folder))


def files_below(folder: Path, *, hidden: bool = False) -> Iterator[Path]:
    """Yield the files of a folder and of those in it, in no order, also where links lead; one that goes round does not.

    Parameters
    ----------
    folder : Path
    hidden : bool
        Also those whose name, or that of a folder between, begins with a dot.

    Raises
    ------
    NotFoundError
        If nothing lies behind a link: what is read of a folder must not shrink with a disk that is not there.
    OSError
        If a folder cannot be read.
    """
    over = set(map(str, Path(os.path.realpath(folder)).parents))
    for place, inner, names in os.walk(folder, followlinks=True, onerror=_refuse):
        above = [one for one in Path(place).parents if one == folder or folder in one.parents]
        if os.path.realpath(place) in over.union(map(os.path.realpath, above)):
            inner.clear()
            continue
        if not hidden:
            inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if name.startswith(".") and not hidden:
                continue
            if path.is_file():
                yield path
            elif os.path.islink(path) and not os.path.exists(path):
                raise no_end(path)


def _refuse(error: OSError) -> None:
    raise error


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Sort paths by their parts as they are written: the same on every system, where Windows would ignore case.

    Examples
    --------
    >>> [path.as_posix() for path in in_order([Path("b"), Path("a", "c"), Path("B")])]
    ['B', 'a/c', 'b']
    """
    return sorted(paths, key=attrgetter("parts"))


def is_inside(name: str) -> bool:
    """Say whether a relative path stays inside the folder that it starts from, on every system."""
    parts = name.replace("\\", "/").split("/")
    return name.isprintable() and all((name, parts[0], ".." not in parts, ":" not in name, "\\" not in name))


def _has_separator(text: str) -> bool:
    return text in {"", os.curdir, os.pardir} or any(mark in text for mark in {"/", os.sep, os.altsep or os.sep})


def _refuse_two(kind: str, name: str) -> None:
    folder = home() / kind
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.yaml")) if path.stem == name]
    if len(found) > 1:
        raise ConfigError(f"{kind}: {folder} has {found[0]} and {found[1]}, both called {name!r}; rename one")
