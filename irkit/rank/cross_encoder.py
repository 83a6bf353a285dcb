"""Cross-encoders that people bring: whatever reads a query and a text together and says how well they fit.

    score(q, d) = model(text of q, text of d)

    mini = CrossEncoder(sentence_transformers.CrossEncoder("models/mini"), name="mini")
    Retrieve(index) % 100 >> LoadText(index) >> CrossEncode(mini)

As `rescore` does, the stage scores all results it is given, and their order is that of the new scores: cut before,
and append the rest where it is to stay, `(first % 100 >> LoadText(index) >> again) ^ first`. What was scored
once is found again by the content of query and text (`irkit.rank.remembered`).

Source: Nogueira and Cho, "Passage re-ranking with BERT", arXiv 1901.04085.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.config import Config, digest
from irkit.errors import ConfigError, FrameError, ShapeError
from irkit.frames import short
from irkit.hits import Hits
from irkit.locate import home
from irkit.pipeline.stage import Stage
from irkit.pipeline.texts import document_texts
from irkit.progress import progress as progress_of
from irkit.rank.encoder import texts_of
from irkit.rank.remembered import Remembered, key_of, safe_name
from irkit.rank.text_encoder import asked, check_brought


class CrossEncoder:
    """A model that scores pairs of a query and a text.

    Parameters
    ----------
    model : object or function
        Its `predict` takes a list of n pairs of a query and a text, as the class of this name of
        sentence-transformers has it; or else its `score`, or itself where it has none, takes a query and a list of
        n texts. It gives n numbers, the larger the better.
    name : str
        What the model is called. Scores are kept under it, and nothing else tells two functions apart: another model,
        other weights or another way to cut texts want another name.
    batch_size : int
        Pairs at a time.
    keep : bool
        Keep scores in the user's folder (`IRKIT_HOME`).
    progress : bool
        Draw a bar on a terminal while pairs are scored.

    Raises
    ------
    ConfigError
        If there is no such model, or it has no name.
    """

    def __init__(
        self, model: Any, *, name: str, batch_size: int = 32, keep: bool = True, progress: bool = True
    ) -> None:
        check_brought(name, batch_size, who="cross-encoder")
        self._pairs = getattr(model, "predict", None)
        self._score = getattr(model, "score", model)
        if not callable(self._pairs) and not callable(self._score):
            raise ConfigError(
                "cross-encoder: needs a function of a query and a list of texts, or an object with one called predict "
                f"or score, got {short(model)}; open a path by irkit.recipe.encoders.open_cross_encoder"
            )
        self.name, self.batch_size, self.progress = name, batch_size, progress
        self.fingerprint = digest("cross-encoder", name)
        own = home() / "texts" / f"{safe_name(name)}-{digest('scores', name)[:16]}"
        self._memory = Remembered(own if keep else None, np.float64)

    def scores(self, queries: Sequence[str], texts: Sequence[str]) -> Floats:
        """Return the score of each pair: (n,) float64.

        Parameters
        ----------
        queries, texts : n strings
        """
        keys = [key_of(*pair) for pair in zip(queries, texts, strict=True)]
        lengths = np.array(
            [-len(query) - len(text) for query, text in zip(queries, texts, strict=True)], dtype=np.int64
        )
        order = np.argsort(lengths, kind="stable")
        if not callable(self._pairs):  # one query after another, for it is called once for each in a batch
            number = {query: place for place, query in enumerate(dict.fromkeys(queries))}
            order = np.lexsort((lengths, np.array([number[query] for query in queries], dtype=np.int64)))

        def make(places: Ints) -> Floats:
            return self._made([(queries[place], texts[place]) for place in places])[:, None]

        with progress_of(len(keys), f"scoring by {self.name}", " pairs", shown=self.progress) as bar:
            rows = self._memory.rows(keys, make, batch_size=self.batch_size, order=order, bar=bar)
        return rows.ravel()

    def freeze(self) -> None:
        """Keep nothing more of what is asked, and show no progress: what strangers ask a service is theirs."""
        self._memory.frozen, self.progress = True, False

    def _made(self, pairs: list[tuple[str, str]]) -> Floats:
        """Give a batch to the model and check what it returns."""
        if callable(self._pairs):
            return self._checked(pairs, self._pairs, pairs)
        each = ([*group] for _, group in groupby(pairs, key=lambda pair: pair[0]))
        return np.concatenate([self._checked(own, self._score, own[0][0], [text for _, text in own]) for own in each])

    def _checked(self, pairs: list[tuple[str, str]], model: Callable[..., Any], *given: Any) -> Floats:
        who = f"cross-encoder {self.name!r}"
        found = asked(model, *given, who=who)
        if found.shape not in ((len(pairs),), (len(pairs), 1)):
            raise ShapeError(f"{who}: must give a number for each of the {len(pairs)} texts, got {found.shape}")
        scores: Floats = found.ravel().astype(np.float64)
        if not np.isfinite(scores).all():
            bad = int(np.argmin(np.isfinite(scores)))
            query, text = pairs[bad]
            raise FrameError(
                f"{who}: scores must be finite, got {scores[bad]} for the query {query!r} and {short(text)}; "
                "look at the model"
            )
        return scores


class CrossEncode(Stage):
    """Score results anew by a model that reads query and text together."""

    name = "cross-encode"
    needs = ("cross_encoder",)

    def __init__(self, cross_encoder: CrossEncoder, config: Config | None = None) -> None:
        super().__init__(config)
        self.cross_encoder = cross_encoder

    def run(self, flow: Hits) -> Hits:
        """Score all results.

        Raises
        ------
        FrameError
            If the results do not hold the texts of documents and queries.
        """
        if not len(flow):
            return flow
        queries, texts = texts_of(flow.queries, who=self.name), document_texts(flow, who=self.name)
        return flow.rescored(self.cross_encoder.scores([queries[row] for row in flow.query], texts))
