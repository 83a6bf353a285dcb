"""Relevance judgements at hand: what is known of documents for a query, and how good a ranking is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from irkit.errors import ConfigError, IrkitError
from irkit.serve.limits import RequestError, UnknownError
from irkit.wording import shown

if TYPE_CHECKING:
    from irkit.frames import Qrels


class Judgements:
    """Judged queries, by id and where they are known by text.

    Parameters
    ----------
    name : str
    qrels : qrels frame
        One that was checked.
    texts : mapping of qid to text, optional
    index : str, optional
        Name of the index whose documents are judged; None where it is not said.
    """

    def __init__(
        self, name: str, qrels: Qrels, texts: Mapping[str, str] | None = None, index: str | None = None
    ) -> None:
        self.name, self.index = name, index
        self._own = {str(qid): own for qid, own in qrels.groupby("qid", sort=False)}
        self._texts = {qid: text for qid, text in (texts or {}).items() if qid in self._own}
        self._ids: dict[str, str] = {}
        for qid, text in self._texts.items():
            self._ids.setdefault(_folded(text), qid)
        self._exclude_self = bool(qrels.attrs.get("exclude_self"))

    @classmethod
    def open(cls, source: str, indexes: Sequence[str], *, who: str) -> Judgements:
        """Read a file of judgements, or those of a collection with its queries.

        Parameters
        ----------
        source : str
            A file or a collection, perhaps as INDEX=SOURCE.
        indexes : sequence of str
            Names of what is served: where there are several, judgements are of the one that is named, or is called like
            the collection.

        Raises
        ------
        IrkitError
            If they cannot be read, or it is not clear of which index they are.
        """
        from irkit.io import load_collection, read_qrels
        from irkit.recipe.resources import source_path

        index, sign, rest = source.partition("=")
        if sign and index in indexes:
            source = rest
        else:
            index = indexes[0] if len(indexes) == 1 else ""
        path = source_path(source)
        if path is not None and path.is_file():
            return cls(Path(source).stem, read_qrels(path), index=index or _of(source, source, indexes, who))
        collection = load_collection(source)
        queries = collection.queries()
        if not len(qrels := collection.qrels()):
            raise ConfigError(f"{who}: {source} has no judgements; name another with --judgements")
        texts = dict(zip(queries["qid"], queries["query"], strict=True))
        return cls(collection.name, qrels, texts, index or _of(collection.name, source, indexes, who))

    def __len__(self) -> int:
        return len(self._own)

    @property
    def qids(self) -> list[str]:
        """Ids of the judged queries."""
        return list(self._own)

    @property
    def has_texts(self) -> bool:
        """Whether texts of queries are known."""
        return bool(self._texts)

    def text(self, qid: str) -> str | None:
        """Return the text of a query, None where it is not known."""
        return self._texts.get(qid)

    def find(self, qid: str | None, query: str | None) -> str:
        """Return the id of the judged query that is meant: the given one, or the one of a text.

        Raises
        ------
        UnknownError, RequestError
            If it is not judged, or neither is given.
        """
        if qid is not None:
            if qid not in self._own:
                raise UnknownError(f"qid: no query {shown(qid)} is judged; choose from {', '.join(self.qids[:5])} ...")
            return qid
        if query is None:
            raise RequestError("qid: name a judged query by its qid, or by its text as query")
        if _folded(query) not in self._ids:
            raise UnknownError(f"query: no judged query has the text {shown(query)}; name one by its qid")
        return self._ids[_folded(query)]

    def labels(self, qid: str, docnos: Sequence[str]) -> list[int | None]:
        """Return the label of each document, None where it has none."""
        own = self._own[qid]
        labels = dict(zip(own["docno"], own["label"].tolist(), strict=True))
        return [None if docno not in labels else int(labels[docno]) for docno in docnos]

    def relevant(self, qid: str) -> int:
        """Return how many documents are relevant for a query."""
        return int((self._own[qid]["label"] > 0).sum())

    def measure(self, qid: str, docnos: Sequence[str], measures: str) -> dict[str, float]:
        """Return what measures say of documents in order; one that does not hold a relevant document scores 0.

        Raises
        ------
        RequestError
            If a measure is not known, or cannot be computed here.
        """
        import numpy as np
        import pandas as pd

        from irkit.evaluate import evaluate

        frame = pd.DataFrame(
            {"qid": [qid] * len(docnos), "docno": list(docnos), "score": -np.arange(len(docnos), dtype=np.float64)}
        ).astype({"qid": "str", "docno": "str"})
        try:
            return dict(evaluate(frame, self._own[qid], measures, exclude_self=self._exclude_self).means)
        except IrkitError as error:  # also what is not installed
            raise RequestError(str(error)) from None


def _of(name: str, source: str, indexes: Sequence[str], who: str) -> str:
    """Return the index that is called like judgements."""
    if name in indexes:
        return name
    known = ", ".join(indexes) or "there is none"
    raise ConfigError(f"{who}: of which index are the judgements {source}? write INDEX={source}; indexes: {known}")


def _folded(text: str) -> str:
    return " ".join(text.lower().split())
