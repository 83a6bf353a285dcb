"""Texts of one's own: folders and archives of text files, tables, and files of a text a line.

    my/                         my/<label>/*.txt, or my/{train,valid,test}/<label>/*.txt, or without labels;
    my.tar.gz, my.zip           the same in an archive, which is read in place
    my.csv, my.tsv, my.jsonl    a column, or key, `text`, and `label` where there are classes; or a folder of
                                train.csv, valid.csv and test.csv
    my.txt                      a text a line, blank ones left out; or a folder of train.txt and so on

Of the three parts all but training may be absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from irkit.errors import DataError
from irkit.io.archives import matching
from irkit.io.documents.tabular import Table, column_names, named_rows
from irkit.io.kinds import PARTS
from irkit.io.lines import bad, content, decoded, lines
from irkit.io.reading import column, listed
from irkit.io.texts.parts import Texts
from irkit.locate import files_below, in_order
from irkit.packing import copies
from irkit.wording import shown

PARTED = ("txt", "csv", "tsv", "jsonl")
"What files of a part are called behind the part's name."
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
TEXT = ("text", "contents", "body", "passage")
"Columns that may hold the texts."
LABEL = ("label", "class", "category")
"Columns that may hold the labels."

NEARLY = ("training", "validation", "val", "dev", "testing")
"What a part may be called elsewhere: never passed over in silence."

_ANY = re.compile(r".*\.txt")
_PLACE = re.compile(rf"(?:({'|'.join(PARTS)})/)?(?:([^/]+)/)?([^/]+\.txt)")


def plain(*paths: Path) -> dict[str, Texts]:
    """Read files of a text a line, one a part or one that is still to be parted; or a folder of such."""
    return {part: Texts([text for _, text in lines(path) if text.strip()]) for part, path in _each(paths, "txt")}


def folder(path: Path) -> dict[str, Texts]:
    """Read the .txt files of a folder or an archive, in the order of their names.

    Raises
    ------
    DataError
        If there are none, one is there twice, some have a label and others of the part not, or some lie in parts and
        others not.
    """
    found: dict[str, list[tuple[str, str, str]]] = {}
    seen: set[str] = set()
    for name, raw in _files(path):
        if name in seen:
            raise DataError(f"{path}: {name} is in it twice, as where an archive was added to; pack it anew")
        seen.add(name)
        match = _PLACE.fullmatch(name)
        if match is None:
            raise DataError(f"{path}: {name} lies too deep; a text is <label>/<name>.txt, below its part if any")
        part, label, _ = match.groups()
        if label in PARTS:
            part, label = label, None
        text = decoded(raw, "utf-8", path / name, 1)
        found.setdefault(part or "", []).append((label or "", name, text))
    if not found:
        raise DataError(f"{path}: holds no .txt file; name a folder that does")
    if "" in found and len(found) > 1:
        raise DataError(
            f"{path}: {found[''][0][1]} lies in no part, and others in {listed(sorted(found.keys() - {''}))}; "
            "move it into one"
        )
    if not found.keys() & {"", "train"}:
        raise DataError(f"{path}: has no training text, only {listed(found)}; put some into train/")
    return {part or "train": _of_files(path, sorted(texts)) for part, texts in found.items()}


def table(*paths: Path, kind: Table) -> dict[str, Texts]:
    """Read tables of texts, one a part or one that is still to be parted; or a folder of such."""
    return {part: _table(path, kind) for part, path in _each(paths, kind)}


csv, tsv, json_lines = (partial(table, kind=kind) for kind in ("csv", "tsv", "jsonl"))


def has_texts(path: Path, kind: Table) -> bool:
    """Say whether a table has a column of texts; one that cannot be read has none."""
    return column(dict.fromkeys(column_names(path, kind)), TEXT) is not None


def _each(paths: tuple[Path, ...], suffix: str) -> list[tuple[str, Path]]:
    """Return the file of each part that there is."""
    if len(paths) == len(PARTS):
        return list(zip(PARTS, paths, strict=True))
    (path,) = paths
    if not path.is_dir():
        return [("train", path)]
    found = [(part, one) for part in PARTS for one in copies(path / f"{part}.{suffix}") if one.is_file()]
    if not found or found[0][0] != "train":
        raise DataError(f"{path}: there is no train.{suffix} in it; call the training texts so")
    for one in sorted(path.iterdir()):
        name, _, rest = one.name.lower().partition(".")
        if name in (*PARTS, *NEARLY) and rest.split(".")[0] in PARTED and one not in {place for _, place in found}:
            called = ", ".join(f"{part}.{suffix}" for part in PARTS)
            raise DataError(f"{path}: {one.name} would not be read; call the parts {called}, or take it out")
    return found


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    if not path.is_dir():
        packed = [(match[0].removeprefix("./").split("/"), raw) for match, raw in matching(path, _ANY)]
        packed = [one for one in packed if not _left_behind(one[0])]
        while (
            packed and len({names[0] for names, _ in packed}) == 1 and packed[0][0][0] not in (*PARTS, packed[0][0][-1])
        ):
            packed = [(names[1:], raw) for names, raw in packed]  # a folder that holds all of them
        yield from (("/".join(names), raw) for names, raw in packed)
        return
    for one in in_order(one for one in files_below(path) if one.name.endswith(".txt")):
        name = one.relative_to(path)
        if not _left_behind(name.parts):
            yield name.as_posix(), content(one)


def _left_behind(names: Sequence[str]) -> bool:
    """Say whether a program hid the file there."""
    return any(one.startswith((".", "__MACOSX")) for one in names)


def _of_files(path: Path, texts: list[tuple[str, str, str]]) -> Texts:
    labels = [label for label, _, _ in texts]
    if not any(labels):
        return Texts([text for *_, text in texts])
    bare_one = next((name for label, name, _ in texts if not label), None)
    if bare_one is not None:
        raise DataError(f"{path}: {bare_one} has no label, and others have; put it into the folder of one")
    return Texts([text for *_, text in texts], labels)


def _table(path: Path, kind: Table) -> Texts:
    texts: list[str] = []
    labels: list[str] = []
    label: str | None = None
    for line, row in named_rows(path, kind):
        name = column(row, TEXT)
        if name is None:
            raise bad(path, line, f"a column of texts is needed ({', '.join(TEXT)}), got {listed(row)}", "name one so")
        text, label = row[name], column(row, LABEL)
        if not isinstance(text, str):
            raise bad(path, line, f"the {name} must be a string, got {shown(text)}", "correct the line")
        texts.append(text)
        if label is not None:
            labels.append(_label(row[label], path, line))
        if len(labels) not in (0, len(texts)):
            raise bad(
                path, line, "some texts have a label and others have not", "leave it empty, or null, where unknown"
            )
    return Texts(texts, labels or None)


def _label(value: Any, path: Path, line: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str) or type(value) is int:
        return str(value).strip()
    raise bad(path, line, f"a label is a name or a whole number, got {shown(value)}", "correct the line")
