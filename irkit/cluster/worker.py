"""What runs inside a worker of Ray.

In a module of its own that workers import by name, as `irkit.pipeline.worker` is.
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections import OrderedDict
from typing import Any

from irkit.errors import IrkitError
from irkit.registry import plugin_of

KEPT = 2
"What is shared by pieces of one piece of work after the other, with the indexes that it opened."

_shared: OrderedDict[str, tuple[Any, Any]] = OrderedDict()


def run_piece(key: str, payload: list[Any], folder: str, piece: Any) -> tuple[list[Any], Exception | None]:
    """Do a piece of work; return what it gives, errors among it, or the error it raised.

    Parameters
    ----------
    key : str
        Digest of the payload.
    payload : list of one ObjectRef
        The function and what its pieces share, as `irkit.cluster.tasks` packed them; fetched where it is not known.
    folder : str
        Working folder of the process that wants it.
    piece : object
    """
    if os.path.isdir(folder):
        os.chdir(folder)
    if key not in _shared:
        import cloudpickle  # type: ignore[import-untyped]
        import ray

        _shared[key] = cloudpickle.loads(ray.get(payload[0]))
        while len(_shared) > KEPT:
            _shared.popitem(last=False)
    _shared.move_to_end(key)
    work, shared = _shared[key]
    try:
        return [sendable(one) if isinstance(one, Exception) else one for one in work(shared, piece)], None
    except Exception as error:
        return [], sendable(error)


def sendable(error: Exception) -> Exception:
    """Return an error that can travel to another process, and says there what it says here.

    Where it cannot itself, one of the same name and text takes its place. A trace does not travel; it becomes a note.
    """
    where, trace = plugin_of(error), "".join(traceback.format_exception(error))
    try:
        copied = pickle.loads(pickle.dumps(error))
        same = type(copied) is type(error) and str(copied) == str(error)
    except Exception:
        same = False
    kind = IrkitError if isinstance(error, IrkitError) else Exception
    sent: Any = error if same else type(type(error).__name__, (kind,), {})(str(error))
    sent.raised_in = where
    sent.add_note(f"in a worker:\n{trace}")
    found: Exception = sent.with_traceback(None)
    return found
