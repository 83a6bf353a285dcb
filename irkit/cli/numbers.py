"""Whole numbers as arguments, which the parser of the command line would round: 2.7 to 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Parameter

if TYPE_CHECKING:
    from cyclopts import Token


def whole(_: Any, tokens: Sequence[Token]) -> int:
    """Read a whole number.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f'"{tokens[0].value}" is not a whole number') from None


Whole: TypeAlias = Annotated[int, Parameter(converter=whole)]
"A parameter that is a whole number."

MaybeWhole: TypeAlias = Annotated[int | None, Parameter(converter=whole)]
"One that may be left out."
