"""Numbered texts in the user's folder, so that a large set is read and numbered once.

A file is found by what it was made of: the digests of the files, how they are read, and the code that reads them.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from irkit.config import digest
from irkit.io.kinds import PARTS, DataSet, Ragged, Tokens
from irkit.io.texts import parts, sentences, tokens
from irkit.kept import found, keep
from irkit.locate import home
from irkit.locks import turn

LARGE = 1 << 22
"Bytes of files from which on they are kept."


def kept(
    name: str, fingerprint: str, reader: Callable[..., Any], make: Callable[[], DataSet[Tokens]]
) -> DataSet[Tokens]:
    """Return a data set as it was kept, or make it and keep it.

    Parameters
    ----------
    name : str
    fingerprint : str
        Of the files, and of how they are read.
    reader : function
        What reads them: where its module is changed, what was kept counts for nothing.
    make : function
    """
    module = sys.modules[getattr(reader, "func", reader).__module__]
    key = digest(name, fingerprint, *map(_code, (module, parts, sentences, tokens)))
    path = home() / "tokens" / f"{name.replace('/', '-')}-{key[:16]}.npz"
    data = found(path, _read)
    if data is None:
        with turn(path, f"numbers the words of {name}"):
            data = found(path, _read)
            if data is None:
                data = make()
                keep(path, _writer(data))
    return data


def _code(module: Any) -> str:
    try:
        return inspect.getsource(module)
    except OSError:
        return ""


def _writer(data: DataSet[Tokens]) -> Callable[[BinaryIO], None]:
    facts = {"name": data.name, "words": data.train.words, "details": dict(data.details)}
    arrays: dict[str, Any] = {"facts": np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)}
    for part in PARTS:
        one = data.part(part)
        arrays |= {f"{part}_terms": one.x.values.astype(np.int32), f"{part}_lengths": one.x.lengths}
        if one.labels is not None:
            arrays[f"{part}_labels"] = one.labels
    return lambda file: np.savez(file, **arrays)


def _read(path: Path) -> DataSet[Tokens]:
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(file["facts"].tobytes())
        words = tuple(facts["words"])
        read: list[Tokens] = []
        for part in PARTS:
            terms = Ragged(file[f"{part}_terms"].astype(np.int64), file[f"{part}_lengths"])
            labels = file.get(f"{part}_labels")
            read.append(Tokens(terms, len(words), labels=labels, words=words))
    return DataSet(facts["name"], read[0], read[1], read[2], facts["details"])
