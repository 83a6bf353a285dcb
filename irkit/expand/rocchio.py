"""Rocchio's feedback in the vector space, positive documents only.

Source: Rocchio, "Relevance feedback in information retrieval", in Salton (ed.), The SMART retrieval
system, 1971.
Symbols: F feedback documents, W their terms.
Departures: pseudo-feedback has no known non-relevant documents, so there is no negative term; the
query and the centroid are mixed by `keep`.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats
from irkit.expand.feedback import Feedback, FeedbackStage


def tf_idf(counts: Floats, df: Floats, documents: int) -> Floats:
    """Weigh terms by (1 + log tf) log(N / df), rows scaled to unit length.

    Parameters
    ----------
    counts : (F, W) float64
    df : (W,) float64, positive
    documents : int
        N.

    Returns
    -------
    (F, W) float64; a row without terms stays zero.
    """
    weight = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0.0) * np.log(documents / df)
    length = np.linalg.norm(weight, axis=1, keepdims=True)
    unit: Floats = np.divide(weight, length, out=np.zeros_like(weight), where=length > 0)
    return unit


class Rocchio(FeedbackStage):
    """Move the query towards the centroid of its top documents."""

    name = "rocchio"

    def estimate(self, feedback: Feedback) -> Floats:
        """Return the centroid of the unit tf-idf vectors."""
        centroid: Floats = self.evidence(feedback)[1].mean(axis=0)
        return centroid

    def evidence(self, feedback: Feedback) -> tuple[list[str], Floats]:
        """Return the documents' unit tf-idf vectors."""
        documents, counts = super().evidence(feedback)
        return documents, tf_idf(counts, feedback.df, feedback.documents)
