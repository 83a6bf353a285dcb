"""Calls of Java that may take long: Ctrl-C and a deadline are heard while they run, and stop them."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Any

from irkit.deadline import check_deadline
from irkit.lucene.jvm import java

_tickets = itertools.count(secrets.randbits(60))  # this module may be loaded anew while the JVM goes on


def interruptible(method: Callable[..., Any], *arguments: Any) -> bytes:
    """Call a method of the bridge that returns null while it has not ended (see `Call.java`).

    Python hears signals, and looks at the deadline of its work, between two steps of the wait. If one raises, Java is
    told to stop and given a moment to do so; what it works on stays usable.

    Parameters
    ----------
    method : static Java method
        Its first argument is the ticket of the call. No method of an object: pyjnius binds the object to the method of
        the class, where another thread may put its own before the call.
    *arguments
        The others.

    Returns
    -------
    bytes
        What the method returns.
    """
    check_deadline()  # also between calls that each end at once
    ticket = next(_tickets)
    try:
        found = method(ticket, *arguments)
        while found is None:
            check_deadline()
            found = java("Call").more(ticket)
        return found.tostring()  # type: ignore[no-any-return]
    except BaseException:
        java("Call").stop(ticket)
        raise
