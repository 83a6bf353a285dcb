"""Where a command writes a table to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def check_table(path: Path | None, *, who: str, inputs: tuple[Any, ...] = (), others: tuple[str, ...] = ()) -> None:
    """Refuse, before anything is measured, a file whose ending names no kind of table, or that cannot be written."""
    from irkit.errors import ConfigError
    from irkit.io.outputs import check_output
    from irkit.table.published import WRITERS

    if path is None:
        return
    if path.suffix not in (*WRITERS, *others):
        *most, last = (*WRITERS, *others)
        raise ConfigError(f"{who}: cannot tell what to write, got -o {path}; end it in {', '.join(most)} or {last}")
    check_output(path, who=who, option="-o", inputs=inputs)
