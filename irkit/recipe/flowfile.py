"""Flows as files and as digests: queries frames and hits, exact to the last bit.

A file holds an Arrow stream with the queries, for hits a second one with the hits, and then the
BLAKE2b checksum of all that. What would not come back exactly (columns of arbitrary objects) is
refused with `Unwritable`; the caller then does without a cache.

Symbols: n queries, m hits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from irkit.arrays import offsets
from irkit.columns import arrow_strings, frame_strings
from irkit.hits import Docnos, Hits
from irkit.pipeline.stage import Flow

_CHECKSUM = 16  # bytes
_ARROW_FAILURES = (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeError)


class Unwritable(Exception):
    """A flow holds values that a file would not give back exactly."""


class Damaged(Exception):
    """A file is not what was written."""


@dataclass(frozen=True)
class _Column:
    """A column as it is written, and what it takes to read it back."""

    about: dict[str, Any]
    values: Any
    "(rows,) numbers or Arrow strings; (rows, F) numbers."

    def arrow(self) -> pa.Array:
        if isinstance(self.values, pa.Array):
            return self.values
        if self.values.ndim == 1:
            return pa.array(self.values, from_pandas=False)
        rows, width = self.values.shape
        if width == 0:
            return pa.nulls(rows)
        return pa.FixedSizeListArray.from_arrays(pa.array(self.values.ravel(), from_pandas=False), width)

    def update(self, total: Any) -> None:
        """Hash the values, not how Arrow happens to lay them out."""
        total.update(json.dumps([self.about, len(self.values)]).encode())
        if not isinstance(self.values, pa.Array):
            total.update(np.ascontiguousarray(self.values).tobytes())
            return
        strings = arrow_strings(self.values)
        total.update(np.packbits(strings.is_null().to_numpy(zero_copy_only=False)).tobytes())
        _, ends, text = strings.buffers()
        if len(strings):
            places = np.frombuffer(ends, dtype=np.int64)[strings.offset : strings.offset + len(strings) + 1]
            total.update((places - places[0]).tobytes())
            total.update(memoryview(text)[places[0] : places[-1]] if text is not None else b"")


def flow_bytes(flow: Flow) -> bytes:
    """Write a flow down.

    Raises
    ------
    Unwritable
        If a column would not come back exactly.
    """
    sink = pa.BufferOutputStream()
    for about, columns in _tables(flow):
        metadata = {"irkit": json.dumps({**about, "columns": [column.about for column in columns]})}
        try:
            arrays = [column.arrow() for column in columns]
        except _ARROW_FAILURES as error:
            raise Unwritable(str(error)) from None
        names = [str(column.about["name"]) for column in columns]
        table = pa.Table.from_arrays(arrays, names=names).replace_schema_metadata(metadata)
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content + blake2b(content, digest_size=_CHECKSUM).digest()


def read_flow(content: bytes) -> Flow:
    """Read what `flow_bytes` wrote; the arrays are fresh and may be written to.

    Raises
    ------
    Damaged
        If a byte is missing or different.
    """
    body, checksum = content[:-_CHECKSUM], content[-_CHECKSUM:]
    if blake2b(body, digest_size=_CHECKSUM).digest() != checksum:
        raise Damaged("the checksum is wrong")
    source = pa.BufferReader(body)
    about, columns = _read_table(source)
    queries = _frame(about, columns[: len(columns) - about["hits"]])
    if not about["hits"]:
        return queries
    hits_about, (docno, score, *further) = _read_table(source)
    names = docno[1].dictionary_encode()
    doc = names.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    kept = {about["name"]: _values(about, values) for about, values in further}
    return Hits(queries, offsets(columns[-1][1]), doc, score[1], Docnos(names.dictionary), hits_about["ties"], kept)


def flow_digest(flow: Flow) -> str:
    """Hash the content of a flow: equal for equal frames and hits, whatever table their docnos lie in.

    Raises
    ------
    Unwritable
        If a column cannot be hashed exactly.
    """
    total = blake2b(digest_size=_CHECKSUM)
    for about, columns in _tables(flow):
        total.update(json.dumps([about, len(columns)]).encode())
        for column in columns:
            column.update(total)
    return total.hexdigest()


# ---------------------------------------------------------------------- writing


def _tables(flow: Flow) -> list[tuple[dict[str, Any], list[_Column]]]:
    """Lay a flow out as one or two tables of columns."""
    if not isinstance(flow, Hits):
        return [_frame_columns(flow)]
    about, columns = _frame_columns(flow.queries)
    counts = _Column({"name": "hits", "kind": "plain"}, np.diff(flow.ptr).astype(np.int64))
    hits = [
        _Column({"name": "docno", "kind": "arrow"}, flow.docnos.take(flow.doc)),
        _Column({"name": "score", "kind": "plain"}, np.asarray(flow.score, dtype=np.float64)),
        *(_column(name, values) for name, values in flow.columns.items()),
    ]
    return [({**about, "hits": True}, [*columns, counts]), ({"ties": flow.ties}, hits)]


def _frame_columns(frame: pd.DataFrame) -> tuple[dict[str, Any], list[_Column]]:
    labels = list(frame.columns)
    if not all(isinstance(label, str) for label in labels) or len(set(labels)) < len(labels):
        raise Unwritable("column names are not distinct strings")
    columns = [_column(label, frame[label]) for label in labels]
    plain = frame.index.name is None and frame.index.equals(pd.RangeIndex(len(frame)))
    if not plain:
        if isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None:
            raise Unwritable("the index has names")
        columns.append(_column("index", frame.index.to_series()))
    return {"hits": False, "index": not plain}, columns


def _column(name: str, values: Any) -> _Column:
    """Lay one column out; its kind says how it comes back."""
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            raise Unwritable(f"column {name!r} is an Arrow column of {values.type}")
        return _Column({"name": name, "kind": "arrow"}, arrow_strings(values))
    dtype = values.dtype
    if isinstance(dtype, pd.StringDtype):
        missing = "NA" if dtype.na_value is pd.NA else "nan"
        about = {"name": name, "kind": "str", "storage": dtype.storage, "missing": missing}
        return _Column(about, _strings(name, values))
    if not isinstance(dtype, np.dtype):
        raise Unwritable(f"column {name!r} is of type {dtype}")
    array = np.asarray(values)
    if dtype.kind in "biuf":
        return _Column({"name": name, "kind": "plain", "dtype": dtype.str, "width": array.shape[1:]}, array)
    if array.ndim != 1:
        raise Unwritable(f"column {name!r} has {array.ndim} dimensions")
    if dtype.kind in "mM":
        return _Column({"name": name, "kind": "time", "dtype": dtype.str}, array.view(np.int64))
    if dtype.kind == "U":
        return _Column({"name": name, "kind": "unicode", "dtype": dtype.str}, _strings(name, array.tolist()))
    if dtype.kind != "O":
        raise Unwritable(f"column {name!r} is of type {dtype}")
    items = array.tolist()
    if all(item is None or type(item) is str for item in items):
        return _Column({"name": name, "kind": "text"}, _strings(name, items))
    if not all(map(_jsonable, items)):
        raise Unwritable(f"column {name!r} holds objects")
    # JSON writes the shortest text that reads back as the same float, and keeps the order of keys.
    return _Column({"name": name, "kind": "json"}, arrow_strings([json.dumps(item) for item in items]))


def _strings(name: str, values: Any) -> pa.LargeStringArray:
    try:
        return arrow_strings(values)
    except _ARROW_FAILURES as error:  # half of a surrogate pair
        raise Unwritable(f"column {name!r}: {error}") from None


def _jsonable(value: Any) -> bool:
    """Return whether JSON gives the value back; numpy's float64 comes back as the equal float."""
    if value is None or isinstance(value, np.float64) or type(value) in (str, int, float, bool):
        return True
    if type(value) is dict:
        return all(type(key) is str for key in value) and all(map(_jsonable, value.values()))
    return type(value) is list and all(map(_jsonable, value))


# ---------------------------------------------------------------------- reading


def _read_table(source: Any) -> tuple[dict[str, Any], list[tuple[dict[str, Any], Any]]]:
    """Read one stream: what it says about itself, and its columns as Arrow strings or fresh numpy arrays."""
    table = pa.ipc.open_stream(source).read_all()
    about = json.loads(table.schema.metadata[b"irkit"])
    columns = []
    for column, chunks in zip(about["columns"], table.columns, strict=True):
        array = pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], type=chunks.type)
        columns.append((column, _raw(column, array)))
    return about, columns


def _raw(about: dict[str, Any], array: pa.Array) -> Any:
    if pa.types.is_large_string(array.type):
        return array
    width = about.get("width")
    if not width:
        return np.array(array.to_numpy(zero_copy_only=False))
    flat = array.flatten().to_numpy(zero_copy_only=False) if width[0] else np.zeros(0, dtype=about["dtype"])
    return np.array(flat).reshape(len(array), *width)


def _frame(about: dict[str, Any], columns: Sequence[tuple[dict[str, Any], Any]]) -> pd.DataFrame:
    values = [_values(column, raw) for column, raw in columns]
    index = None
    if about["index"]:
        last = values.pop()
        index = pd.Index(last, dtype=getattr(last, "dtype", None))
    names = [column["name"] for column, _ in columns]
    data = {
        name: pd.Series(value, index=index, dtype=getattr(value, "dtype", None))
        for name, value in zip(names, values, strict=False)
    }
    length = len(columns[0][1]) if columns else 0
    return pd.DataFrame(data, index=index if index is not None else pd.RangeIndex(length))


def _values(about: dict[str, Any], raw: Any) -> Any:
    """Turn what was read back into the column it was."""
    kind = about["kind"]
    if kind == "str":
        if about["storage"] == "pyarrow" and about["missing"] == "nan":
            return frame_strings(raw)
        dtype = pd.StringDtype(about["storage"], na_value=pd.NA if about["missing"] == "NA" else np.nan)
        return pd.array(raw.to_pylist(), dtype=dtype)
    if kind == "time":
        return raw.view(about["dtype"])
    if kind == "unicode":
        return np.array(raw.to_pylist(), dtype=about["dtype"])
    if kind in {"text", "json"}:
        out = np.empty(len(raw), dtype=object)
        out[:] = raw.to_pylist() if kind == "text" else [json.loads(text) for text in raw.to_pylist()]
        return out
    return raw
