"""`irkit evaluate -m "RMSE MAE"`: measure files of predicted ratings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.cli.inputs import UTF8
from irkit.cli.lists import names_of
from irkit.cli.printing import say, say_json
from irkit.errors import ConfigError, DataError, FrameError

if TYPE_CHECKING:
    from irkit.cli.ratings import RatingsLayout

ERRORS = ("RMSE", "MAE")
"Measures of predicted ratings."

PREDICTIONS = ("prediction", "est", "score", "predicted")
"What a file may call the column of predictions; the first that is there is taken."


def asks_for_errors(measures: str) -> bool:
    """Say whether errors of ratings are wanted.

    Raises
    ------
    ConfigError
        If measures of lists are wanted too.
    """
    names = measures.split()
    asked = [name for name in names if name in ERRORS]
    if asked and len(asked) < len(names):
        other = next(name for name in names if name not in ERRORS)
        raise ConfigError(
            f"evaluate: {asked[0]} is of predicted ratings, and {other} of lists; measure one kind at a time"
        )
    return bool(asked)


def refuse_lists_options(**given: bool) -> None:
    """Refuse options that are for runs."""
    for name in (one for one, there in given.items() if there):
        option = f"--{name.replace('_', '-')}"
        raise ConfigError(f"evaluate: {option} is for runs, and RMSE and MAE are of predicted ratings; leave it out")


def _predictions_of(path: Path, encoding: str) -> str:
    """Return what a file calls its predictions: irkit, Surprise, LensKit or others may have written it."""
    names = names_of(path, encoding)
    found = next((name for known in PREDICTIONS for name in names if name.lower() == known), None)
    if found is None:
        what = f"predictions need a line of names with user, item and {' or '.join(PREDICTIONS[:3])}"
        raise DataError(f"{path}:1: {what}, got {', '.join(names)}; write one")
    return found


def evaluate_predictions(
    source: str,
    files: Sequence[Path],
    measures: str,
    *,
    split: str | None,
    encoding: str,
    layout: RatingsLayout | None,
    output: Path | None,
    json: bool,
) -> None:
    """Print how far the predictions of some files are off the ratings of a file, or of a collection or its split."""
    from irkit.evaluate.predicted import predicted_errors
    from irkit.evaluate.tables import predicted
    from irkit.io import load_rating_collection
    from irkit.io.ratings.files import read_ratings
    from irkit.recipe.resources import source_path
    from irkit.recommend.problems import load_problem, load_ratings
    from irkit.table import counted
    from irkit.table.published import write_tables
    from irkit.table.text import in_ascii, text_table

    wanted = list(dict.fromkeys(measures.split()))
    told = layout.options() if layout is not None else {}
    told |= {} if encoding == UTF8 else {"encoding": encoding}
    path = source_path(source)
    if split is None and path is not None and path.is_dir():  # files that are parts: the test part is meant
        splits = load_rating_collection(source).splits
        split = splits[0] if len(splits) == 1 else None
    table = load_ratings(source, **told) if split is None else load_problem(source, split, **told).split.test
    ratings = table.frame()
    found, others = [], {}
    for path in files:
        guesses = read_ratings(path, columns={"rating": _predictions_of(path, encoding)}, encoding=encoding)
        try:
            score, others[path] = predicted_errors(ratings, guesses.rename(columns={"rating": "prediction"}))
        except FrameError as error:
            raise FrameError(f"{path}: {error}") from None
        found.append((path, score))
    shown = predicted([(str(path), score) for path, score in found], wanted)
    if output is not None:
        write_tables([shown], output)
    if json:
        for path, score in found:
            values = {name: score.of(name) for name in wanted}
            means = {name: value for name, (value, _, _) in values.items()}
            intervals = {name: [low, high] for name, (_, low, high) in values.items()}
            say_json({"run": str(path), "measures": means, "intervals": intervals, "pairs": score.pairs})
        return
    say(text_table([column.name for column in shown.columns], [[in_ascii(c.text) for c in row] for row in shown.rows]))
    for path in (one for one in files if others[one]):
        say(f"{path}: {counted(others[path], 'prediction')} of pairs that are not among the ratings left out")
    if output is not None:
        say(f"\n{output}")
