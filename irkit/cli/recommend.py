"""`irkit recommend`: items for users, by a model fitted on ratings or one saved before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from irkit.cli.numbers import Whole
from irkit.cli.printing import note, say, say_json
from irkit.cli.ratings import Reading
from irkit.streams import STANDARD, to_stdout

if TYPE_CHECKING:
    import pandas as pd

    from irkit.pipeline import Stage

LISTS, RATINGS = "ease", "biased-mf"
"The recipes that are used if none is named, for lists and for ratings of given items."


def recommend(
    source: str | None = None,
    /,
    *users: str,
    recipe: str | None = None,
    reading: Reading = None,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 10,
    all: bool = False,
    rate: list[str] | None = None,
    pairs: Path | None = None,
    why: str | None = None,
    table: Annotated[Path | None, Parameter(name=["-o", "--table"])] = None,
    set: list[str] | None = None,
    save: Path | None = None,
    load: Path | None = None,
    json: bool = False,
) -> None:
    """Recommend items to users, or predict their ratings of given items.

    A model is fitted on all the ratings. What a user has rated is not recommended; a user without
    ratings, or below the recipe's threshold in all of them, gets the most rated items (those most often
    rated that high). A line below the list says who did, and who has nothing left to be recommended.

    For example:

        irkit recommend ml-100k 196 22 --recipe ease -n 5
        irkit recommend ml-100k 196 --recipe recommend/biased-mf --rate 50 --rate 242
        irkit recommend ratings.csv --recipe als --save als.safetensors
        irkit recommend visits.csv ann --recipe als --columns user,item,_,time --duplicates last
        irkit recommend --load als.safetensors 196
        irkit recommend ml-100k 196 --why 50
        irkit recommend ml-100k --all -n 20 -o lists.tsv.gz
        irkit recommend train.csv --recipe bias --pairs test.csv -o predictions.tsv

    Parameters
    ----------
    source
        A rating collection's name (irkit data list), or a file or folder of ratings; with --load the first user.
    users
        The ids of users.
    recipe
        A recipe that is fitted on ratings (irkit pipelines list), or its path; default ease, with --rate biased-mf.
    n
        Items for each user.
    all
        Recommend to all users who have ratings, or with --rate predict theirs.
    rate
        An item whose rating is predicted instead; may be repeated.
    pairs
        A file of users and items, as one of ratings, whose ratings are predicted instead.
    why
        An item: say what its score for the user is the sum of, instead.
    table
        Write lists or predictions to this file, tab-separated or with commas as its name ends (.tsv, .csv, either with
        .gz), with user_id, item_id and rank and score, or prediction and branch, which says what was known.
    set
        A setting of the recipe, such as reg=200; may be repeated.
    save
        Write the fitted model to this file; it holds the ratings too.
    load
        Use the model in this file instead of fitting one.
    json
        Print one JSON object per line; in lists, known says whether the user has ratings.
    """
    import pandas as pd

    from irkit.cli.printing import counted
    from irkit.errors import ConfigError
    from irkit.io.outputs import check_output
    from irkit.io.ratings.files import read_pairs
    from irkit.recommend.export import check_table, pairs_of
    from irkit.recommend.lists import counts_notes, listed, notes_on_lists, recommenders, strangers, why_item

    if n < 1:
        raise ConfigError(f"recommend: -n must be 1 or more, got {n}")
    if load is not None and (recipe or set or save):
        raise ConfigError("recommend: --load brings a fitted model; leave out --recipe, --set and --save")
    told = reading.options() if reading is not None else {}
    if load is not None and told:
        options = " and ".join(f"--{name}" for name in told)
        raise ConfigError(f"recommend: {options} are for a file of ratings; leave them out beside --load")
    asked = users if load is None or source is None else (source, *users)
    if source is None and load is None:
        raise ConfigError("recommend: no ratings are named; give a collection or a file, or --load a saved model")
    if asked and (all or pairs is not None):
        option = "--all" if all else "--pairs"
        raise ConfigError(f"recommend: {option} says for whom, and users are named too; leave out {asked[0]}")
    if pairs is not None and (all or rate):
        raise ConfigError(f"recommend: --pairs names users and items; leave out {'--all' if all else '--rate'}")
    if not (asked or all or pairs or save):
        raise ConfigError("recommend: no user is named; give ids of users after the ratings, --all, or --save a model")
    if why is not None and (len(asked) != 1 or rate or table is not None or json):
        raise ConfigError(
            "recommend: --why explains an item to one user; name one, and leave out --rate, -o and --json"
        )
    if json and table is not None:
        raise ConfigError("recommend: --json prints and -o writes; leave out one of them")
    if table is not None:
        check_table(table, who="recommend", inputs=(source, recipe, pairs, load))
    if json and to_stdout(save):
        raise ConfigError("recommend: --json and --save - would both write to standard output; --save to a file")
    if save is not None:
        check_output(save, who="recommend", option="--save", inputs=(source, recipe))
    from irkit.recommend import Recommender

    rates = bool(rate) or pairs is not None
    default = RATINGS if rates else LISTS
    fitted = Recommender.load(load) if load else _fitted(str(source), recipe or default, set, rates, save, told)
    if save is not None:
        say(save, beside=Path(STANDARD) if json else save)
    for text in counts_notes(fitted):
        note(f"{fitted.name}: {text}")
    if why is not None:
        found = why_item(fitted, asked[0], why, who="recommend")
        say(found, beside=save)
        if found.rank is None and _learned(
            next(recommenders(fitted)), pd.DataFrame({"user_id": [asked[0]], "item_id": [why]})
        ):
            say(f"{asked[0]} has rated {why}, and what is rated is not recommended", beside=save)
        return
    users = tuple(next(recommenders(fitted)).fitted.users.names.to_pylist()) if all else asked
    given: Any = None
    if pairs is not None:
        given = read_pairs(pairs, **{name: value for name, value in told.items() if name != "duplicates"})
        if seen := _learned(fitted, given):
            what = f"{seen:,} of {counted(len(given), 'pair')} are among the ratings that it learned from"
            note(f"{fitted.name}: {what}: these predictions test nothing")
    elif rate and users:
        given = pairs_of(users, rate)
    if table is not None:
        say(_write(fitted, table, users, given, n), beside=table)
        return
    if not users and given is None:
        return
    rows = _ratings(fitted, given) if given is not None else listed(fitted, users, n)
    asked = users or tuple(rows["user_id"].unique())
    notes = notes_on_lists(fitted, asked, rows) if given is None else _notes_on_ratings(fitted, asked)
    if json:
        known = {} if given is not None else {"known": ~rows["user_id"].isin(strangers(fitted, asked))}
        _print_json(rows.assign(**known), notes)
    else:
        _print_table(rows, notes, save)


def _learned(fitted: Any, pairs: pd.DataFrame) -> int:
    """Count the pairs that are among the training ratings."""
    import numpy as np

    train = fitted.fitted
    user, item = train.users.rows(pairs["user_id"]), train.items.rows(pairs["item_id"])
    wide = len(train.items)
    return int(np.isin((user * wide + item)[(user >= 0) & (item >= 0)], train.user * wide + train.item).sum())


def _write(fitted: Any, table: Path, users: tuple[str, ...], pairs: Any, n: int) -> str:
    """Write lists or predictions to a file and say how many."""
    from irkit.cli.printing import counted
    from irkit.recommend.export import write_lists, write_predictions

    if pairs is not None:
        return f"{table}: {counted(write_predictions(fitted, table, pairs), 'prediction')}"
    listed, lines = write_lists(fitted, table, users, n=n)
    empty = f"; nothing for {counted(len(users) - listed, 'user')}" if listed < len(users) else ""
    return f"{table}: {counted(lines, 'item')} for {counted(listed, 'user')}{empty}"


def _fitted(
    source: str, name: str, settings: list[str] | None, rates: bool, save: Path | None, reading: dict[str, Any]
) -> Stage:
    """Fit a recipe on the ratings of a source, and save it if that is asked for."""
    from irkit.errors import ConfigError
    from irkit.recipe.ready import recommender
    from irkit.recommend import Recommender, load_ratings
    from irkit.registry import STAGES

    recipe = recommender(name, settings)
    kind: Any = STAGES.load(recipe.stages[0]["use"])
    single = len(recipe.stages) == 1 and issubclass(kind, Recommender)
    if save is not None and not single:
        raise ConfigError(f"recipe {recipe.name}: has several stages and no file for them; --save a single model")
    if rates and not (single and kind.predicts_ratings):
        raise ConfigError(f"recipe {recipe.name}: ranks items and predicts no ratings; use {RATINGS}")
    fitted = recipe.build().fit(load_ratings(source, **reading))
    if save is not None:
        fitted.save(save)  # type: ignore[attr-defined]  # a Recommender, as was checked
    return fitted


def _ratings(fitted: Any, pairs: Any) -> pd.DataFrame:
    import pandas as pd

    from irkit.recommend.export import prediction_batches

    found = pd.concat(prediction_batches(fitted, pairs), ignore_index=True)
    rows: pd.DataFrame = found.set_axis(["user_id", "item_id", "rating", "known"], axis=1)
    return rows


def _notes_on_ratings(fitted: Any, users: tuple[str, ...]) -> list[str]:
    """Say whose ratings are not predicted from their own."""
    from irkit.io.reading import listed
    from irkit.recommend.lists import strangers

    new = strangers(fitted, users)
    return [f"without ratings, so these are what is known of the items alone: {listed(new)}"] * bool(new)


def _print_json(rows: pd.DataFrame, notes: list[str]) -> None:
    for row in rows.to_dict("records"):
        say_json(row)
    for text in notes:
        note(text)


def _print_table(rows: pd.DataFrame, notes: list[str], save: Path | None) -> None:
    from irkit.table import text_table

    cells = [[f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows.to_numpy()]
    say(text_table(list(rows.columns), cells), beside=save)
    for text in notes:
        say(f"\n{text}", beside=save)
