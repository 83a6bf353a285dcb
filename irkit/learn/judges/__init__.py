"""Judges: named measures of what fitted models draw, encode or make of examples."""

from irkit.learn.judges.judge import Control as Control
from irkit.learn.judges.judge import Judge as Judge
