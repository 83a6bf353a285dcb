"""What runs inside a worker process of `Parallel`.

In a module of its own that workers import by name: a function that is sent along by value would
lose the pipelines kept here, and start a second JVM.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from irkit.hits import Hits

if TYPE_CHECKING:
    from irkit.pipeline.stage import Flow, Stage

KEPT = 4
"Pipelines a worker keeps, with the indexes they opened."

_pipelines: OrderedDict[str, Stage] = OrderedDict()


def run_piece(key: str, payload: bytes, piece: Flow) -> Flow:
    """Run a pipeline on some of the queries.

    Parameters
    ----------
    key : str
        Digest of `payload`.
    payload : bytes
        The pipeline, as `Parallel` of the parent process packed it.
    piece : queries frame or Hits
    """
    if key not in _pipelines:
        import cloudpickle  # type: ignore[import-untyped]

        _pipelines[key] = cloudpickle.loads(payload)
        while len(_pipelines) > KEPT:
            _pipelines.popitem(last=False)
    _pipelines.move_to_end(key)
    out = _pipelines[key].run(piece)
    return out.compact() if isinstance(out, Hits) else out
