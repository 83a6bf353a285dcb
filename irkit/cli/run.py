"""`irkit run`: run a recipe on queries and write a run file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from irkit.cli.numbers import MaybeWhole
from irkit.cli.printing import counted, note, say

if TYPE_CHECKING:
    from irkit.frames import Queries
    from irkit.pipeline import Stage
    from irkit.recipe import Recipe

PART = 500
"Queries that are run at once, so that it can be said how far a run is."


def run(
    recipe: str,
    source: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None,
    queries: Path | None = None,
    format: str = "auto",
    encoding: str = "utf-8",
    split: str | None = None,
    n: Annotated[MaybeWhole, Parameter(name=["-n", "--n"])] = None,
    set: list[str] | None = None,
    vectors: str | None = None,
    encoder: str | None = None,
    cross_encoder: str | None = None,
    train: str | None = None,
    tag: str | None = None,
    metadata: bool = False,
) -> None:
    """Run a recipe on the queries of a collection and write TREC's run format.

    The collection is indexed on first use, and the index is kept in the user's folder. The hash of
    the data is printed: equal digits are equal data, whatever their name.

    For example:

        irkit run bm25 lee -o bm25.run
        irkit run bm25 my-index --queries queries.tsv -n 100 --set k1=1.2 -o tuned.run
        irkit run learned-bm25-ql-tf-idf nfcorpus --train train

    Parameters
    ----------
    recipe
        A recipe's name (irkit pipelines list) or the path of a recipe file.
    source
        A collection's name (irkit data list) or folder; or an index folder together with --queries.
    output
        The run file, packed if it ends in .gz, .bz2, .xz or .zst; - is standard output. Default <recipe>.run in
        this folder.
    queries
        A file of queries, instead of the collection's own.
    format
        How that file is written, if its name and content do not tell.
    encoding
        Encoding of that file, such as latin-1.
    split
        Which of the collection's sets of queries, such as test; default its own default.
    n
        Documents kept per query.
    set
        A setting of the recipe, such as k1=1.2, or 0.k1=1.2 for its first stage; may be repeated.
    vectors
        Word vectors for a recipe that needs them: a file, trained:ppmi-svd, trained:word2vec, or
        trained: and a training recipe, such as trained:docnade-retrieval.
    encoder
        A model of documents for a recipe that needs one: a training recipe such as lsa, whose model learns the
        documents that are searched; a trained model's file; or a pretrained one, as in transformers:models/bert.
    cross_encoder
        For a recipe that needs one: what reads it and the folder of the model, as in cross-encoder:models/mini.
    train
        For a recipe that learns: a split of the collection, such as train, or a file of judgements of some
        of its queries. Queries that are learned from are left out of the run.
    tag
        The last column of the run file; default the recipe's name.
    metadata
        Say above the results how they were made, in comment lines as ir_metadata has them. trec_eval and ir-measures
        do not read such a file before these lines are taken out.
    """
    import pandas as pd

    from irkit.cli.fitting import check_train, fitted
    from irkit.cli.inputs import SHOWN, check_tag, data_hash, topics
    from irkit.errors import ConfigError
    from irkit.io import write_run
    from irkit.io.outputs import check_output
    from irkit.recipe.ready import built, prepared

    if n is not None and n < 1:
        raise ConfigError(f"run: -n must be 1 or more, got {n}")
    words = {"index": source, "vectors": vectors, "encoder": encoder, "cross_encoder": cross_encoder}
    loaded = prepared(recipe, set, words, who="run", fits=True)
    check_train(loaded, train)
    name = loaded.name
    check_tag(tag, who="run")
    target = output or Path(f"{name}.run")
    check_output(target, who="run", option="-o", inputs=(recipe, source, queries, vectors, train))
    asked = topics(source, queries, split, format, encoding, who="run")
    pipeline, learned = built(loaded, words, who="run"), ""
    if train is not None:
        pipeline, asked, said = fitted(pipeline, source, train, asked, split)
        learned = f"; {said}"
    if n is not None:
        pipeline = pipeline % n
    start = time.perf_counter()
    results = _in_parts(pipeline, asked, name, whole=loaded.needs != ("index",))
    seconds = time.perf_counter() - start
    made = _metadata(loaded, source, split, queries, seconds / max(len(asked), 1)) if metadata else None
    write_run(results, target, tag or name, made)
    answered = (results["qid"] if isinstance(results, pd.DataFrame) else pd.Series(results.query)).nunique()
    if without := len(asked) - answered:
        note(f"{counted(without, 'query')} without results")
    say(
        f"{target}: {counted(len(asked), 'query')}, {counted(len(results), 'line')}, "
        f"{1000 * seconds / max(len(asked), 1):.2f} ms per query, data {data_hash(source)[:SHOWN]}{learned}",
        beside=target,
    )


def _in_parts(pipeline: Stage, asked: Queries, name: str, *, whole: bool) -> Any:
    """Run a pipeline on some queries at a time and say how far it is; `whole` leaves them together.

    What comes of a query does not depend on the others, but for the last digits of products of matrices.
    """
    import pandas as pd

    from irkit.hits import stacked
    from irkit.progress import progress

    size = len(asked) if whole else PART
    found: list[Any] = []  # hits, which need no frame to be written
    with progress(len(asked), name, " queries") as bar:
        for at in range(0, max(len(asked), 1), max(size, 1)):
            part = asked.iloc[at : at + size]
            found.append(pipeline.run(part.reset_index(drop=True)))
            bar.update(len(part))
    if len(found) == 1:
        return found[0]
    if isinstance(found[0], pd.DataFrame):
        return pd.concat(found, ignore_index=True)
    return stacked(found, pd.concat([hits.queries for hits in found], ignore_index=True))


def _metadata(
    recipe: Recipe, source: str, split: str | None, queries: Path | None, seconds: float
) -> dict[str, dict[str, Any]]:
    """Say how a run was made, as ir_metadata does; the research goal is for its author to say."""
    import shlex
    import sys

    import irkit
    from irkit.cli.inputs import data_hash
    from irkit.machine import machine

    own = machine()
    made_from = {"name": source, "split": split, "topics": None if queries is None else str(queries)}
    return {
        "platform": {
            "hardware": {"cpu": {"model": own["cpu"], "number of cores": own["cores"]}},
            "operating system": {"kernel": own["platform"]},
            "software": {"python": own["python"], "retrieval toolkit": [f"irkit=={irkit.__version__}"]},
        },
        "implementation": {
            "executable": {"cmd": shlex.join(["irkit", *sys.argv[1:]])},
            "source": {"lang": ["python", "java"]},
        },
        "resources": {"seconds per query": round(seconds, 6)},
        "method": {"automatic": True, "name": recipe.name, "recipe hash": recipe.hash, "retrieval": recipe.stages},
        "data": {
            "test collection": {name: value for name, value in made_from.items() if value is not None}
            | {"hash": data_hash(source)}
        },
    }
