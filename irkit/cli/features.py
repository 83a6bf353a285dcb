"""`irkit features`: write the features that a recipe makes, with labels, for rankers to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from irkit.cli.printing import counted, say

if TYPE_CHECKING:
    from irkit.frames import Qrels
    from irkit.pipeline import Stage


def features(
    recipe: str,
    source: str,
    /,
    *,
    output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None,
    queries: Path | None = None,
    qrels: Path | None = None,
    split: str | None = None,
    set: list[str] | None = None,
    vectors: str | None = None,
    encoder: str | None = None,
    cross_encoder: str | None = None,
) -> None:
    """Write the features that a recipe makes, with judgements, for rankers to learn from.

    A recipe that learns is run up to the stage that does: what is written is what that would learn from.
    The file has a line a document, as LETOR and svmlight with queries have them: label qid:ID 1:VALUE
    2:VALUE ... #docid = ID. A document that nobody judged has the label 0; queries without judgements are
    left out. What the features are is printed in their order.

    For example:

        irkit features bm25-features-linear lee
        irkit features bm25-features-linear cranfield -o cranfield.txt.gz
        irkit features bm25-features-linear my-index --queries queries.tsv --qrels judged.qrels

    Parameters
    ----------
    recipe
        A recipe's name (irkit pipelines list) or the path of a recipe file.
    source
        A collection's name (irkit data list) or folder; or an index folder together with --queries and --qrels.
    output
        The file, packed if it ends in .gz, .bz2, .xz or .zst; - is standard output. Default <recipe>.letor in
        this folder.
    queries
        A file of queries, instead of the collection's own.
    qrels
        A file of judgements, instead of the collection's own.
    split
        Which of the collection's sets of queries, such as train; default its own default.
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
    """
    from irkit.cli.inputs import SHOWN, data_hash, topics
    from irkit.errors import ConfigError
    from irkit.io import write_letor
    from irkit.io.outputs import check_output
    from irkit.pipeline.filters import DropSelf
    from irkit.pipeline.naming import feature_names
    from irkit.recipe.ready import built, prepared

    words = {"index": source, "vectors": vectors, "encoder": encoder, "cross_encoder": cross_encoder}
    loaded = prepared(recipe, set, words, who="features", fits=True)
    target = output or Path(f"{loaded.name}.letor")
    check_output(target, who="features", option="-o", inputs=(recipe, source, queries, qrels, vectors))
    every = topics(source, queries, split, who="features")
    labels, exclude_self = _labels(source, qrels, split)
    asked = every[every["qid"].isin(labels["qid"])].reset_index(drop=True)
    if not len(asked):
        raise ConfigError(f"features: none of the {len(every)} queries is judged; give judgements of them with --qrels")
    pipeline = _before(built(loaded, words, who="features"))
    hits: Any = pipeline.run(asked)
    if "features" not in hits.columns:
        raise ConfigError(
            f"features: recipe {loaded.name} makes no features; put pipelines side by side with use: features"
        )
    if exclude_self:
        hits = DropSelf().run(hits)
    write_letor(hits, labels, target)
    names = feature_names(pipeline, hits.columns["features"].shape[1])
    for number, name in enumerate(names, 1):
        say(f"{number:4}  {name}", beside=target)
    left = f", {len(every) - len(asked)} without judgements left out" if len(asked) < len(every) else ""
    say(
        f"{target}: {counted(len(asked), 'query')}{left}, {counted(len(hits), 'line')}, "
        f"{counted(len(names), 'feature')}, data {data_hash(source)[:SHOWN]}",
        beside=target,
    )


def _labels(source: str, qrels: Path | None, split: str | None) -> tuple[Qrels, bool]:
    """Return the judgements of a file, or else of the collection, and whether a document is no answer to itself."""
    from irkit.cli.inputs import judgements
    from irkit.errors import ConfigError
    from irkit.io import load_collection, read_qrels
    from irkit.recipe.resources import is_index

    if qrels is None:
        if is_index(source):
            raise ConfigError(f"features: {source} is an index and has no judgements; give a file with --qrels")
        return judgements(source, split, who="features")
    return read_qrels(qrels), not is_index(source) and load_collection(source).exclude_self


def _before(pipeline: Stage) -> Stage:
    """Return the stages before the first that learns, or all where none does."""
    from irkit.errors import ConfigError
    from irkit.pipeline import Then
    from irkit.pipeline.fit import before_learning

    if not pipeline.learns:
        return pipeline
    before, rest = before_learning(pipeline)
    if not before:
        raise ConfigError(f"features: {rest.name} learns, and nothing stands before it; cut the recipe where it begins")
    return Then.of(*before)
