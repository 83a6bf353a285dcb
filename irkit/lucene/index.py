"""An open Lucene index: search, explain, texts, and the sidecar's arrays."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from irkit.errors import ConfigError, JavaError, LockedError
from irkit.lucene import bridge
from irkit.lucene.analysis import Analyzer, check_analyzer, processors
from irkit.lucene.bridge import Found, Query, Scorer
from irkit.lucene.engine import Engine, Local
from irkit.lucene.shards import java_paths
from irkit.lucene.similarity import BM25, Similarity

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix, csr_matrix

    from irkit.arrays import Floats, Ints
    from irkit.hits import Docnos, Ties
    from irkit.lucene.sidecar import Sidecar
    from irkit.lucene.vocabulary import Vocabulary

log = logging.getLogger(__name__)

DEFAULT = BM25()

BATCH_TEXTS = 1000

ATTEMPTS = 5
"Times an index that is being replaced is opened anew."


class IndexStats(NamedTuple):
    """Counts of a collection."""

    documents: int
    "D."
    terms: int
    "V, distinct terms."
    tokens: int
    "Total term frequency."
    postings: int
    "Pairs of a term and a document that has it."
    mean_length: float
    "Tokens a document, empty ones included."
    empty: int
    "Documents without any term."


class Index:
    """A Lucene index opened for searching; make one with `Index.open` or `build_index`.

    An index may be used from several threads, and as a context manager that closes it. It stays
    as it was opened, even if the folder is rebuilt meanwhile. Pickling one stores its path.
    """

    def __init__(self, sidecar: Sidecar, engine: Engine) -> None:
        self._sidecar = sidecar
        self._engine = engine
        self._closer = weakref.finalize(self, engine.close)
        self._closer.atexit = False  # the JVM goes with the process

    @classmethod
    def open(cls, path: str | os.PathLike[str], analyzer: str | None = None) -> Index:
        """Open an index that irkit, Anserini or pyserini built.

        Parameters
        ----------
        path : path
            Folder of the index.
        analyzer : str, optional
            Analyser of the queries; by default the one the index was built with. Lucene does not
            record it, so for an index that irkit did not build it is taken to be `english`.

        Raises
        ------
        NotFoundError
            If there is no index at `path`.
        ConfigError
            If the index has no documents, deleted documents or not Anserini's fields, or there is
            no such analyser.
        DataError
            If a file is damaged (`DamagedError`, which names it), or two documents have the same
            id. What is damaged in the sidecar is made again instead.
        JavaError
            If Lucene cannot read the index.
        LockedError
            If the index is replaced faster than it can be opened.
        """
        from irkit.lucene.manifest import commit_key
        from irkit.lucene.sidecar import Sidecar

        name = None if analyzer is None else check_analyzer(analyzer)
        for _ in range(ATTEMPTS):
            sidecar = Sidecar.open(path, name)
            engine = Local(sidecar.path)
            index = cls(sidecar, engine)  # it closes what it opens, also if it is interrupted
            try:
                engine.open(java_paths(sidecar.path), sidecar.analyzer)
            except JavaError:
                if commit_key(sidecar.path) == sidecar.key:
                    raise
                continue
            if commit_key(sidecar.path) == sidecar.key:
                engine.use_rank(sidecar.docnos.rank)
                log.info("index %s: opened", sidecar.path)
                return index
            index.close()  # replaced between the two openings: the sidecar is not that of our index
        raise LockedError(f"index: {path} is being replaced again and again; open it when its builder has ended")

    def search(
        self,
        queries: Sequence[Query],
        k: int = 1000,
        similarity: Similarity = DEFAULT,
        *,
        threads: int | None = None,
        scorer: Scorer = "auto",
        ties: Ties = "trec",
    ) -> Found:
        """Rank documents for a batch of queries.

        Only documents with at least one of a query's terms are ranked, under exact query
        likelihood too. Terms the collection does not have are skipped.

        Parameters
        ----------
        queries : sequence of n queries
            A text is analysed as the documents were and is a bag of words; a mapping holds
            analysed terms and their weights, from 0 (left out) to 1e30.
        k : int
            Documents per query.
        similarity : Similarity
            Weighting model.
        threads : int, optional
            Defaults to the processors this process may use; at most one a query.
        scorer : {"auto", "maxscore", "wand", "taat"}
            How Lucene's models are scored; `auto` is `maxscore`, or `wand` where memory does not hold a query's lists.
            Results are bitwise the same while the n terms' shares of a score lie within a factor of 2^29 / n.
        ties : {"trec", "anserini"}
            Order of equal scores: docno descending as in trec_eval, or ascending.

        Returns
        -------
        Found
            `ptr`, `doc`, `score`. A query without known terms has no hits.

        Raises
        ------
        ConfigError
            If an argument is out of range; for a query the message says which and why.
        DataError
            If a query is not valid Unicode.
        """
        bridge.check_search(queries, k, threads, scorer, ties)
        exact = bridge.is_exact(similarity)
        if exact and scorer == "wand":
            raise ConfigError(
                "search: exact query likelihood is not among what Lucene scores, got scorer 'wand'; leave it 'auto'"
            )
        line, engine = self._model(similarity), self._opened()
        if exact:
            engine.use_lengths(self._sidecar.ready_lengths)
        k = min(k, len(self.docnos))
        parts = [
            engine.search(line, scorer, ties, batch, k, threads or processors(), exact=exact)
            for batch in bridge.batches(queries, k)
        ]
        return bridge.join(parts, exact=exact)

    def score(
        self,
        queries: Sequence[Query],
        ptr: Ints,
        doc: Ints,
        similarity: Similarity = DEFAULT,
        *,
        threads: int | None = None,
    ) -> Floats:
        """Score given documents for a batch of queries, each as `search` would score it, to the bit.

        A document without any of a query's terms has 0; under exact query likelihood it has its
        likelihood, as any other document.

        Parameters
        ----------
        queries, similarity, threads
            As for `search`.
        ptr : (n + 1,) int
            The documents of query i are `doc[ptr[i]:ptr[i + 1]]`.
        doc : (m,) int
            Rows of the index's docno table, in any order.

        Returns
        -------
        (m,) float64
        """
        bridge.check_search(queries, 1, threads, "auto", "trec")
        line, engine = self._model(similarity), self._opened()
        exact = bridge.is_exact(similarity)
        if exact:
            engine.use_lengths(self._sidecar.ready_lengths)
        most = int(np.diff(ptr).max(initial=1))
        scores, row = [np.zeros(0)], 0
        for batch in bridge.batches(queries, most):
            ends = ptr[row : row + len(batch) + 1]
            some = doc[ends[0] : ends[-1]]
            found = engine.score(line, batch, ends - ends[0], some, threads or processors(), exact=exact)
            scores.append(found.score.astype(np.float64))
            row += len(batch)
        return np.concatenate(scores)

    def explain(self, query: Query, docno: str, similarity: Similarity = DEFAULT) -> list[tuple[str, float, float]]:
        """Split the score of one document by the terms of a query.

        Returns
        -------
        list of (term, weight, contribution)
            Terms the collection has, largest contribution first. The contributions add up to the
            score: exactly for Lucene's models (summed as float64, rounded to float32), to 1e-12
            for exact query likelihood, where absent terms contribute too.

        Raises
        ------
        NotFoundError
            If there is no such document.
        """
        encoded = bridge.encode(query, "explain: the query")
        row = self.docnos.row(docno)
        line, engine = self._model(similarity), self._opened()
        if bridge.is_exact(similarity):
            engine.use_lengths(self._sidecar.ready_lengths)
        return sorted(engine.explain(line, encoded, row), key=lambda share: (-share[2], share[0]))

    def analyze(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the terms of each text, as the index's analyser makes them."""
        return self.analyzer.analyze(texts)

    def texts(self, docnos: Sequence[str]) -> list[str]:
        """Return the stored texts of documents.

        An index that irkit did not build stores the source of each document; where that is JSON of
        Anserini's, its text is taken out.

        Raises
        ------
        NotFoundError
            If there is no such document.
        ConfigError
            If the index was built without texts.
        """
        rows = self.docnos.rows(docnos)
        if len(rows) and rows.min() < 0:
            self.docnos.row(docnos[int(np.argmin(rows))])  # raises, with near misses
        engine, out = self._opened(), list[str | None]()
        for start in range(0, len(rows), BATCH_TEXTS):
            out += engine.texts(rows[start : start + BATCH_TEXTS])
        for docno, text in zip(docnos, out, strict=True):
            if text is None:
                raise ConfigError(f"index: {self.path} has no stored text of {docno!r}; build it with store_text=True")
        if self._sidecar.manifest.assumed:
            from irkit.lucene.anserini import text_of

            return [text_of(text) for text in out if text is not None]
        return out  # type: ignore[return-value]

    def close(self) -> None:
        """Free the index's files and memory in the JVM; a second call does nothing."""
        self._closer()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.docnos)

    def __repr__(self) -> str:
        return f"Index({str(self.path)!r}, {len(self):,} documents)"

    def _repr_html_(self) -> str:
        from irkit.table.html import facts_html

        facts = {"documents": f"{len(self):,}", "fingerprint": self.fingerprint, "folder": str(self.path)}
        return facts_html("index", facts)

    def __reduce__(self) -> Any:
        return _opened_again, (self.path, self._sidecar.analyzer)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._sidecar.path

    @property
    def fingerprint(self) -> str:
        """Identity of the content and the analyser."""
        return self._sidecar.fingerprint

    @property
    def analyzer(self) -> Analyzer:
        """The analyser of queries."""

        return Analyzer(self._sidecar.analyzer)

    @property
    def docnos(self) -> Docnos:
        """The external ids, by internal document number."""
        return self._sidecar.docnos

    @property
    def stats(self) -> IndexStats:
        """Counts of the collection."""
        m = self._sidecar.manifest
        return IndexStats(m.documents, m.terms, m.tokens, m.postings, m.tokens / max(m.documents, 1), m.empty)

    @property
    def vocabulary(self) -> Vocabulary:
        """The V terms with their document and collection frequencies."""
        return self._sidecar.vocabulary

    @property
    def lengths(self) -> Ints:
        """(D,) int32: exact number of tokens of each document."""
        return self._sidecar.lengths

    @property
    def postings(self) -> csc_matrix:
        """(D, V) int32 term frequencies by term, on read-only memory maps."""
        return self._sidecar.postings

    @property
    def forward(self) -> csr_matrix:
        """(D, V) int32 term frequencies by document, on read-only memory maps."""
        return self._sidecar.forward

    def _opened(self) -> Engine:
        if not self._closer.alive:
            raise JavaError(f"index: {self.path} is closed; open it again with Index.open")
        return self._engine

    def _model(self, similarity: Similarity) -> str:
        return bridge.model_line(similarity, self.stats.mean_length)


def _opened_again(path: Path, analyzer: str) -> Index:
    """Open an index in another process: a function that pickling names, where it would copy the code of a method."""
    return Index.open(path, analyzer)
