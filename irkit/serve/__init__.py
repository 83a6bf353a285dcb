"""Pipelines and recommenders in front of people and tools: what is served, its bounds, and the ways to ask for it.

Library.open(["bm25"], ["lee"]).search("lee", "storm damage")      plain questions, plain answers
Limits(k=100, workers=4)                                           how much may be asked for

`library.py` answers within `limits.py`; `rest.py` is the door for programs, and whoever opens another door asks the
same library. Work is done by the threads of `workers.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from irkit.doors import door

if TYPE_CHECKING:
    from irkit.serve.library import Library as Library
    from irkit.serve.limits import Limits as Limits
else:
    __getattr__, __dir__, __all__ = door(__name__)
