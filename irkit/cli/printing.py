"""What the commands print: text that no terminal obeys, and nothing beside an output that goes to standard output."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from irkit.screen import json_line, visible
from irkit.streams import to_stdout
from irkit.table import counted as counted


def say(text: object = "", *, beside: Path | None = None) -> None:
    """Print text for people; beside an output on standard output it is on standard error, and not with --quiet."""
    if to_stdout(beside) and logging.getLogger("irkit").level > logging.WARNING:
        return
    print(visible(str(text), lines=True), file=sys.stderr if to_stdout(beside) else sys.stdout)


def note(text: str) -> None:
    """Say on standard error what is good to know beside a result; not with --quiet."""
    logging.getLogger(__name__).warning("%s", text)


def say_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    encoding = (sys.stdout.encoding or "utf-8").lower().replace("-", "")
    print(json_line(value, ascii_only=encoding != "utf8"))
