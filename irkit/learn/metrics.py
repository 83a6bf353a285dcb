"""The learning curve as a file: one JSON row for each number of each evaluation."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from irkit.atomic import write_bytes
from irkit.errors import DataError

METRICS = "metrics.jsonl"
"Its name in a run's folder."


class MetricsLog:
    """Rows kept in memory and, if there is a folder, appended to its `metrics.jsonl`.

    Parameters
    ----------
    folder : path, optional
    after : int
        Step of the last evaluation of a run that is resumed. Rows of later steps are dropped: they will
        be written again.

    Raises
    ------
    DataError
        If the rows of a run that is resumed are not there, or the file cannot be written.
    """

    def __init__(self, folder: Path | None, *, after: int | None = None) -> None:
        self.path = folder / METRICS if folder else None
        self.rows: list[dict[str, Any]] = []
        self._new: list[dict[str, Any]] = []
        if self.path is None:
            return
        if after is not None and self.path.is_file():
            self.rows = [row for row in read_metrics(self.path) if row["step"] <= after]
        if after and after not in {row["step"] for row in self.rows}:
            raise DataError(f"{self.path}: lacks the evaluation of step {after}; restore the file, or start anew")
        write_bytes(self.path, b"".join(map(_line, self.rows)))

    def add(self, **row: Any) -> None:
        """Keep a row until `flush`."""
        self.rows.append(row)
        self._new.append(row)

    def flush(self) -> None:
        """Append the new rows to the file; they are on disk before the checkpoint that counts on them.

        Raises
        ------
        DataError
            If the system refuses to write.
        """
        if self.path is not None:
            try:
                with self.path.open("ab") as file:
                    file.write(b"".join(map(_line, self._new)))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                reason = error.strerror or error
                raise DataError(f"{self.path}: cannot write: {reason}; check free space and permissions") from error
        self._new = []


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read a metrics file; a last line that is no row, as a kill leaves it, is left out.

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
            if number == len(lines) - 1:
                break
            raise DataError(f"{path}:{number}: is not a row of metrics; restore the file, or start anew") from None
        rows.append(row)
    return rows


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n"
