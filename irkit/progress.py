"""Progress: what runs, how much of it is done, how long it took and how long the rest may take.

On a terminal it is a bar; elsewhere, as in the log of a job, a line a minute through the logger
`irkit.progress`, at INFO. Nothing is said where the logger `irkit` is set above WARNING, as `irkit --quiet` does.
"""

from __future__ import annotations

import logging
import shutil
import sys
import time
from types import TracebackType
from typing import Any, Protocol

LOG = logging.getLogger("irkit.progress")

EVERY = 60.0
"Seconds between two lines."


class Progress(Protocol):
    """What work tells its progress to; the part of tqdm's bar that is used."""

    def __enter__(self) -> Progress: ...
    def __exit__(self, *_: Any) -> Any: ...

    def update(self, n: float = 1) -> Any:
        """Say that `n` more are done."""

    def set_description_str(self, desc: str) -> Any:
        """Name what runs now."""

    def set_postfix_str(self, s: str) -> Any:
        """Say how it stands, such as a loss."""


def progress(total: int | None, what: str, unit: str, *, shown: bool = True, **options: Any) -> Any:
    """Return what to tell the progress of some work to.

    Parameters
    ----------
    total : int, optional
        How much there is to do, if that is known.
    what : str
        What runs, such as `indexing`.
    unit : str
        What is counted, such as ` documents`, with the blank that parts it from the number.
    shown : bool
        Without it nothing is said.
    options
        Of the bar on a terminal, as tqdm takes them: `initial`, `unit_scale`, `unit_divisor`.
    """
    silent = not shown or logging.getLogger("irkit").level > logging.WARNING
    if silent or sys.stderr.isatty():
        from tqdm import tqdm

        wide = {"dynamic_ncols": True} if shutil.get_terminal_size((0, 0)).columns else {"ncols": 80}  # none is told
        return tqdm(total=total, desc=what, unit=unit, disable=silent, **wide, **options)
    return Lines(total, what, unit, done=options.get("initial", 0))


class Lines:
    """Progress as a line a minute; work of less than a minute says nothing."""

    def __init__(self, total: int | None, what: str, unit: str, done: float = 0) -> None:
        self.total, self.what, self.unit, self.done = total, what, unit.strip(), done
        self.initial, self.state = done, ""
        self.start = self.last = time.monotonic()

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def update(self, n: float = 1) -> None:
        """Count, and write a line where the last one is a minute old."""
        self.done += n
        now = time.monotonic()
        if now - self.last >= EVERY:
            self.last = now
            counts = self.done, self.total, self.unit
            LOG.info("%s", line(self.what, *counts, now - self.start, self.initial, self.state))

    def set_description_str(self, desc: str) -> None:
        """Name what runs now."""
        self.what = desc
        self.update(0)

    def set_postfix_str(self, s: str) -> None:
        """Say how it stands."""
        self.state = s


def line(
    what: str, done: float, total: float | None, unit: str, seconds: float, initial: float = 0, state: str = ""
) -> str:
    """Write one line of progress.

    Parameters
    ----------
    what, unit : str
    done, total : float
        How much is done, of how much if that is known.
    seconds : float
        Since the start.
    initial : float
        What was done before the start: it took none of these seconds.
    state : str
        How it stands.

    Examples
    --------
    >>> line("training", 250, 1000, "steps", 120.0, state="loss 0.31")
    'training: 250 of 1,000 steps, 2 min, 6 min left, loss 0.31'
    >>> line("indexing", 120000, None, "documents", 60.0)
    'indexing: 120,000 documents, 1 min'
    """
    count = f"{done:,.0f} {unit}" if total is None else f"{done:,.0f} of {total:,.0f} {unit}"
    parts = [count, span(seconds)]
    if total is not None and initial < done < total:
        parts.append(f"{span(seconds * (total - done) / (done - initial))} left")
    return f"{what}: " + ", ".join([*parts, *[state] * bool(state)])


def span(seconds: float) -> str:
    """Write a time in words.

    Examples
    --------
    >>> span(8.2), span(150), span(7300)
    ('8 s', '2 min', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
