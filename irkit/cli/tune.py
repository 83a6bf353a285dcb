"""`irkit tune`: choose a recipe's settings, never by what they are measured on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from irkit.cli.numbers import MaybeWhole, Whole
from irkit.cli.printing import say
from irkit.cli.ratings import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from irkit.evaluate import Space, Tuned, TunedRatings

QUERIES, ERRORS, LISTS = "AP nDCG@10 P@10", "RMSE MAE", "nDCG@10 P@10"
"What is measured unless -m says otherwise: of retrieval, of rating models, of other recommenders."


def tune(
    space: str,
    source: str,
    /,
    *,
    measures: Annotated[str | None, Parameter(name=["-m", "--measures"])] = None,
    folds: MaybeWhole = None,
    inner: MaybeWhole = None,
    valid: float | None = None,
    liked: float | None = None,
    candidates: Literal["positives", "rated"] | None = None,
    method: Literal["grid", "random", "optuna"] = "grid",
    trials: MaybeWhole = None,
    seed: Whole = 42,
    split: str | None = None,
    reading: Reading = None,
    vectors: str | None = None,
    encoder: str | None = None,
    cross_encoder: str | None = None,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    table: Annotated[Path | None, Parameter(name=["-o", "--output", "--table"])] = None,
) -> None:
    """Choose a recipe's settings: for retrieval on queries, for recommenders on ratings.

    For retrieval the queries of a collection are split into folds; in each fold the settings with the
    best mean on the other folds' queries are chosen, and what is printed last are the measures of every
    query under the settings chosen without it. A recipe that learns from judgements is fitted without them
    too, and its settings are compared by inner folds of the other folds' queries. For recommenders the
    settings are chosen on a part of the training ratings, and measured on the test part beside the recipe
    as it is.

    For example:

        irkit tune bm25-search lee
        irkit tune bm25-rm3-search lee --method random --trials 20 -o candidates.tsv
        irkit tune bm25-features-linear-search lee
        irkit tune biased-mf-search ml-100k --split u1
        irkit tune als-search visits.csv --columns user,item,count
        irkit tune ease-search planted-factors --split "{kind: random, fraction: 0.2}" -m "nDCG@10 P@5"

    Parameters
    ----------
    space
        A tuning space: a name from pipelines/tuning, or the path of a file of that form.
    source
        A collection's name or folder; for recommenders also a file of ratings.
    measures
        The first one chooses; all are printed. For recommenders errors of predicted ratings (RMSE MAE) or
        measures of lists (nDCG@10). Default AP nDCG@10 P@10, RMSE MAE, or nDCG@10 P@10, by the recipe.
    folds
        Parts the queries are split into, default 5.
    inner
        Parts the queries of the other folds are split into for a recipe that learns from judgements, default 5.
    valid
        Share of the training ratings to choose on, default 0.1; models that can stop early
        (the setting patience) do so by as many if it is given.
    liked
        Least rating of a relevant item in lists, default 4.
    candidates
        What competes with it: positives, the default, leaves out what the user liked in training, rated all
        they rated.
    method
        How candidates come about: grid tries all combinations, random draws some, optuna searches
        (pip install 'irkit[tune]').
    trials
        Candidates that random draws, and that optuna tries (in each fold), default 50.
    seed
        Seed of folds, parts and draws.
    split
        Which of the collection's sets of queries, such as test; default its own default. Of ratings a split
        that the data have, such as u1, or as suites have it, such as "{kind: time, fraction: 0.2}";
        default the one that the data have, or where they have none or many a random tenth.
    vectors
        Word vectors for a recipe that needs them: a file, trained:ppmi-svd, trained:word2vec, or
        trained: and a training recipe, such as trained:docnade-retrieval.
    encoder
        A model of documents for a recipe that needs one: a training recipe such as lsa, whose model learns the
        documents that are searched; a trained model's file; or a pretrained one, as in transformers:models/bert.
    cross_encoder
        For a recipe that needs one: what reads it and the folder of the model, as in cross-encoder:models/mini.
    engine
        What tries candidates: local, one after the other in this process, or ray, several at once in its workers
        (pip install 'irkit[ray]'). Those of --method optuna depend on each other, so it is for local alone.
    address
        Of a Ray cluster: auto for the one that this machine belongs to, or HOST:PORT. Default local: one is started for
        this run alone.
    table
        Write every candidate to this file, with its mean over all queries or its value on the part of the ratings
        that chose: separated by tabs, or as a table to publish where the path ends in .tex, .csv or .md.
    """
    from irkit.atomic import write_bytes
    from irkit.errors import ConfigError, IrkitError, NotFoundError
    from irkit.evaluate import load_space
    from irkit.evaluate.measures import said_aliases
    from irkit.evaluate.tuning import check_tuned_by
    from irkit.io.outputs import check_output
    from irkit.locate import find
    from irkit.recipe import TrainingRecipe
    from irkit.recipe.assemble import TRAIN
    from irkit.recipe.training import load_any
    from irkit.recommend.table import RatingTable
    from irkit.table.published import WRITERS, write_tables
    from irkit.yamlfile import read_yaml

    check_tuned_by(engine, address, method)
    if table is not None:
        check_output(table, who="tune", option="-o", inputs=(space, source, vectors))
    loaded = load_space(space)
    try:
        varied = load_any(loaded.recipe)
    except NotFoundError as error:
        raise read_yaml(find("pipelines", space)).error(str(error), "recipe", kind=NotFoundError) from None
    if isinstance(varied, TrainingRecipe):
        how_else = f"irkit train {varied.name} --set {next(iter(loaded.parameters))}=VALUE, once for each"
        raise ConfigError(f"tune: {varied.name} trains a model, which this command does not tune; {how_else}")
    if TRAIN in varied.needs and RatingTable not in varied.learns_from and "index" not in varied.needs:
        system = f"{{name: {varied.name}, recipe: {varied.name}, tune: {loaded.name}}}"
        what = f"{varied.name} ranks candidates of pools, which suites tune"
        raise ConfigError(f"tune: {what}; write in a suite: pools: [{source}] and systems: [{system}]")
    rated = RatingTable in varied.learns_from
    words = {"vectors": vectors, "encoder": encoder, "cross_encoder": cross_encoder}
    of_queries = {"folds": folds, "inner": inner, **words}
    told = reading.options() if reading is not None else {}
    of_ratings = {"valid": valid, "liked": liked, "candidates": candidates}
    for name, value in (of_queries if rated else of_ratings | told).items():
        if value is not None:
            what = "retrieval, and {} is a recommender" if rated else "recommenders, and {} is none"
            option = name.replace("_", "-")
            raise ConfigError(f"tune: --{option} is for {what.format(loaded.recipe)}; leave it out")
    if trials is not None and method == "grid":
        raise ConfigError("tune: --trials is for --method random and optuna, and a grid tries all; leave it out")
    trials = 50 if trials is None else trials
    how: dict[str, Any] = {"method": method, "trials": trials, "seed": seed, "progress": True}
    how |= {"engine": engine, "address": address}
    tuned: Tuned | TunedRatings
    if rated:
        how |= {name: value for name, value in of_ratings.items() if value is not None}
        tuned, data = _on_ratings(loaded, source, split, told, measures, how)
    else:
        how |= {"folds": 5 if folds is None else folds} | ({} if inner is None else {"inner": inner})
        tuned, data = _on_queries(loaded, source, split, measures, words, how)
    try:
        if table is not None and table.suffix in WRITERS:
            write_tables(tuned.tables(), table)
        elif table is not None:
            write_bytes(table, tuned.frame().to_csv(sep="\t", index=False).encode(errors="surrogateescape"), pack=True)
    except IrkitError:  # of a full disk: what was found is not lost with it
        say(tuned, beside=table)
        raise
    say(tuned, beside=table)
    for said in said_aliases(measures or ""):
        say(said, beside=table)
    say(data, beside=table)
    if table is not None:
        say(f"\n{table}", beside=table)


def _on_queries(
    space: Space,
    source: str,
    split: str | None,
    measures: str | None,
    resources: dict[str, str | None],
    how: dict[str, Any],
) -> tuple[Tuned, str]:
    """Tune on a collection's queries; return also what says which data that was."""
    from irkit.cli.inputs import data_line
    from irkit.errors import ConfigError
    from irkit.evaluate import tune as run
    from irkit.io import load_collection
    from irkit.recipe.assemble import TRAIN
    from irkit.recipe.ready import prepared
    from irkit.recipe.resources import open_resources

    words = {"index": source, **resources}
    recipe = prepared(space.recipe, None, words, who="tune", fits=True)
    if "inner" in how and TRAIN not in recipe.needs:
        raise ConfigError(f"tune: --inner is for recipes that learn, and {recipe.name} does not; leave it out")
    for name in ERRORS.split():
        if measures is not None and measures.startswith(name):
            raise ConfigError(f"tune: {name} is of predicted ratings, and {recipe.name} ranks documents; choose AP")
    collection = _right_kind(lambda: load_collection(source), f"{recipe.name} searches documents")
    tuned = run(
        recipe,
        space,
        collection.queries(split),
        collection.qrels(split),
        measures or QUERIES,
        resources=open_resources([need for need in recipe.needs if need != TRAIN], words, who="tune"),
        exclude_self=collection.exclude_self,
        **how,
    )
    return tuned, data_line(source)


def _on_ratings(
    space: Space, source: str, split: str | None, told: dict[str, Any], measures: str | None, how: dict[str, Any]
) -> tuple[TunedRatings, str]:
    """Tune on split ratings; return also what says which data that was."""
    from irkit.cli.inputs import SHOWN
    from irkit.errors import ConfigError
    from irkit.evaluate import tune_ratings
    from irkit.recipe import load_recipe
    from irkit.recommend import Recommender
    from irkit.recommend.problems import SplitChoice, load_problem
    from irkit.registry import STAGES
    from irkit.yamlfile import parse_value

    recipe = load_recipe(space.recipe)
    wanted = None if split is None else parse_value(split, "tune: --split")
    if isinstance(wanted, dict):
        wanted = SplitChoice.checked(wanted, lambda message, *_: ConfigError(message), who="tune: --split")
    kind: Any = STAGES.load(recipe.stages[0]["use"])
    predicts = len(recipe.stages) == 1 and issubclass(kind, Recommender) and kind.predicts_ratings
    problem = _right_kind(lambda: load_problem(source, wanted, **told), f"{recipe.name} learns from ratings")
    tuned = tune_ratings(recipe, space, problem, measures or (ERRORS if predicts else LISTS), **how)
    return tuned, f"{source}: data {problem.fingerprint[:SHOWN]}"


def _right_kind(load: Callable[[], Any], needs: str) -> Any:
    """Load data; where they are of another kind, say what is needed."""
    from irkit.errors import ConfigError

    try:
        return load()
    except ConfigError as error:
        what, _, _ = str(error).partition("; ")
        if ": holds " not in what:
            raise
        raise ConfigError(f"tune: {what}, but {needs}; see irkit data list") from None
