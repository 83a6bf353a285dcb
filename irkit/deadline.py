"""How long work may take: a deadline that the thread which does it hears wherever work can be ended.

Calls of Java and the steps of a pipeline look at it. What computes in one piece, such as a product of matrices,
ends by itself: whoever set the deadline counts that thread until then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from irkit.errors import DeadlineError


class Deadline:
    """A moment by which work must be done; it can be brought forward to now from any thread.

    Parameters
    ----------
    seconds : float
        From now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ends = time.monotonic() + seconds
        self._stopped = False

    @property
    def left(self) -> float:
        """Seconds left, 0 or less if it has passed."""
        return 0.0 if self._stopped else self.ends - time.monotonic()

    def stop(self) -> None:
        """Let it pass now: nobody waits for the work any more."""
        self._stopped = True

    def check(self) -> None:
        """Raise `DeadlineError` if it has passed."""
        if self.left <= 0:
            raise DeadlineError(f"deadline: was not done within {self.seconds:g} s; ask for less, or give it longer")


_here: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(deadline: Deadline) -> Iterator[None]:
    """Hold the work of this thread, or of this task, to a deadline."""
    before = _here.set(deadline)
    try:
        yield
    finally:
        _here.reset(before)


def time_left() -> float | None:
    """Return the seconds that the work which this is part of has left; None where it has no deadline."""
    deadline = _here.get()
    return None if deadline is None else deadline.left


def check_deadline() -> None:
    """Raise `DeadlineError` if the work that this is part of has a deadline, and it has passed."""
    deadline = _here.get()
    if deadline is not None:
        deadline.check()
