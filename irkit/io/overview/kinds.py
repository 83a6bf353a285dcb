"""What is seen of what models learn from: rows, pictures, sequences, texts, pools and word vectors."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from irkit.errors import DataError, IrkitError
from irkit.io.kinds import PARTS
from irkit.io.library.catalogue import load_parts, load_pools
from irkit.io.lines import head, raw_lines
from irkit.io.overview.recognise import Found
from irkit.io.overview.seen import FIRST, Overview, lengths_said
from irkit.io.rows.readers import READERS
from irkit.table import counted

SHOWN = 8
"Values of a row that are shown."


def learnable(path: Path, one: Found) -> Overview:
    """Read data of a kind that models learn from; errors are those of its readers."""
    if one.what == "word vectors":
        return _vectors(path)
    place = Path(os.path.abspath(path))
    if one.what == "pools":
        return _pools(load_pools(place))
    found: Any = load_parts(place)
    kind = found.card.kind
    see = {"tokens": _texts, "rows": _rows, "pictures": _rows}.get(kind, _sequences)
    out = see(kind, READERS[kind].load(found.card.read.format)(*found.paths()))
    try:
        out.counts, out.shape = found.holds(), found.shape()
    except IrkitError as error:  # too few to be parted
        out.notes.append(str(error).partition(": ")[2])
    return out


def _texts(kind: str, parts: Any) -> Overview:
    """Count texts and labels, part by part, before they are parted or numbered."""
    texts = [text for part in parts.values() for text in part.texts]
    out = Overview(kind=kind, counts={part: len(parts[part].texts) for part in PARTS if part in parts})
    if len(parts) == 1:
        out.counts = {"texts": len(texts)}
    out.facts["length"] = lengths_said([len(text.split()) for text in texts], "words a text")
    labels = Counter(label for part in parts.values() for label in part.labels or ())
    if labels:
        out.facts["labels"] = ", ".join(f"{name or 'none'}: {many:,}" for name, many in sorted(labels.items())[:12])
    out.columns, out.first = ["text"], [[text] for text in texts[:FIRST]]
    if same := len(texts) - len(set(texts)):
        out.notes.append(f"{counted(same, 'text')} that came before, in this part or another")
    if len(parts) == 1:
        out.notes.append("the files make no parts: a tenth becomes the validation part, a tenth the test part")
    return out


def _rows(kind: str, read: Any) -> Overview:
    names = PARTS if len(read.parts) == len(PARTS) else (kind,)
    out = Overview(kind=kind, counts={name: len(part) for name, part in zip(names, read.parts, strict=True)})
    values = read.parts[0]
    shape = read.shape[1:] if read.shape[0] == 1 else read.shape
    least, greatest = (min(float(one.min()) for one in read.parts), max(float(one.max()) for one in read.parts))
    out.shape = shape
    out.facts = {
        "values": "0 and 1" if read.bits else f"{least:g} to {greatest:g}, mean {float(values.mean()):.3g}",
    }
    labels = Counter(int(label) for part in read.labels for label in part if label >= 0)
    if labels:
        out.facts["labels"] = ", ".join(f"{name}: {many:,}" for name, many in sorted(labels.items())[:12])
    wide = min(values.shape[1], SHOWN)
    out.columns = [*map(str, range(1, wide + 1)), *(["..."] if values.shape[1] > wide else [])]
    out.first = [[*(f"{value:g}" for value in row[:wide]), *out.columns[wide:]] for row in values[:FIRST]]
    if same := len(values) - len(np.unique(values, axis=0)):
        out.notes.append(f"{counted(same, 'training row')} that came before")
    if len(read.parts) == 1:
        out.notes.append("the files make no parts: a tenth becomes the validation part, a tenth the test part")
    return out


def _sequences(kind: str, read: Any) -> Overview:
    out = Overview(kind=kind, counts={name: len(part) for name, part in zip(PARTS, read, strict=True)})
    steps = [len(one) for part in read for one in part]
    out.facts = {"length": lengths_said(steps, "steps"), "values": f"{read[0][0].shape[1]} a step"}
    return out


def _pools(found: Any) -> Overview:
    """Count pools; the first candidates are those of the first part of the first fold."""
    holds, shape = found.holds(), found.shape()
    out = Overview(kind="pools", counts=dict(holds))
    out.shape = shape
    pool = found.pool(next(iter(found.parts())))
    each = pool.qrels.groupby("qid", sort=False).size().to_numpy()
    out.facts["a query"] = lengths_said(each, "candidates")
    labels = pool.qrels["label"].value_counts().sort_index()
    out.facts["labels"] = ", ".join(f"{label}: {many:,}" for label, many in labels.items())
    out.columns = ["qid", "docno", "label"]
    out.first = [list(map(str, row)) for row in pool.qrels.head(FIRST).itertuples(index=False, name=None)]
    right = pool.qrels.groupby("qid", sort=False)["label"].agg(["min", "max"])
    if none := int((right["max"] <= 0).sum()):
        out.notes.append(f"{counted(none, 'query')} without a relevant candidate")
    if every := int((right["min"] > 0).sum()):
        out.notes.append(f"{counted(every, 'query')} whose candidates are all relevant")
    return out


def _vectors(path: Path) -> Overview:
    """Count the words of a file of vectors: what its first line says, or its lines."""
    first = head(path, 1 << 16).split(b"\n", 1)[0].split()
    counted = len(first) == 2 and all(cell.isdigit() for cell in first)
    out = Overview(kind="word vectors", columns=["word", *map(str, range(1, SHOWN + 1)), "..."])
    if counted:
        out.counts = {"words": int(first[0])}
        size = int(first[1])
    else:
        size = len(first) - 1
    lines = 0
    if counted and _is_binary(path):
        out.columns, lines = [], int(first[0]) + 1
    else:
        for number, raw in raw_lines(path):
            lines = number
            if number <= FIRST + counted and not (counted and number == 1):
                cells = raw.decode("utf-8", "replace").rsplit(None, size)
                out.first.append([*cells[: SHOWN + 1], *(["..."] if size > SHOWN else [])])
        out.columns = out.columns[: min(size, SHOWN) + 1 + (size > SHOWN)]
    out.counts.setdefault("words", lines)
    if lines - counted != out.counts["words"]:
        raise DataError(
            f"{path}: the first line says {out.counts['words']:,} words, and there are {lines - counted:,}; "
            "fetch the file again"
        )
    out.facts["width"] = f"{size} numbers a word"
    return out


def _is_binary(path: Path) -> bool:
    return b"\0" in head(path, 1 << 16)
