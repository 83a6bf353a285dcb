"""Python threads in the JVM: the first use attaches a thread, its end detaches it.

A thread that ended attached would stay among Java's threads, with its memory, as long as the process lives.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

_here = threading.local()


def attached() -> None:
    """Note that this thread uses Java, so that it leaves the JVM when it ends.

    To be called before Java is. The main thread stays attached, as Python may use Java while it shuts down.
    """
    if not hasattr(_here, "stay"):
        _here.stay = None if threading.current_thread() is threading.main_thread() else _Stay()


def attached_for_good() -> None:
    """Keep this thread attached: it started the JVM, and pyjnius goes on using its entry."""
    _here.stay = None


class _Stay:
    """Lies among a thread's own variables, which Python drops in that thread when it ends."""

    def __init__(self) -> None:
        self.thread = threading.get_native_id(), os.getpid()

    def __del__(self) -> None:
        # At the end of Python, and in a forked child, the variables of other threads are dropped too.
        with suppress(Exception):
            if self.thread == (threading.get_native_id(), os.getpid()):
                import jnius

                jnius.detach()
