"""`irkit explain`: why did a document get its score?"""

from __future__ import annotations

from pathlib import Path

from irkit.cli.printing import say
from irkit.errors import NotFoundError


def explain(
    recipe: str,
    source: str,
    question: str,
    docno: str,
    /,
    *,
    query: bool = False,
    queries: Path | None = None,
    format: str = "auto",
    encoding: str = "utf-8",
    split: str | None = None,
    set: list[str] | None = None,
    vectors: str | None = None,
    encoder: str | None = None,
    cross_encoder: str | None = None,
) -> None:
    """Say how one document got its score for one query.

    Each stage of the pipeline shows the rank and score it gave; where a stage knows, the share of
    each term. Where scores are added, a part that lacks the document shows what it counted instead.

    For example:

        irkit explain bm25 lee lee-01 lee-14
        irkit explain bm25 my-index "storm damage" doc7 --query

    Parameters
    ----------
    recipe
        A recipe's name or the path of a recipe file.
    source
        A collection's name, or an index folder together with --query or --queries.
    question
        The id of a query; with --query its text.
    docno
        The id of the document.
    query
        Take the third argument as the text of a query.
    queries
        A file of queries to look the id up in, instead of the collection's own.
    format
        How that file is written, if its name and content do not tell.
    encoding
        Encoding of that file, such as latin-1.
    split
        Which of the collection's sets of queries, such as test; default its own default.
    set
        A setting of the recipe, such as k1=1.2; may be repeated.
    vectors
        Word vectors for a recipe that needs them: a file, trained:ppmi-svd, trained:word2vec, or
        trained: and a training recipe, such as trained:docnade-retrieval.
    encoder
        A model of documents for a recipe that needs one: a training recipe such as lsa, whose model learns the
        documents that are searched; a trained model's file; or a pretrained one, as in transformers:models/bert.
    cross_encoder
        For a recipe that needs one: what reads it and the folder of the model, as in cross-encoder:models/mini.
    """
    from irkit.cli.inputs import topics
    from irkit.errors import near_misses
    from irkit.frames import queries_frame
    from irkit.recipe.ready import built, prepared

    words = {"index": source, "vectors": vectors, "encoder": encoder, "cross_encoder": cross_encoder}
    loaded = prepared(recipe, set, words, who="explain")
    if query:
        asked = queries_frame(question)
    else:
        known = topics(source, queries, split, format, encoding, who="explain")
        asked = known[known["qid"] == question]
        if not len(asked):
            choose = near_misses(question, known["qid"])
            raise NotFoundError(f"explain: there is no query {question!r}, and a text needs --query; {choose}")
    pipeline = built(loaded, words, who="explain")
    say(pipeline.explain(asked.reset_index(drop=True), docno))
