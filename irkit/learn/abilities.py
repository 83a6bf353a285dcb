"""What models may be able to do: each a method of `irkit.learn.Model` that asks the net."""

from __future__ import annotations

from typing import Literal, TypeAlias

Ability: TypeAlias = Literal["log_prob", "score", "sample", "encode", "decode", "reconstruct", "predict"]
ABILITIES: dict[Ability, str] = {
    "log_prob": "give log-probabilities",
    "score": "score examples",
    "sample": "sample",
    "encode": "encode",
    "decode": "decode",
    "reconstruct": "reconstruct",
    "predict": "predict",
}
"What models may be able to do, and how it is said of one."
