"""Waves: three numbers that follow a rotating point which is pushed at random, of which the exact likelihood is known.

    z_1 ~ N(0, I),  z_t = rho R z_t-1 + push e_t       two numbers, R a rotation by 30 degrees, e_t ~ N(0, 1)
    x_t = C z_t + r noise                              three numbers

A push moves all three numbers of a step together: a network that gives them as independent is far from the truth,
however well it remembers, and one latent number a step is enough to come near it.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats
from irkit.io.kinds import DataSet, Ragged, Sequences
from irkit.rng import generator

RHO, R = 0.95, 0.1
"How much of the point's place stays, and the deviation of the noise of what is seen."
TURN = np.array([[np.cos(np.pi / 6), -np.sin(np.pi / 6)], [np.sin(np.pi / 6), np.cos(np.pi / 6)]])
PUSH = np.array([0.5, 0.5])
SEEN = np.array([[1.0, 0.0], [0.0, 1.0], [0.7, 0.7]])
SIZES, SHORTEST, LONGEST = (400, 100, 200), 20, 40
"Sequences of each part, and their steps."


def waves() -> DataSet[Sequences]:
    """Noisy sights of a rotating point in three numbers, 20 to 40 steps each."""
    rng = generator(0, "waves")

    def one() -> Floats:
        z = rng.normal(size=2)
        steps = []
        for _ in range(rng.integers(SHORTEST, LONGEST + 1)):
            steps.append(SEEN @ z + rng.normal(0, R, 3))
            z = RHO * TURN @ z + PUSH * rng.normal()
        return np.array(steps, dtype=np.float32)

    train, valid, test = (Sequences(Ragged.of([one() for _ in range(n)])) for n in SIZES)
    return DataSet("waves", train, valid, test, {"noise": f"pushes of {PUSH.tolist()}, {R:g} of what is seen"})


def log_likelihood(x: Floats) -> float:
    """Return log p(x) of a sequence (T, 3) under what made it, by the Kalman filter: nats."""
    mean, variance = np.zeros(2), np.eye(2)
    total = 0.0
    for seen in np.asarray(x, dtype=np.float64):
        expected = SEEN @ variance @ SEEN.T + np.eye(3) * R**2
        error = seen - SEEN @ mean
        total -= 0.5 * (error @ np.linalg.solve(expected, error) + np.linalg.slogdet(expected)[1])
        total -= 1.5 * np.log(2 * np.pi)
        gain = np.linalg.solve(expected, SEEN @ variance).T
        mean, variance = mean + gain @ error, variance - gain @ SEEN @ variance
        mean, variance = RHO * TURN @ mean, RHO**2 * TURN @ variance @ TURN.T + np.outer(PUSH, PUSH)
    return float(total)
