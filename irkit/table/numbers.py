"""How figures are printed: four decimals at most, a dash for what is missing."""

from __future__ import annotations

from collections.abc import Iterable

DASH = "–"
"Stands for a value that was not measured."


def digits_for(values: Iterable[float]) -> int:
    """Choose the decimals of a column: four below 10, fewer above, none for counts.

    Examples
    --------
    >>> digits_for([0.31, 0.4]), digits_for([812.25, 790.5]), digits_for([1204.0, 87.0])
    (4, 2, 0)
    """
    sizes = [abs(float(value)) for value in values]
    largest = max(sizes, default=0.0)
    if largest > 1 and all(size.is_integer() for size in sizes):
        return 0
    return 4 if largest < 10 else 3 if largest < 100 else 2 if largest < 1000 else 1


def fixed(value: float | None, digits: int = 4, *, sign: bool = False) -> str:
    """Print a number with fixed decimals and no negative zero, or a dash.

    Examples
    --------
    >>> fixed(0.31), fixed(-0.00001), fixed(0.02, sign=True), fixed(None)
    ('0.3100', '0.0000', '+0.0200', '–')
    """
    if value is None:
        return DASH
    return f"{value:{'+' if sign and round(value, digits) else ''}z.{digits}f}"


def milliseconds(value: float | None) -> str:
    """Print a time with about three digits.

    Examples
    --------
    >>> [milliseconds(value) for value in (0.0042, 0.42, 12.34, 1234.5, None)]
    ['0.0042', '0.42', '12.3', '1234', '–']
    """
    if value is None:
        return DASH
    if 0 < value < 0.1:
        return f"{value:.2g}" if value >= 0.0001 else "<0.0001"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def seconds(value: float | None) -> str:
    """Print a time in seconds with about three digits, as `milliseconds` prints its own."""
    return milliseconds(value)


def count(value: int | None) -> str:
    """Print a whole number with commas, or a dash."""
    return DASH if value is None else f"{value:,}"


def megabytes(value: float | None) -> str:
    """Print megabytes as a whole number, or a dash."""
    return DASH if value is None else f"{value:.0f}"


def number(value: float | None, digits: int = 4) -> str:
    """Print a number with a fixed number of decimals; nothing for None.

    Examples
    --------
    >>> number(0.31), number(None)
    ('0.3100', '')
    """
    return "" if value is None else f"{value:.{digits}f}"


def p_value(value: float | None) -> str:
    """Print a probability with four decimals; nothing for None.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.0001), p_value(0.00009999), p_value(0.0), p_value(None)
    ('0.0312', '0.0001', '< .0001', '< .0001', '')
    """
    return "< .0001" if value is not None and value < 0.0001 else number(value)


def counted(number: int, noun: str) -> str:
    """Say how many of something there are.

    Examples
    --------
    >>> counted(1, "document"), counted(1400, "document"), counted(2, "query")
    ('1 document', '1,400 documents', '2 queries')
    """
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"
