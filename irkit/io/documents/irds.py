"""Collections of the `ir_datasets` package, as `irds:<id>` (an optional extra of irkit).

ir_datasets downloads a collection by itself when it is first read. irkit says so through logging,
with the address that states size and terms, before it lets that happen.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from irkit.documents import Document
from irkit.errors import DataError, DownloadError, IrkitError, MissingExtraError, NotFoundError, near_misses
from irkit.io.reading import Judgement, Query, Reading

PREFIX = "irds:"

_log = logging.getLogger("irkit.io")
_announced: set[str] = set()


def documents(path: Path, reading: Reading) -> Iterator[Document]:
    """Read documents; the text is what ir_datasets calls the default text, or the `fields` named."""
    name, dataset = _load(path, reading, "docs")
    for row, item in enumerate(_iterate(name, dataset.docs_iter), 1):
        yield Document(item.doc_id, _text(item, reading, name), f"{PREFIX}{name}:{row}")


def queries(path: Path, reading: Reading) -> Iterator[Query]:
    """Read queries; the text is the default text, or the `fields` named."""
    name, dataset = _load(path, reading, "queries")
    for row, item in enumerate(_iterate(name, dataset.queries_iter), 1):
        yield Query(item.query_id, _text(item, reading, name), row)


def qrels(path: Path, reading: Reading) -> Iterator[Judgement]:
    """Read judgements."""
    name, dataset = _load(path, reading, "qrels")
    for row, item in enumerate(_iterate(name, dataset.qrels_iter), 1):
        yield Judgement(item.query_id, item.doc_id, int(item.relevance), row)


def is_irds(path: str | os.PathLike[str]) -> bool:
    """Say whether a path is an `irds:` id."""
    return os.fspath(path).startswith(PREFIX)


def is_here(path: str | os.PathLike[str]) -> bool:
    """Say whether ir_datasets keeps files of this collection already (perhaps not all of them)."""
    return (_home() / _name(path).split("/")[0]).is_dir()


def version() -> str:
    """Return the version of ir_datasets, or raise `MissingExtraError`."""
    if importlib.util.find_spec("ir_datasets") is None:
        raise MissingExtraError("irds: the package ir_datasets is not installed; pip install 'irkit[irds]'")
    return importlib.metadata.version("ir_datasets")


def has(path: str | os.PathLike[str], part: str) -> bool:
    """Say whether a dataset has `docs`, `queries` or `qrels`, without downloading anything."""
    return bool(getattr(_dataset(_name(path)), f"has_{part}")())


def _name(path: str | os.PathLike[str]) -> str:
    return os.fspath(path).removeprefix(PREFIX)


def _home() -> Path:
    return Path(os.environ.get("IR_DATASETS_HOME") or "~/.ir_datasets").expanduser()


def _dataset(name: str) -> Any:
    version()
    import ir_datasets

    try:
        return ir_datasets.load(name)
    except KeyError:
        known = list(ir_datasets.registry)
        raise NotFoundError(f"irds: ir_datasets has no {name!r}; {near_misses(name, known)}") from None


def _load(path: Path, reading: Reading, part: str) -> tuple[str, Any]:
    reading.only("irds", "fields")
    name = _name(path)
    dataset = _dataset(name)
    if not has(name, part):
        raise NotFoundError(f"irds: {name} has no {part}; choose one of its parts, such as {name}/test")
    top = name.split("/")[0]
    if top not in _announced and not is_here(name):
        _announced.add(top)
        known: dict[str, Any] = getattr(dataset, "metadata", dict)()  # datasets that users register have none
        count = (known.get(part) or {}).get("count")
        size = f"{count:,} {part}" if count else part
        _log.warning(
            "irds: ir_datasets now downloads %s (%s) to %s; terms and size: https://ir-datasets.com/%s.html#%s",
            name, size, _home(), top, name,
        )  # fmt: skip
    return name, dataset


def _iterate(name: str, iterate: Any) -> Iterator[Any]:
    try:
        yield from iterate()
    except (IrkitError, GeneratorExit):
        raise
    except OSError as error:
        raise DownloadError(
            f"irds: {name} could not be fetched: {_line(error)}; see https://ir-datasets.com"
        ) from error
    except Exception as error:  # ir_datasets raises bare exceptions for files it wants placed by hand
        raise DataError(f"irds: {name} could not be read: {_line(error)}; see https://ir-datasets.com") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _text(item: Any, reading: Reading, name: str) -> str:
    if reading.fields is None:
        return str(item.default_text())
    missing = [field for field in reading.fields if field not in item._fields]
    if missing:
        raise NotFoundError(f"irds: {name} has no field {missing[0]!r}; {near_misses(missing[0], item._fields)}")
    return "\n".join(str(getattr(item, field)) for field in reading.fields)
