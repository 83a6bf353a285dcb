"""`irkit search`: one query on one index. Loads no pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from irkit.cli.numbers import Whole
from irkit.cli.printing import note, say, say_json
from irkit.screen import visible

if TYPE_CHECKING:
    from irkit.lucene import Index


def search(
    index: str,
    query: str,
    /,
    *words: str,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 10,
    model: str = "bm25",
    k1: float | None = None,
    b: float | None = None,
    mu: float | Literal["auto"] | None = None,
    lam: float | None = None,
    json: bool = False,
) -> None:
    """Search an index.

    Prints rank, score, id and the start of the text, separated by tabs.

    For example:

        irkit search lee-index storm damage in Sydney
        irkit search lee storm damage -n 3 --model ql-dirichlet --mu 100 --json

    Parameters
    ----------
    index
        An index folder: made by irkit index, by Anserini or by pyserini; or a collection's name or folder,
        whose index is built on first use.
    query
        The query text.
    words
        Further words of the query, which so needs no quotes.
    n
        Documents shown.
    model
        The weighting model: bm25, ql-dirichlet, ql-jelinek-mercer, lucene-qld, lucene-qljm or tf-idf.
    k1
        For bm25: saturation of term frequency; default 0.9.
    b
        For bm25: length normalisation; default 0.4.
    mu
        For ql-dirichlet and lucene-qld: prior mass in tokens; default 1000.
    lam
        For ql-jelinek-mercer and lucene-qljm: weight of the collection model; default 0.1.
    json
        Print one JSON object per line, with the whole text.
    """
    from irkit.errors import ConfigError
    from irkit.lucene.similarity import similarity
    from irkit.lucene.snippets import snippet, stored_texts

    if n < 1:
        raise ConfigError(f"search: -n must be 1 or more, got {n}")
    given = {name: value for name, value in {"k1": k1, "b": b, "mu": mu, "lam": lam}.items() if value is not None}
    weighting = similarity(model, **given)
    opened, asked = _opened(index), " ".join([query, *words])
    found = opened.search([asked], n, weighting)
    if not len(found.doc):
        known = "no term of the query is in the index" if opened.analyze([asked])[0] else "the query has no terms"
        note(f"{known}; nothing found")
    docnos = [str(docno) for docno in opened.docnos.take(found.doc).to_pylist()]
    texts = stored_texts(opened, docnos)
    for rank, (docno, score, text) in enumerate(zip(docnos, found.score.tolist(), texts, strict=True), 1):
        if json:
            row = {"rank": rank, "docno": docno, "score": score}
            say_json(row if text is None else {**row, "text": text})
        else:
            cells = [str(rank), f"{score:.4f}", docno]
            say("\t".join(map(visible, cells if text is None else [*cells, snippet(text)])))


def _opened(source: str) -> Index:
    """Open an index, or that of a collection by name or folder; what is neither is said with near misses."""
    from irkit.errors import NotFoundError, near_misses
    from irkit.locate import names
    from irkit.lucene import Index
    from irkit.recipe.resources import is_index, open_index, source_path

    path = source_path(source)
    if path is None or (path.is_dir() and any(path.iterdir()) and not is_index(source)):
        return open_index(source)
    if not path.exists() and path.name == source:
        here = [place.name for place in Path().iterdir() if is_index(f"./{place.name}")]
        known = near_misses(source, [*here, *names("data")])
        raise NotFoundError(f"search: there is no index or collection {source!r}; {known}")
    return Index.open(path)
