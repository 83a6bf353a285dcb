"""Checkpoints: one safetensors file that holds a tree of tensors and plain values, and never code.

The tensors are the file's tensors; everything else (numbers, strings, lists, dictionaries) is JSON
in the file's metadata, with a digest of it all. A file is written whole or not at all, and read
only if its format, its kind and its digest are right.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from irkit.atomic import write_bytes
from irkit.errors import ConfigError, DataError
from irkit.streams import on_disk, readable
from irkit.wording import no_file

VERSION = 1
"Of the format; a reader refuses others."

HEADER = 30_000_000
"Most bytes of plain values. A header of more than 100 MB cannot be read back, and JSON in JSON grows."

_SCALARS = (str, int, float, bool, type(None))


def save(path: str | os.PathLike[str], kind: str, tree: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically.

    Parameters
    ----------
    path : path of the file
    kind : str
        What it is, such as the model's name; `load` asks for it.
    tree : dict of tensors, numbers, strings, None, lists, tuples and dictionaries, nested

    Raises
    ------
    ConfigError
        If the tree holds anything else, or too many plain values.
    DataError
        If the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    plain = json.dumps(_flat(dict(tree), "", tensors))
    if len(plain) > HEADER:
        raise ConfigError(
            f"checkpoint: plain values may take {HEADER:,} bytes, got {len(plain):,}; keep them as tensors"
        )
    header = {"irkit": str(VERSION), "kind": kind, "tree": plain, "digest": _digest(kind, plain, tensors)}
    write_bytes(path, safetensors.torch.save(tensors, header))


def load(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Read a checkpoint back, its tensors on the CPU.

    Raises
    ------
    NotFoundError
        If there is no such file.
    DataError
        If it is damaged, or no irkit checkpoint, or of another version or kind.
    """
    header, tensors = _read(path)
    if header["kind"] != kind:
        raise DataError(f"{path}: holds a {header['kind']!r}, a {kind!r} is needed; give another file")
    damaged = DataError(f"{path}: its content does not match its digest; restore it or train again")
    if _digest(kind, header["tree"], tensors) != header["digest"]:
        raise damaged
    try:
        tree = _nested(json.loads(header["tree"]), tensors)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged from None
    if not isinstance(tree, dict):
        raise damaged
    return tree


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return what a checkpoint says it holds; its tensors are neither read nor verified.

    Raises
    ------
    NotFoundError, DataError
        As `load`.
    """
    return _read(path, whole=False)[0]["kind"]


def _read(path: str | os.PathLike[str], *, whole: bool = True) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the header and, if `whole`, the tensors of a file that irkit wrote."""
    if not readable(path):
        raise no_file(path, "checkpoint, the file of a saved model or run")
    try:
        place, _held = on_disk(path)
        with safe_open(os.fspath(place), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()} if whole else {}  # noqa: SIM118  (not a mapping)
            if sys.platform == "win32":  # where no file is replaced of which a part is mapped into memory
                tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: is not a readable checkpoint ({reason}); restore it or train again") from None
    if not {"irkit", "kind", "tree", "digest"} <= header.keys():
        raise DataError(f"{path}: was not written by irkit; give a file that a model's save or a run wrote")
    if header["irkit"] != str(VERSION):
        raise DataError(f"{path}: has format {header['irkit']}, this irkit reads {VERSION}; use the irkit it came from")
    return header, tensors


def _flat(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return a JSON-able copy of a tree, its tensors moved to `tensors`."""
    if isinstance(value, Tensor):
        # A clone: safetensors refuses tensors that share memory, as tied weights do.
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {"@tensor": name}
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("@") for key in value):
            return {key: _flat(item, f"{name}/{key}", tensors) for key, item in value.items()}
        return {"@dict": [[key, _flat(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_flat(item, f"{name}/{at}", tensors) for at, item in enumerate(value)]
        return items if isinstance(value, list) else {"@tuple": items}
    if isinstance(value, _SCALARS):
        return value
    raise ConfigError(f"checkpoint: cannot hold a {type(value).__name__} at {name or '/'}; turn it into plain values")


def _nested(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Undo `_flat`."""
    if isinstance(value, list):
        return [_nested(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "@tensor" in value:
        return tensors[value["@tensor"]]
    if "@tuple" in value:
        return tuple(_nested(item, tensors) for item in value["@tuple"])
    if "@dict" in value:
        return {key: _nested(item, tensors) for key, item in value["@dict"]}
    return {key: _nested(item, tensors) for key, item in value.items()}


def _digest(kind: str, plain: str, tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.blake2b(f"{VERSION}\n{kind}\n{plain}\n".encode(), digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
