"""Outputs are checked before the work whose result they get: name, kind, folder and permission."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from irkit.atomic import hidden, is_stream, refused
from irkit.errors import ConfigError, DataError
from irkit.locate import holds_index
from irkit.packing import bare
from irkit.streams import STANDARD, descriptor, duplicate


def check_output(
    path: str | os.PathLike[str],
    *,
    who: str,
    suffixes: Sequence[str] = (),
    pack: bool = False,
    option: str = "",
    inputs: Iterable[str | os.PathLike[str] | None] = (),
) -> None:
    """Refuse an output file that could not be written, or that is read for it; nothing is left behind.

    Parameters
    ----------
    path
        A file, or a device, a pipe or `-`.
    who : str
        The command or function, for the message.
    suffixes : sequence of str
        What the name must end in, where the ending says what is written; also that of a stream.
    pack : bool
        The ending of a compression may follow.
    option : str
        What the path was given as.
    inputs : iterable of path or None
        What is read. Text without separator and extension is a name and no file (see `irkit.locate.given_path`).

    Raises
    ------
    ConfigError
        If the name has another ending, is that of a folder, means a file that is read or one in an index that is.
    DataError
        If the system would refuse to write there.
    """
    name, read_from = Path(path), [read for read in inputs if read is not None]
    named = f"{option} " if option else ""
    if suffixes and (bare(name) if pack else name).suffix not in suffixes:
        raise ConfigError(f"{who}: {named}must end in {' or '.join(suffixes)}, got {path}; rename it")
    if os.path.isdir(path):
        raise ConfigError(f"{who}: {named}must be a file, got the folder {path}; name a file in it")
    if any(_same_file(path, read) for read in read_from):
        raise ConfigError(f"{who}: {named}is a file that is read, got {path}; choose another name, or it is lost")
    if any(_in_index(path, read) for read in read_from):
        raise ConfigError(f"{who}: {named}lies in the index that is read, got {path}; choose another folder")
    try:
        if is_stream(path):
            _check_stream(path)
        else:
            target = Path(os.path.realpath(path))
            if _exists(target) and os.stat(target) and not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            _probe(target.parent, target.name)
    except OSError as error:
        raise refused(path, error) from error
    except ValueError as error:  # a zero byte
        raise DataError(f"{who}: {named}is no path, got {str(path)!r} ({error}); rename it") from None


def check_folder(path: str | os.PathLike[str], *, who: str, option: str = "") -> None:
    """Refuse an output folder, made if need be, in which nothing could be written; nothing is left behind.

    Raises
    ------
    ConfigError
        If there is something else in its place.
    DataError
        If the system would refuse to write there.
    """
    named = f"{option} " if option else ""
    if os.fspath(path) == STANDARD or (os.path.lexists(path) and not os.path.isdir(path)):
        raise ConfigError(f"{who}: {named}must be a folder, got {path}; choose another name")
    try:
        _probe(Path(os.path.realpath(path)), "probe")
    except OSError as error:
        raise refused(path, error) from error


def _probe(folder: Path, name: str) -> None:
    """Make and remove a file in the nearest folder above that exists."""
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    fresh = hidden(nearest / name)
    with fresh.open("xb"):
        pass
    fresh.unlink()


def _check_stream(path: str | os.PathLike[str]) -> None:
    number = descriptor(path, 1)
    if number is not None:
        with open(duplicate(number), "wb", buffering=0) as file:
            file.write(b"")  # raises where it is open for reading only
    elif stat.S_ISSOCK(os.stat(path).st_mode):
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
    elif not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Say whether two paths mean one file that is there; a stream or a bare name is none."""
    if isinstance(other, str) and not Path(other).suffix and Path(other).name == other:
        return False
    try:
        return not is_stream(one) and os.path.samefile(os.path.realpath(one), other)
    except (OSError, ValueError):
        return False


def _in_index(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Say whether a path leads into a folder that holds a Lucene index, however the folder is named."""
    try:
        if is_stream(path) or not holds_index(folder):
            return False
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        os.lstat(path)  # raises where a name can be nobody's
    except FileNotFoundError:
        return False
    return True
