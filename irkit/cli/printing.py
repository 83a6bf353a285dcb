"""What the commands print: text that no terminal obeys, and nothing beside an output that goes to standard output."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from irkit.screen import json_line, visible
from irkit.streams import to_stdout


def say(text: object = "", *, beside: Path | None = None) -> None:
    """Print text for people; on standard error where the output `beside` it goes to standard output."""
    print(visible(str(text), lines=True), file=sys.stderr if to_stdout(beside) else sys.stdout)


def note(text: str) -> None:
    """Say on standard error what is good to know beside a result; not with --quiet."""
    logging.getLogger(__name__).warning("%s", text)


def say_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    encoding = (sys.stdout.encoding or "utf-8").lower().replace("-", "")
    print(json_line(value, ascii_only=encoding != "utf8"))


def counted(number: int, noun: str) -> str:
    """Say how many of something there are.

    Examples
    --------
    >>> counted(1, "document"), counted(1400, "document"), counted(2, "query")
    ('1 document', '1,400 documents', '2 queries')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
