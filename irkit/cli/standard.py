"""The argument `-`, standard input or output, which the parser of the command line would take for an option."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from irkit.streams import STANDARD

_MARK = "\0"  # no argument of a process can hold it


def marked(tokens: Sequence[str]) -> list[str]:
    """Put a mark in the place of every `-` before a `--`.

    Examples
    --------
    >>> marked(["evaluate", "-", "-m", "AP", "--", "-"])
    ['evaluate', '\\x00', '-m', 'AP', '--', '-']
    """
    end = tokens.index("--") if "--" in tokens else len(tokens)
    return [_MARK if token == STANDARD else token for token in tokens[:end]] + list(tokens[end:])


def restored(value: Any) -> Any:
    """Return an argument, or the parser's message, with `-` in the place of every mark."""
    if isinstance(value, str):
        return value.replace(_MARK, STANDARD)
    if isinstance(value, Path):
        return Path(STANDARD) if value == Path(_MARK) else value
    return type(value)(map(restored, value)) if isinstance(value, (list, tuple)) else value


def taking_standard(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command whose arguments have their marks replaced."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        return command(*map(restored, arguments), **{name: restored(value) for name, value in options.items()})

    return run
