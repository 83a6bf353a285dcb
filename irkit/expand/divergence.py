"""Term scoring from the divergence-from-randomness family: Bo1 and KL.

Source: Amati, "Probability models for information retrieval based on divergence from randomness",
PhD thesis, University of Glasgow, 2003, chapter 6.
Symbols: F feedback documents, W their terms; tf_x occurrences in the feedback set, cf in the collection.
Departures: the best terms are scaled to sum to 1 and mixed with the query by `keep`, as every model
here, instead of Terrier's addition of maximum-scaled weights.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats
from irkit.expand.feedback import Feedback, FeedbackStage


def bo1(tf_x: Floats, cf: Floats, documents: int) -> Floats:
    """Score terms by Bose-Einstein statistics: tf_x log2((1 + P) / P) + log2(1 + P), P = cf / N.

    Parameters
    ----------
    tf_x : (W,) float64
        Occurrences in the feedback documents together; a term with none scores 0.
    cf : (W,) float64, positive
        Occurrences in the collection.
    documents : int
        N.

    Returns
    -------
    (W,) float64, bits, nonnegative
    """
    p = cf / documents
    return np.where(tf_x > 0, tf_x * np.log2((1 + p) / p) + np.log2(1 + p), 0.0)


def kl(tf_x: Floats, p_collection: Floats) -> Floats:
    """Score terms by their share of the Kullback-Leibler divergence of the feedback set from the collection.

    p_x log2(p_x / p_c), p_x = tf_x / sum(tf_x); terms rarer than in the collection score 0.

    Returns
    -------
    (W,) float64, bits, nonnegative
    """
    p_x = tf_x / tf_x.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        share = p_x * np.log2(p_x / p_collection)
    return np.where(p_x > p_collection, share, 0.0)


class Bo1(FeedbackStage):
    """Expand with the terms Bo1 finds most informative in the top documents."""

    name = "bo1"

    def estimate(self, feedback: Feedback) -> Floats:
        """Return Bo1 weights."""
        cf = feedback.collection * self.index.stats.tokens
        return bo1(feedback.counts.sum(axis=0), cf, feedback.documents)


class KL(FeedbackStage):
    """Expand with the terms whose frequency in the top documents diverges most from the collection's."""

    name = "kl"

    def estimate(self, feedback: Feedback) -> Floats:
        """Return KL weights."""
        tf_x = feedback.counts.sum(axis=0)
        return kl(tf_x, feedback.collection) if tf_x.any() else tf_x
