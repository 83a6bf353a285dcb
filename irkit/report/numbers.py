"""How figures and names are printed: four decimals at most, a dash for what is missing, no control characters."""

from __future__ import annotations

from typing import Any

from irkit.screen import visible
from irkit.table import numbers
from irkit.table.numbers import DASH, count, digits_for, fixed, megabytes, milliseconds, seconds

__all__ = ["DASH", "count", "digits_for", "fixed", "megabytes", "milliseconds", "p_value", "plain", "seconds"]


def p_value(value: float | None) -> str:
    """Print a probability as tables on a screen do (`irkit.table`), or a dash.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.00002), p_value(None)
    ('0.0312', '< .0001', '–')
    """
    return DASH if value is None else numbers.p_value(value)


def plain(value: Any, *, lines: bool = False) -> str:
    r"""Return text that is safe to print: no control characters, no lone surrogates, no turned reading direction.

    Parameters
    ----------
    value : any
        None gives an empty string.
    lines : bool
        Keep tabs and line breaks, except at the ends; otherwise white space becomes single spaces.

    Examples
    --------
    >>> plain("bm25\x1b[31m\n(tuned)")
    'bm25\\x1b[31m (tuned)'
    """
    text = "" if value is None else str(value)
    text = "\n".join(text.splitlines()).strip("\n") if lines else " ".join(text.split())
    return visible(text, lines=True)
