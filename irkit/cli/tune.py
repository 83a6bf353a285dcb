"""`irkit tune`: choose a recipe's settings by cross-validation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from irkit.cli.numbers import Whole
from irkit.cli.printing import say


def tune(
    space: str,
    source: str,
    /,
    *,
    measures: Annotated[str, Parameter(name=["-m", "--measures"])] = "AP nDCG@10 P@10",
    folds: Whole = 5,
    method: Literal["grid", "random", "optuna"] = "grid",
    trials: Whole = 50,
    seed: Whole = 42,
    split: str | None = None,
    vectors: str | None = None,
    table: Annotated[Path | None, Parameter(name=["-o", "--table"])] = None,
) -> None:
    """Choose a recipe's settings by cross-validation on the queries of a collection.

    In each fold the settings with the best mean on the other folds' queries are chosen; what is
    printed last are the measures of every query under the settings chosen without it.

    For example:

        irkit tune bm25-search lee
        irkit tune bm25-rm3-search lee --method random --trials 20 -o candidates.tsv

    Parameters
    ----------
    space
        A tuning space: a name from pipelines/tuning, or the path of a file of that form.
    source
        A collection's name or folder.
    measures
        The first one chooses; all are printed.
    folds
        Parts the queries are split into.
    method
        How candidates come about: grid tries all combinations, random draws some, optuna searches
        (pip install 'irkit[tune]').
    trials
        Candidates that random draws, and that optuna tries in each fold.
    seed
        Of the folds and the draws.
    split
        Which of the collection's sets of queries, such as test; default its own default.
    vectors
        Word vectors for a recipe that needs them: a file, trained:ppmi-svd or trained:word2vec.
    table
        Write every candidate with its mean over all queries to this tab-separated file.
    """
    from irkit.cli.inputs import data_line, prepared
    from irkit.evaluate import load_space
    from irkit.evaluate import tune as run
    from irkit.io import load_collection
    from irkit.io.atomic import write_bytes
    from irkit.io.outputs import check_output
    from irkit.recipe.resources import open_resources

    if table is not None:
        check_output(table, who="tune", option="-o", inputs=(space, source, vectors))
    loaded = load_space(space)
    words = {"index": source, "vectors": vectors}
    recipe = prepared(loaded.recipe, None, words, who="tune")
    collection = load_collection(source)
    tuned = run(
        recipe,
        loaded,
        collection.queries(split),
        collection.qrels(split),
        measures,
        resources=open_resources(recipe.needs, words, who="tune"),
        k=folds,
        method=method,
        trials=trials,
        seed=seed,
        exclude_self=collection.exclude_self,
    )
    if table is not None:
        write_bytes(table, tuned.frame().to_csv(sep="\t", index=False).encode(errors="surrogateescape"), pack=True)
    say(tuned, beside=table)
    say(data_line(source), beside=table)
    if table is not None:
        say(f"\n{table}", beside=table)
