"""What Ctrl-C leaves, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of work of which something is kept.

    Parameters
    ----------
    kept : str
        What that is.
    option : str
        What the command needs beside its own words to go on.
    """

    def __init__(self, kept: str, option: str = "") -> None:
        super().__init__(kept)
        self.kept, self.option = kept, option

    def advice(self, tokens: Sequence[str]) -> str:
        """Say what is kept, and the command that goes on after one of these words.

        Examples
        --------
        >>> Interrupted("its checkpoint is kept", "--resume").advice(["train", "nade-digits"])
        'its checkpoint is kept; go on with: irkit train nade-digits --resume'
        """
        more = [self.option] if self.option and self.option not in tokens else []
        return f"{self.kept}; go on with: {shlex.join(['irkit', *tokens, *more])}"


@contextmanager
def going_on(kept: str, is_kept: Callable[[], bool], option: str = "") -> Iterator[None]:
    """Have a Ctrl-C say that something is kept, where it is, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if is_kept():
            raise Interrupted(kept, option) from None
        raise
