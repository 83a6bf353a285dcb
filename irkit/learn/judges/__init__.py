"""Judges: named measures of what fitted models draw, encode or make of examples."""

from irkit.learn.judges.judge import Control, Judge

__all__ = ["Control", "Judge"]


def __dir__() -> list[str]:
    return __all__
