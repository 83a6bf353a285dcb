"""Four points and a plane of latent variables: the smallest data whose posteriors are not Gaussian and are known.

    z ~ N(0, I) in the plane        p(x = i | z) = softmax over j of l_j . z, at i

with loadings l_j of one length and a right angle between neighbours. By symmetry p(x = i) = 1/4, and the posterior of
point i is the prior cut to the quarter of the plane around l_i, with a soft edge.

Source: after the four points of Mescheder, Nowozin and Geiger, "Adversarial variational Bayes", ICML 2017, section 5,
where the likelihood is learned; here it is given, so that the posterior is the same for every model.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats
from irkit.io.kinds import DataSet, Rows

LENGTH = 6.0
"Of a loading."

COPIES = 64
"Rows of each point to train on, 256 in all, so that a batch holds each of them many times."


def loadings() -> Floats:
    """Return the loadings of the softmax: (4, 2)."""
    return LENGTH * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def four_points() -> DataSet[Rows]:
    """Four one-hot rows, with a given likelihood of two latent variables whose posteriors are known."""
    points = np.eye(4, dtype=np.float32)
    test = Rows(points)
    train = test.take(np.tile(np.arange(4), COPIES))
    stated = " ".join(f"{value:g}" for value in loadings().ravel())
    return DataSet("four-points", train, test.take(np.arange(0)), test, {"loadings": stated})
