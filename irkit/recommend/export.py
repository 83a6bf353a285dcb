"""Lists and predicted ratings of many users as files, a batch of users or pairs at a time.

    user_id  item_id  rank  score          a line for each item of each list; rank 1 is the best, as on screens
    user_id  item_id  prediction  branch   a line for each pair; `branch` says what was known of it

A file is complete or not there. Memory holds one batch, however many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from irkit.atomic import is_stream, writing
from irkit.errors import ConfigError
from irkit.io.outputs import check_output
from irkit.packing import bare
from irkit.recommend.lists import recommenders, users_frame
from irkit.streams import by_command

if TYPE_CHECKING:
    import pandas as pd

    from irkit.pipeline.stage import Stage
    from irkit.recommend.base import Recommender

USERS = 1 << 12
"Users whose lists are held at once."

PAIRS = 1 << 18
"Pairs whose predictions are held at once."

BETWEEN = {".tsv": "\t", ".csv": ","}
"What separates the fields, by the ending of a file's name; a stream is tab-separated."


def list_batches(stage: Stage, users: Sequence[str] | None = None, n: int = 10) -> Iterator[pd.DataFrame]:
    """Yield lists of items, of a batch of users at a time.

    Parameters
    ----------
    stage : Stage
        A fitted recommender, or a pipeline of some.
    users : sequence of str, optional
        Default all users of the training ratings, in their order.
    n : int
        Items of a list.

    Yields
    ------
    frame
        `user_id`, `item_id`, `rank` (1 is the best) and `score`, user by user.
    """
    import pandas as pd

    from irkit.recommend.base import Recommender

    short = stage.limited(n) if isinstance(stage, Recommender) else stage % n
    names: Any = next(recommenders(stage)).fitted.users.names if users is None else users
    for at in range(0, len(names), USERS):
        batch = names[at : at + USERS]
        hits: Any = short.run(users_frame(batch.to_pylist() if users is None else batch))
        columns = {
            "user_id": hits.queries["qid"].to_numpy()[hits.query],
            "item_id": np.asarray(hits.docnos.take(hits.doc)),
            "rank": hits.rank + 1,
            "score": hits.score,
        }
        yield pd.DataFrame(columns).astype({"user_id": "str", "item_id": "str"})


def prediction_batches(model: Recommender, pairs: pd.DataFrame | Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield predicted ratings of pairs, a batch at a time.

    Parameters
    ----------
    model : Recommender
        Fitted, and one that predicts ratings.
    pairs : frame or iterable of frames
        As `Recommender.predict` takes them.

    Yields
    ------
    frame
        `user_id`, `item_id`, `prediction` and `branch`, in the order of the pairs.
    """
    import pandas as pd

    for frame in [pairs] if isinstance(pairs, pd.DataFrame) else pairs:
        for at in range(0, len(frame), PAIRS):
            found = model.predict(frame.iloc[at : at + PAIRS])
            yield found[["user_id", "item_id", "prediction", "branch"]].reset_index(drop=True)


def pairs_of(users: Sequence[str], items: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield every pair of some users and some items, users one after another, a batch at a time."""
    import pandas as pd

    step = max(1, PAIRS // max(len(items), 1))
    for at in range(0, len(users), step):
        batch = list(users[at : at + step])
        frame = pd.DataFrame({"user_id": np.repeat(batch, len(items)), "item_id": np.tile(items, len(batch))})
        yield frame.astype({"user_id": "str", "item_id": "str"})


def write_lists(
    stage: Stage, path: str | os.PathLike[str], users: Sequence[str] | None = None, *, n: int = 10
) -> tuple[int, int]:
    """Write the lists of all users of the training ratings, or of some, to a file.

    Parameters
    ----------
    stage, users, n
        As `list_batches` takes them.
    path
        Its name ends in .tsv or .csv, after which that of a compression may follow, as in lists.tsv.gz.

    Returns
    -------
    users, lines : int
        How many users have a list, and how many items there are in all.

    Raises
    ------
    ConfigError, DataError
        If the name ends otherwise, or the file cannot be written.
    """
    seen = 0

    def counted() -> Iterator[pd.DataFrame]:
        nonlocal seen
        for frame in list_batches(stage, users, n):
            seen += frame["user_id"].nunique()
            yield frame

    lines = _write(path, ("user_id", "item_id", "rank", "score"), counted())
    return seen, lines


def write_predictions(
    model: Recommender, path: str | os.PathLike[str], pairs: pd.DataFrame | Iterable[pd.DataFrame]
) -> int:
    """Write predicted ratings of pairs to a file, and return how many; see `write_lists` and `prediction_batches`.

    Raises
    ------
    ConfigError
        Also if the model ranks items and predicts no ratings.
    """
    if not model.predicts_ratings:
        raise ConfigError(f"{model.name}: ranks items and does not predict ratings; use write_lists")
    return _write(path, ("user_id", "item_id", "prediction", "branch"), prediction_batches(model, pairs))


def check_table(path: str | os.PathLike[str], *, who: str, inputs: Iterable[Any] = ()) -> None:
    """Refuse a file that could not be written, or whose name does not say how; errors are those of `check_output`."""
    suffixes = () if is_stream(path) else tuple(BETWEEN)
    check_output(path, who=who, suffixes=suffixes, pack=True, option="-o" if by_command() else "", inputs=inputs)


def _write(path: str | os.PathLike[str], names: Sequence[str], frames: Iterable[pd.DataFrame]) -> int:
    check_table(path, who="recommend")
    between = BETWEEN.get(bare(path).suffix, "\t")
    lines = 0
    with writing(path, pack=True) as file:
        file.write(f"{between.join(names)}\n".encode())
        for frame in frames:
            file.write(_lines([pa.array(frame[name]) for name in names], between))
            lines += len(frame)
    return lines


def _lines(columns: list[pa.Array], between: str) -> bytes:
    """Lay columns out as lines; ids hold no tabs and no line ends, so that only commas and quotes need quotes."""
    texts = [column.cast(pa.large_string()) for column in columns]
    if between == ",":
        texts = [_quoted(text) for text in texts]
    rows = pc.binary_join_element_wise(*texts, pa.scalar(between, pa.large_string())).to_pylist()
    return "".join(f"{row}\n" for row in rows).encode()


def _quoted(texts: pa.Array) -> pa.Array:
    """Put texts with a comma or a quote into quotes, doubling the quotes inside."""
    needs = pc.match_substring_regex(texts, '[",]')
    inner = pc.replace_substring(texts, '"', '""')
    mark = pa.scalar('"', pa.large_string())
    return pc.if_else(needs, pc.binary_join_element_wise(mark, inner, mark, pa.scalar("", pa.large_string())), texts)
