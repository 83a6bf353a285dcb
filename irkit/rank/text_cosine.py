"""Answers by the cosine of the averages of word vectors of question and answer: a common baseline.

    t = sum over words of w[word] v[word] / |v[word]|        w = idf = log((N + 1) / (df + 1)), or 1
    score(q, a) = t_q . t_a / (|t_q| |t_a|)

A word counts as often as it occurs. Words without a vector do not count; a text without any has the cosine 0 with all
others. N are the distinct texts of the candidates that the stage is fitted on, df those of them with the word; labels
are not looked at. The scale of a sum does not change a cosine, so that it stands for the average.

Source: the bag-of-words baseline of Feng et al., "Applying deep learning to answer selection: a study and an open
task", ASRU 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import Any, Literal

import numpy as np

from irkit.arrays import Floats
from irkit.config import Config, digest
from irkit.hits import Hits
from irkit.pipeline.fit import Topics, not_fitted
from irkit.pipeline.stage import Stage
from irkit.pipeline.texts import document_texts
from irkit.rank.encoder import texts_of
from irkit.rank.overlap import Rarity, candidates, spelt, words
from irkit.text.vectors import Vectors, unit_rows


class TextCosineConfig(Config):
    """Settings of `TextCosine`."""

    weight: Literal["idf", "none"] = "idf"
    "How much a word counts: its idf, or 1."
    stems: bool = False
    "Whether words are stems; the vector of a stem is the centroid of its words."


class TextCosine(Stage):
    """Score answers by the cosine of averages of word vectors; fitted on candidates, for their idf."""

    name = "text-cosine"
    needs = ("vectors",)
    config_type = TextCosineConfig
    config: TextCosineConfig
    learns_from = Topics
    rarity: Rarity | None = None
    "What was learned."
    fitted_on: frozenset[str] | None = None

    def __init__(self, vectors: Vectors, config: TextCosineConfig | None = None, **settings: Any) -> None:
        super().__init__(config, **settings)
        self.vectors = vectors

    def fit(self, train: Topics, valid: Topics | None = None) -> TextCosine:
        """Return a copy that knows in how many texts words are.

        Parameters
        ----------
        train : Topics
            Results with texts.
        valid : Topics, optional
            Not looked at.

        Raises
        ------
        FrameError
            If they are no results with texts, or there are none.
        """
        hits = candidates(train, who=self.name)
        out = copy(self)
        out.rarity = Rarity.of(document_texts(hits, who=self.name), stems=self.config.stems)
        out.fitted_on = frozenset(hits.queries["qid"])
        return out

    def run(self, flow: Hits) -> Hits:
        """Score all results.

        Raises
        ------
        NotFittedError
            Before `fit`.
        FrameError
            If the results do not hold the texts of documents and queries.
        """
        if self.rarity is None:
            raise not_fitted(self)
        if not len(flow):
            return flow
        questions = unit_rows(self.sums(texts_of(flow.queries, who=self.name)))
        answers = unit_rows(self.sums(document_texts(flow, who=self.name)))
        return flow.rescored((questions[flow.query] * answers).sum(1))

    def sums(self, texts: Sequence[str]) -> Floats:
        """Return the weighted sum of the vectors of the words of each text: (n, d) float64."""
        if self.rarity is None:
            raise not_fitted(self)
        place = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        vectors, weighted = self._spelt, self.config.weight == "idf"
        out = np.zeros((len(place), vectors.size))
        for text, row in place.items():
            known = [word for word in words(text, stems=self.config.stems) if word in vectors.rows]
            if known:
                weights = [self.rarity[word] if weighted else 1.0 for word in known]
                out[row] = weights @ vectors.matrix[[vectors.rows[word] for word in known]].astype(np.float64)
        found: Floats = out[[place[text] for text in texts]]
        return found

    @cached_property
    def _spelt(self) -> Vectors:
        return spelt(self.vectors, stems=self.config.stems)

    @property
    def fingerprint(self) -> str:
        """Hash of the settings, the vectors and what was learned."""
        learned = None if self.rarity is None else [self.rarity.n, self.rarity.df]
        return digest(super().fingerprint, learned)
