"""`irkit doctor`: is everything here that irkit needs, and is an index as it was written?"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from irkit import __version__, locate
from irkit.cli.printing import say
from irkit.errors import IrkitError
from irkit.registry import TABLES, Names


class Check(NamedTuple):
    """One line of the report."""

    name: str
    found: str
    remedy: str = ""
    "What to do; empty where all is well."


def doctor(index: str | None = None, /) -> int:
    """Check Python, Java, packages and folders, or the files of an index.

    Each line says ok or problem; a problem comes with its remedy, and then the exit status is 1.

    For example:

        irkit doctor
        irkit doctor lee-index

    Parameters
    ----------
    index
        An index folder, or a collection's name, of which irkit keeps an index: its files are read again
        and compared with what was written.
    """
    checks = list(diagnose() if index is None else _index(index))
    width = max(len(check.name) for check in checks)
    for check in checks:
        state = "problem" if check.remedy else "ok"
        say(f"{state:7}  {check.name:{width}}  {check.found}" + (f"; {check.remedy}" if check.remedy else ""))
    return 1 if any(check.remedy for check in checks) else 0


def _index(source: str) -> Iterator[Check]:
    from irkit.lucene.examine import examine
    from irkit.recipe.resources import source_path

    path = source_path(source)
    for part in examine(_kept(source) if path is None else path):
        yield Check(*part)


def _kept(name: str) -> Path:
    """Return the index that irkit keeps of a collection."""
    from irkit.errors import NotFoundError
    from irkit.io import load_collection
    from irkit.recipe.indexes import index_path

    path = index_path(load_collection(name))
    if not path.exists():
        raise NotFoundError(f"doctor: no index of {name} is kept yet; its first use builds one")
    return path


def diagnose() -> Iterator[Check]:
    """Yield every check in the order it is printed."""
    yield _python()
    yield Check("irkit", f"{__version__} in {Path(__file__).parents[1]}")
    yield _attempt("java", _java)
    yield _attempt("lucene", _lucene)
    yield _attempt("bridge", _bridge)
    yield _attempt("jvm", _jvm)
    yield _packages()
    yield _shipped()
    yield _home()
    yield _collections()
    for table in TABLES:
        for name in table.plugged():
            yield _attempt("plug-in", partial(_plugin, table, name))


def _plugin(table: Names, name: str) -> Check:
    table.load(name)
    return Check("plug-in", f"{table.what} {name!r} of {table[name]}")


def _attempt(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except (IrkitError, OSError) as error:
        found, _, remedy = " ".join(str(error).split()).partition("; ")
        return Check(name, found, remedy or "see above")


def _python() -> Check:
    found = f"{platform.python_version()} at {sys.executable}"
    return Check("python", found, "" if (3, 11) <= sys.version_info < (3, 14) else "install Python 3.11, 3.12 or 3.13")


def _java() -> Check:
    from irkit.lucene.jvm import OLDEST_JAVA, java_home, java_version

    home = java_home()
    version = java_version(home)
    remedy = "" if version >= OLDEST_JAVA else f"set IRKIT_JAVA_HOME to a Java {OLDEST_JAVA} or newer"
    return Check("java", f"{version} at {home}", remedy)


def _lucene() -> Check:
    from irkit.lucene.jvm import lucene_jar

    return Check("lucene", str(lucene_jar()))


def _bridge() -> Check:
    from irkit.lucene.jvm import BRIDGE_JAR

    if not BRIDGE_JAR.is_file():
        return Check("bridge", f"{BRIDGE_JAR} is missing", "reinstall irkit, or run 'make jar' in a checkout")
    return Check("bridge", f"{BRIDGE_JAR} ({BRIDGE_JAR.stat().st_size:,} bytes)")


def _jvm() -> Check:
    from irkit.lucene.jvm import heap, start

    start()
    return Check("jvm", f"started with a heap of at most {heap()}")


def _packages() -> Check:
    """Compare what is installed with what irkit asks for, without importing any of it."""
    try:
        wanted = importlib.metadata.requires("irkit") or []
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", "irkit itself is not installed", "run make demo, or pip install . in the checkout")
    from packaging.requirements import Requirement

    missing, other = [], []
    for requirement in map(Requirement, wanted):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(str(requirement))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            other.append(f"{requirement.name} {version} where {requirement} is needed")
    if missing or other:
        found = ", ".join([*(f"no {name}" for name in missing), *other])
        return Check("packages", found, "pip install -c constraints.txt . in the checkout")
    needed = [name for name in wanted if not re.search(r"extra\s*==", name)]
    return Check("packages", f"all {len(needed)} that irkit needs")


def _shipped() -> Check:
    counts = {kind: len(list(locate.shipped(kind).rglob("*.yaml"))) for kind in ("pipelines", "data", "eval")}
    found = f"{counts['pipelines']} recipes, {counts['data']} cards, {counts['eval']} suites"
    return Check("shipped", found, "" if all(counts.values()) else "reinstall irkit")


def _home() -> Check:
    """Check that the user's folder, or the nearest folder above it that exists, can be written."""
    home = locate.home()
    nearest = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK)
    found = f"{home} (IRKIT_HOME)" if os.environ.get("IRKIT_HOME") else str(home)
    return Check("home", found, "" if writable else f"{nearest} is not a writable folder: set IRKIT_HOME to one")


def _collections() -> Check:
    folder = locate.collections_home()
    if folder is None:
        return Check("collections", "IRKIT_DATA is not set: collections are downloaded when asked for")
    remedy = "" if folder.is_dir() else "point IRKIT_DATA at a folder of collections, or unset it"
    return Check("collections", f"{folder} (IRKIT_DATA)" if folder.is_dir() else f"there is no folder {folder}", remedy)
