"""The learning curve as a file: one JSON row for each number of each evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from irkit.errors import DataError
from irkit.io.atomic import write_bytes


class MetricsLog:
    """Rows kept in memory and, if there is a folder, appended to its `metrics.jsonl`.

    Parameters
    ----------
    folder : path, optional
    after : int
        Rows of later steps are dropped when a run is resumed: they will be written again.
    """

    def __init__(self, folder: Path | None, *, after: int | None = None) -> None:
        self.path = folder / "metrics.jsonl" if folder else None
        self.rows: list[dict[str, Any]] = []
        if self.path is None:
            return
        if after is not None and self.path.is_file():
            self.rows = [row for row in read_metrics(self.path) if row["step"] <= after]
        write_bytes(self.path, b"".join(map(_line, self.rows)))

    def add(self, **row: Any) -> None:
        """Append a row; on disk at once."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("ab") as file:
                file.write(_line(row))


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read a metrics file; a last line cut short by a kill is left out.

    Raises
    ------
    DataError
        If any other line is not a row.
    """
    lines = path.read_bytes().split(b"\n")
    rows = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            row = json.loads(line)
            row["step"]
        except (ValueError, KeyError, TypeError):
            raise DataError(f"{path}:{number}: is not a row of metrics; delete the file or start anew") from None
        rows.append(row)
    return rows


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"
