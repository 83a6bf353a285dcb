"""What is said beside results: Python's logging of `irkit`, each record one line on standard error.

ERROR and above              always
WARNING: notes, warnings     unless --quiet
INFO of irkit.progress       unless --quiet (`irkit.progress`)
other INFO, DEBUG            with --verbose, after the seconds since the command began
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import traceback
import warnings
from collections.abc import Iterator

from irkit.progress import LOG as PROGRESS
from irkit.screen import visible

QUIET, VERBOSE = "--quiet", "--verbose"


def one_line(text: str) -> str:
    """Return a message on one line that no terminal obeys."""
    return visible(" ".join(text.split()))


@contextlib.contextmanager
def logged(options: set[str]) -> Iterator[None]:
    """Print what irkit logs and warns of while a command runs, as much as `--quiet` and `--verbose` say."""
    log, handler = logging.getLogger("irkit"), _Lines()
    before = log.level, PROGRESS.level
    log.setLevel(logging.ERROR if QUIET in options else logging.DEBUG if VERBOSE in options else logging.WARNING)
    PROGRESS.setLevel(logging.ERROR if QUIET in options else logging.INFO)
    log.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            yield
        log.debug("done")
    finally:
        log.removeHandler(handler)
        log.setLevel(before[0])
        PROGRESS.setLevel(before[1])


class _Lines(logging.Handler):
    """Prints a record as errors are printed."""

    def __init__(self) -> None:
        super().__init__()
        self.start = time.perf_counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line, and below it the trace of a defect that was caught, as a service catches them."""
        plain = record.levelno >= logging.WARNING or record.name == PROGRESS.name
        since = "" if plain else f"{time.perf_counter() - self.start:.2f} s: "
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        line = f"irkit: {since}{one_line(record.getMessage())}\n"
        sys.stderr.write(line + visible(trace, lines=True))  # in one piece


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    logging.getLogger("irkit").warning("warning: %s", message)
