"""ERM the slow way: every similarity of every pair of terms of the feedback documents."""

import numpy as np


def erm_model(f, vectors, index, config):
    """Compute p(w | theta_F) up to a factor, from the formula, for unit vectors of index terms: (W,) float64."""
    words = index.vocabulary.terms.take(f.terms).to_pylist()
    rows = {word: row for row, word in enumerate(vectors.words)}
    unit = [vectors.matrix[rows[word]].astype(np.float64) if word in rows else None for word in words]
    similar = np.empty((len(words), len(words)))
    for i, left in enumerate(unit):
        for j, right in enumerate(unit):
            cosine = float(i == j) if left is None or right is None else left @ right
            similar[i, j] = 1 / (1 + np.exp(-config.a * ((cosine + 1) / 2 - config.c)))
    mu = 3 * index.stats.mean_length if config.mu == "auto" else config.mu
    semantic = config.beta if config.beta_on == "semantic" else 1 - config.beta
    prior = mu if config.smooth else 0.0
    model = np.zeros(len(words))
    for counts, length in zip(f.counts, f.lengths, strict=True):
        p_tm = 1.0
        p_sem = np.ones(len(words))
        for place in np.flatnonzero(f.query):
            share = f.collection[place]
            p_tm *= ((counts[place] + mu * share) / (length + mu)) ** f.query[place]
            translated = similar[place] * counts[place] / (counts @ similar)
            p_sem *= ((length * translated + prior * share) / (length + prior)) ** f.query[place]
        model += ((1 - semantic) * p_tm + semantic * p_sem) * (counts + mu * f.collection) / (length + mu)
    return np.where(f.counts.any(axis=0), model, 0.0)
