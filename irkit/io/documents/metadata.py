"""What a run file may say of how it was made: the header of ir_metadata, YAML in comment lines above the results.

Source: Breuer, Keller and Schaer, "ir_metadata: An Extensible Metadata Schema for IR Experiments", SIGIR 2022. Its
parts are `platform`, `implementation`, `resources`, `research goal`, `method` and `data`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from irkit.io.lines import LONGEST_ROW, bad, raw_lines

START, END = b"# ir_metadata.start", b"# ir_metadata.end"


def written(metadata: Mapping[str, Any]) -> bytes:
    """Write the header of a run file; the same metadata give the same bytes."""
    text = yaml.safe_dump({"schema version": 0.2, **metadata}, sort_keys=False, allow_unicode=True, width=100)
    lines = [START, *(b"# " + line.encode() for line in text.splitlines()), END]
    return b"\n".join(lines) + b"\n"


def header_lines(path: Path, start: bytes) -> int:
    """Return how many lines of a run file, which begins with the bytes `start`, are such a header; mostly none.

    Raises
    ------
    DataError
        If the header does not end.
    """
    if start.split(b"\n", 1)[0].rstrip() != START:
        return 0
    line = 1
    for line, raw in raw_lines(path, LONGEST_ROW):
        if raw.rstrip() == END:
            return line
    raise bad(path, line, "the metadata above the run have no end", f"end them by the line {END.decode()!r}")
