"""What is served, opened once and shared by all threads: indexes, pipelines on them, fitted recommenders.

Every question is answered here, with plain values and within the limits. Nothing in it knows of the web, and nothing is
written: what is asked changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import irkit
from irkit.deadline import check_deadline
from irkit.errors import ConfigError
from irkit.ids import documents_of
from irkit.serve import answers, opening, texts
from irkit.serve.boards import Boards
from irkit.serve.limits import (
    Limits,
    UnknownError,
    check_count,
    check_depth,
    check_id,
    check_query,
    check_span,
)
from irkit.serve.shelf import Served, Shelf, one_query
from irkit.wording import shown

if TYPE_CHECKING:
    import pandas as pd

    from irkit.lucene import Index
    from irkit.pipeline import Stage

T = TypeVar("T")

FEW = 10
"Documents or items that are given where nothing else is said."

DEFAULT = "bm25"
"The recipe that is served on indexes where none is named."


class Library:
    """Everything that is served; its methods may be called from several threads at once.

    Parameters
    ----------
    shelves : mapping of name to Shelf
    models : mapping of name to Served
        Fitted recommenders.
    limits : Limits, optional
    boards : Boards, optional
    """

    def __init__(
        self,
        shelves: Mapping[str, Shelf],
        models: Mapping[str, Served] | None = None,
        limits: Limits | None = None,
        boards: Boards | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._shelves, self._models, self._boards = dict(shelves), dict(models or {}), boards
        self._opened = time.monotonic()

    @classmethod
    def open(
        cls,
        recipes: Sequence[str] = (),
        indexes: Sequence[str] = (),
        *,
        ratings: str | None = None,
        layout: Mapping[str, Any] | None = None,
        models: Sequence[str | Path] = (),
        words: Mapping[str, str | None] | None = None,
        boards: str | Path | None = None,
        limits: Limits | None = None,
        who: str = "serve",
    ) -> Library:
        """Open what is served, fit the recommenders, and ask every pipeline once.

        Parameters
        ----------
        recipes : sequence of str
            Names or paths of recipes: pipelines, each served on every index, and recommenders, fitted on `ratings`.
            Without one of a pipeline, indexes are served with BM25.
        indexes : sequence of str
            Index folders or collections, each perhaps as NAME=FOLDER; else a name is made of the source.
        ratings : str, optional
            A collection or file of ratings.
        layout : mapping, optional
            How they are read, as `irkit.recommend.load_ratings` takes it.
        models : sequence of path
            Recommenders that `irkit recommend --save` wrote, each named like its file.
        words : mapping, optional
            What `vectors`, `encoder` and `cross_encoder` mean, for recipes that need them.
        boards : path, optional
            A folder of result files.
        limits : Limits, optional
        who : str
            The command, which begins the errors.

        Raises
        ------
        IrkitError
            If something cannot be opened, or there is nothing to serve.
        """
        searched, fitted = opening.sorted_recipes(recipes, who=who)
        named = opening.named_sources(indexes, who=who)
        if searched and not named:
            raise ConfigError(f"{who}: recipe {searched[0]} needs an index; name one with --index")
        if not (named or fitted or models):
            raise ConfigError(f"{who}: there is nothing to serve; name an index with --index, or a recommender")
        kept = None if boards is None else Boards(boards)
        shelves = opening.shelves(searched or [DEFAULT] * bool(named), named, words or {}, who=who)
        return cls(shelves, opening.recommenders(fitted, ratings, layout or {}, models, who=who), limits, kept)

    def close(self) -> None:
        """Close the indexes; whoever still searches them gets an error."""
        for shelf in self._shelves.values():
            shelf.index.close()

    # ------------------------------------------------------------------ what is served

    def catalogue(self) -> answers.Catalogue:
        """Return everything that is served."""
        return answers.Catalogue(
            indexes=self.indexes(), pipelines=self.pipelines(), models=self.models(), deepest=self.limits.k
        )

    def indexes(self) -> list[answers.IndexInfo]:
        """Return the indexes that are served."""
        return [
            answers.IndexInfo(
                name=name,
                documents=len(shelf.index),
                terms=shelf.index.stats.terms,
                mean_length=shelf.index.stats.mean_length,
                analyzer=shelf.index.analyzer.name,
                texts=len(shelf.index) > 0 and texts.stored(shelf.index, [shelf.index.docnos[0]]) != [None],
            )
            for name, shelf in self._shelves.items()
        ]

    def pipelines(self) -> list[answers.PipelineInfo]:
        """Return the pipelines, each of which is served on every index; the first is meant where none is named."""
        from irkit.pipeline.unfold import in_row

        shelf = next(iter(self._shelves.values()), None)
        return [
            answers.PipelineInfo(name=name, about=one.about, stages=[stage.label() for stage in in_row(one.stage)])
            for name, one in (shelf.pipelines.items() if shelf is not None else ())
        ]

    def models(self) -> list[answers.ModelInfo]:
        """Return the recommenders that are served."""
        from irkit.recommend.lists import recommenders

        trained = {name: next(recommenders(one.stage)).fitted for name, one in self._models.items()}
        return [
            answers.ModelInfo(
                name=name, about=one.about, users=len(trained[name].users), items=len(trained[name].items)
            )
            for name, one in self._models.items()
        ]

    def boards(self) -> answers.BoardNames:
        """Return the names of the result files."""
        return answers.BoardNames(boards=[] if self._boards is None else self._boards.names())

    def board(self, name: str) -> answers.Report:
        """Return what a result file holds, as tables.

        Raises
        ------
        UnknownError
            If there is no such file of results.
        """
        if self._boards is None:
            raise UnknownError("boards: none are served")
        return self._boards.board(name)

    def health(self) -> answers.Health:
        """Say that it works, and since when."""
        seconds = time.monotonic() - self._opened
        return answers.Health(status="ok", version=irkit.__version__, seconds=round(seconds, 3))

    # ------------------------------------------------------------------ questions

    def search(
        self,
        index: str,
        query: str,
        pipeline: str | None = None,
        k: int | None = None,
        start: int = 0,
        text: bool = False,
    ) -> answers.Results:
        """Search an index.

        Parameters
        ----------
        index, pipeline : str
            Names of what is served; default the first pipeline.
        query : str
        k, start : int
            How many documents, default 10 if so many may be asked for, and how many better ones are left out.
        text : bool
            Whether the start of each document's text is given too, where the index holds texts.

        Raises
        ------
        UnknownError
            If there is no such index or pipeline.
        RequestError
            If something is out of bounds.
        """
        check_query(query, self.limits)
        k = min(FEW, self.limits.k) if k is None else k
        check_depth(k, start, self.limits)
        shelf, name, served = self._pipeline(index, pipeline)
        found: Any = served.cut(start + k).run(one_query(query))
        docnos = found.docnos.take(found.doc[start:]).to_pylist()
        starts: Sequence[str | None] = [None] * len(docnos)
        if text:
            starts = texts.begins(shelf.index, docnos, found, start, self.limits.snippet)
        hits = [
            answers.Hit(rank=rank, docno=docno, score=score, text=own)
            for rank, (docno, score, own) in enumerate(
                zip(docnos, found.score[start:].tolist(), starts, strict=True), start + 1
            )
        ]
        terms, omitted = self._terms(shelf.index, query, found.queries)
        return answers.Results(
            index=index, pipeline=name, query=query, start=start, hits=hits, terms=terms, omitted_terms=omitted
        )

    def document(self, index: str, docno: str, start: int = 0, length: int | None = None) -> answers.Text:
        """Return a document's text, or a part of it.

        Parameters
        ----------
        index, docno : str
            Of a passage that a pipeline found, the document that it is of is given.
        start : int
            Characters that are left out.
        length : int, optional
            Characters that are given; default as many as one answer may hold.

        Raises
        ------
        UnknownError
            If there is no such index or document, or the index holds no texts.
        RequestError
            If something is out of bounds.
        """
        length = check_span(start, length, self.limits)
        shelf = self._shelf(index)
        docno = self._document(shelf, index, docno)
        (text,) = texts.stored(shelf.index, [docno])
        if text is None:
            raise UnknownError(f"index {index}: holds no texts, only what was made of them")
        start = min(start, len(text))
        return answers.Text(index=index, docno=docno, start=start, length=len(text), text=text[start : start + length])

    def has_passages(self, index: str, docnos: Sequence[str]) -> bool:
        """Say whether some of what was found are passages of documents.

        Raises
        ------
        UnknownError
            If there is no such index.
        """
        return documents_of(self._shelf(index).index.docnos, docnos) != list(docnos)

    def snippets(self, index: str, query: str, docnos: Sequence[str]) -> list[tuple[int, str] | None]:
        """Return of each document that was found the part with most of the query's terms, and where it begins.

        None where the index holds no texts. A snippet has as many characters as `limits.snippet`.

        Raises
        ------
        UnknownError
            If there is no such index.
        """
        from irkit.serve.snippets import snippets

        held = self._shelf(index).index
        return snippets(held.analyze, query, texts.whole(held, docnos), self.limits.snippet)

    def explain(self, index: str, query: str, docno: str, pipeline: str | None = None) -> answers.Trail:
        """Say how a document got its score: what each stage made of it, and what each term adds where that is known.

        Raises
        ------
        UnknownError
            If there is no such index, pipeline or document.
        RequestError
            If something is out of bounds.
        """
        from irkit.serve.trail import steps

        check_query(query, self.limits)
        shelf, name, served = self._pipeline(index, pipeline)
        self._document(shelf, index, docno)
        found = served.stage.explain(one_query(query), docno)
        rank = None if found.rank is None else found.rank + 1
        return answers.Trail(
            index=index, pipeline=name, query=query, docno=docno, rank=rank, score=found.score,
            steps=steps(found, self.limits.terms),
        )  # fmt: skip

    def recommend(self, model: str, user: str, n: int | None = None, why: bool = False) -> answers.Items:
        """Recommend items to a user.

        Parameters
        ----------
        model, user : str
            A user without ratings gets what is popular, and `notes` say so.
        n : int
            Items, default 10 if so many may be asked for.
        why : bool
            Whether each item comes with what its score is the sum of, where the model knows.

        Raises
        ------
        UnknownError
            If there is no such model.
        RequestError
            If something is out of bounds.
        """
        from irkit.recommend.lists import listed_by, notes_on_lists, strangers, users_frame

        check_id(user, "user", self.limits)
        n = min(FEW, self.limits.k) if n is None else n
        check_count(n, "n", self.limits)
        served = self._found(self._models, model, "model")
        rows = listed_by(served.cut(n), [user])
        asked = users_frame([user])
        items = [
            answers.Item(rank=rank, item=item, score=score, **(self._why(served.stage, asked, item) if why else {}))
            for rank, item, score in zip(rows["rank"].tolist(), rows["item_id"], rows["score"].tolist(), strict=True)
        ]
        known = not strangers(served.stage, [user])
        return answers.Items(
            model=model, user=user, known=known, items=items, notes=notes_on_lists(served.stage, [user], rows)
        )

    # ------------------------------------------------------------------ inside

    def _shelf(self, index: str) -> Shelf:
        return self._found(self._shelves, index, "index")

    def _pipeline(self, index: str, pipeline: str | None) -> tuple[Shelf, str, Served]:
        shelf = self._shelf(index)
        name = next(iter(shelf.pipelines)) if pipeline is None else pipeline
        return shelf, name, self._found(shelf.pipelines, name, "pipeline")

    @staticmethod
    def _found(served: Mapping[str, T], name: str, what: str) -> T:
        if name not in served:
            choose = f"choose from {', '.join(served)}" if served else "none is served"
            raise UnknownError(f"{what}: there is none called {shown(name)}; {choose}")
        return served[name]

    def _document(self, shelf: Shelf, index: str, docno: str) -> str:
        """Return the id of a document: its own, or that of one of its passages."""
        check_id(docno, "document", self.limits)
        (whole,) = documents_of(shelf.index.docnos, [docno])
        if shelf.index.docnos.rows([whole])[0] < 0:
            raise UnknownError(f"index {index}: there is no document {shown(docno)}")
        return whole

    def _terms(self, index: Index, query: str, queries: pd.DataFrame) -> tuple[list[answers.Term], int]:
        """Return the heaviest terms of a rewritten query, and how many others there are."""
        toks = queries["query_toks"].iloc[0] if "query_toks" in queries else None
        if not isinstance(toks, dict):
            return [], 0
        own = set(index.analyze([query])[0])
        heaviest = sorted(toks.items(), key=lambda item: (-item[1], item[0]))[: self.limits.terms]
        terms = [answers.Term(term=term, weight=weight, original=term in own) for term, weight in heaviest]
        return terms, len(toks) - len(terms)

    def _why(self, stage: Stage, asked: pd.DataFrame, item: str) -> dict[str, Any]:
        """Return the fields of an item that say what its score is the sum of."""
        from irkit.serve.trail import shares

        check_deadline()
        terms = stage.explain_terms(asked, item)
        return {} if terms is None else dict(zip(("why", "omitted"), shares(terms, self.limits.terms), strict=True))
