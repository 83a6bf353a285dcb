"""A recommender whose process dies, or that fails, in the middle of learning; every fit is a line of a log."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Literal

from pydantic import Field

from irkit.recommend import Bias
from irkit.recommend.base import RecommenderConfig


class FragileConfig(RecommenderConfig):
    """Settings of `Fragile`."""

    seed: int = Field(1, ge=0)
    log: str = ""
    "Where each fit is written down."
    dies: Literal["", "once", "always"] = ""
    fails: bool = False


class Odd(Exception):
    """Travels to no other process: it cannot be made of its text."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} is {why}")


class Fragile(Bias):
    """Predict as `bias` does, if the process lives."""

    name = "fragile"
    config_type = FragileConfig
    config: FragileConfig

    def learn(self, train, valid):
        """Write the fit down, and die or fail."""
        with Path(self.config.log).open("a") as log:
            log.write(f"{os.getpid()} {self.config.seed}\n")
        tries = Path(self.config.log).read_text().splitlines()
        if self.config.dies == "always" or (self.config.dies == "once" and len(tries) == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.config.fails:
            raise Odd("it", f"so, in {len(train)} ratings")
        super().learn(train, valid)
