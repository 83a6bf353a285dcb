"""Lists of recommendations in the place of runs, and ratings in that of judgements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from irkit.errors import ConfigError, IrkitError

if TYPE_CHECKING:
    import pandas as pd

    from irkit.frames import Qrels, Results

LIKED = 4.0
"Least rating of a relevant item, unless it is said; of likes and counts it is the least there is."


def names_of(path: Path, encoding: str) -> list[str]:
    """Return the fields of the first line of a table; none of what is no table, or is not read so."""
    from irkit.io.ratings.layout import first_fields
    from irkit.streams import is_stream

    if is_stream(path) or not path.is_file():
        return []
    try:
        return first_fields(path, encoding)
    except IrkitError:
        return []


def rated(source: str, split: str | None, liked: float | None, encoding: str) -> Qrels | None:
    """Return ratings as judgements, None where a source holds none: 1 for the relevant items of users who have any."""
    import pandas as pd

    frame = _ratings(source, split, encoding)
    if frame is None:
        return None
    values = frame["rating"]
    alike = bool(frame.attrs.get("counts")) or values.nunique() < 2
    least = liked if liked is not None else float(values.min()) if alike else LIKED
    labels = (values >= least).astype("int64")
    qrels = pd.DataFrame({"qid": frame["user_id"], "docno": frame["item_id"], "label": labels})
    kept = qrels[qrels.groupby("qid")["label"].transform("max") > 0].reset_index(drop=True)
    if kept.empty:
        raise ConfigError(f"{source}: no rating is {least:g} or more, so that no item is relevant; lower --liked")
    return kept


def _ratings(source: str, split: str | None, encoding: str) -> pd.DataFrame | None:
    from irkit.io import load_rating_collection
    from irkit.io.library.finding import kind_meant
    from irkit.io.ratings.files import read_ratings
    from irkit.io.ratings.layout import Columns, names_likes_alone, names_ratings, names_users
    from irkit.recipe.resources import source_path

    path = source_path(source)
    if path is not None and not path.is_dir():
        names = names_of(path, encoding)
        known = names_users(names) and (names_ratings(names, path) or names_likes_alone(names, path, Columns()))
        return read_ratings(path, encoding=encoding) if known else None
    if path is None and source.startswith("irds:"):
        return None
    try:
        if kind_meant(source if path is None else path) != "ratings":
            return None
        collection = load_rating_collection(source)
    except IrkitError:
        return None
    if split is None and len(collection.splits) == 1:
        split = collection.splits[0]  # files that are parts: the test part is meant
    return collection.ratings() if split is None else collection.split(split)[1]


def listed(path: Path, encoding: str) -> Results | None:
    """Return lists as `irkit recommend -o` writes them as results, None where a file holds none.

    Raises
    ------
    ConfigError
        If it holds predictions.
    """
    from irkit.io.ratings.files import read_ratings
    from irkit.io.ratings.layout import names_users

    names = [name.lower() for name in names_of(path, encoding)]
    if not names_users(names):
        return None
    if "score" not in names:
        raise ConfigError(f'{path}: holds no lists, which have a score; for errors of predictions write -m "RMSE MAE"')
    frame = read_ratings(path, columns={"rating": "score"}, encoding=encoding)
    return frame.rename(columns={"user_id": "qid", "item_id": "docno", "rating": "score"})[["qid", "docno", "score"]]
