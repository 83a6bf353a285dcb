"""Waves: three numbers that follow a rotating point, of which the exact likelihood is known.

    z_1 ~ N(0, q^2 / (1 - rho^2) I),  z_t = rho R z_t-1 + q noise      two numbers, R a rotation by 30 degrees
    x_t = C z_t + r noise                                              three numbers

What comes next is uncertain in two directions and, but for r, certain in the third: a network that gives the three
numbers of a step as independent is far from the truth, however well it remembers; one latent vector a step suffices.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats
from irkit.io.kinds import DataSet, Ragged, Sequences
from irkit.rng import generator

RHO, Q, R = 0.95, 0.5, 0.1
"How much of the point's place stays, and the deviations of its noise and of what is seen."
TURN = np.array([[np.cos(np.pi / 6), -np.sin(np.pi / 6)], [np.sin(np.pi / 6), np.cos(np.pi / 6)]])
SEEN = np.array([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]])
SIZES, SHORTEST, LONGEST = (400, 100, 200), 20, 40
"Sequences of each part, and their steps."


def waves() -> DataSet[Sequences]:
    """Noisy sights of a rotating point in three numbers, 20 to 40 steps each."""
    rng = generator(0, "waves")

    def one() -> Floats:
        z = rng.normal(0, Q / np.sqrt(1 - RHO**2), 2)
        steps = []
        for _ in range(rng.integers(SHORTEST, LONGEST + 1)):
            steps.append(SEEN @ z + rng.normal(0, R, 3))
            z = RHO * TURN @ z + rng.normal(0, Q, 2)
        return np.array(steps, dtype=np.float32)

    train, valid, test = (Sequences(Ragged.of([one() for _ in range(n)])) for n in SIZES)
    return DataSet("waves", train, valid, test, {"noise": f"{Q:g} of the point, {R:g} of what is seen"})


def log_likelihood(x: Floats) -> float:
    """Return log p(x) of a sequence (T, 3) under what made it, by the Kalman filter: nats."""
    mean, variance = np.zeros(2), np.eye(2) * Q**2 / (1 - RHO**2)
    total = 0.0
    for seen in np.asarray(x, dtype=np.float64):
        expected = SEEN @ variance @ SEEN.T + np.eye(3) * R**2
        error = seen - SEEN @ mean
        solved = np.linalg.solve(expected, error)
        total -= 0.5 * (error @ solved + np.linalg.slogdet(expected)[1] + 3 * np.log(2 * np.pi))
        gain = np.linalg.solve(expected, SEEN @ variance).T
        mean, variance = mean + gain @ error, variance - gain @ SEEN @ variance
        mean, variance = RHO * TURN @ mean, RHO**2 * TURN @ variance @ TURN.T + np.eye(2) * Q**2
    return float(total)
