"""What the library holds: an index with its pipelines, and pipelines and recommenders ready to be asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from irkit.errors import ConfigError
from irkit.wording import shown

if TYPE_CHECKING:
    import pandas as pd

    from irkit.lucene import Index
    from irkit.pipeline import Stage

CUTS = 1024
"Lengths of lists whose pipelines are kept."

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")


class Served:
    """A pipeline or a recommender, ready to be asked.

    Parameters
    ----------
    stage : Stage
    about : str
        What it does, in a sentence.
    cut : function
        Gives it with its lists cut to a number.
    """

    def __init__(self, stage: Stage, about: str, cut: Callable[[Stage, int], Stage]) -> None:
        self.stage, self.about = stage, about
        self.cut = lru_cache(maxsize=CUTS)(lambda n: cut(stage, n))


@dataclass(frozen=True)
class Shelf:
    """An index and the pipelines on it."""

    index: Index
    pipelines: dict[str, Served]


def check_name(name: str, *, who: str) -> str:
    """Return a name under which something is served, a part of its address.

    Raises
    ------
    ConfigError
        If it holds other characters.
    """
    if not _NAME.match(name):
        raise ConfigError(f"{who}: a name is letters, digits and . _ + -, got {shown(name)}; name it NAME=FOLDER")
    return name


def one_query(query: str) -> pd.DataFrame:
    """Make the queries frame of one text that was checked: as `queries_frame` does, in a fifth of the time."""
    import pandas as pd
    import pyarrow as pa

    from irkit.columns import frame_strings

    qid, text = (frame_strings(pa.array([value], pa.large_string())) for value in ("1", query))
    return pd.DataFrame({"qid": qid, "query": text}, index=pd.RangeIndex(1), copy=False)
