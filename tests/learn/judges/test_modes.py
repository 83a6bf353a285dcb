"""Modes covered: counted by hand, against a loop, and of the ring itself."""

import numpy as np
import pytest

from irkit.errors import AbilityError, ConfigError, DataError
from irkit.io import load_data
from irkit.io.kinds import DataSet, Ragged, Rows, Sequences
from irkit.io.made.ring import centres
from irkit.learn.judges.modes import BATCHES, Modes, covered
from irkit.rng import check_seed


class Drawn:
    """What draws as it is told."""

    name = "drawn"

    def __init__(self, draw):
        self.draw = draw

    def can(self, ability):
        return ability == "sample"

    def sample(self, n, *, seed):
        return self.draw(np.random.default_rng(seed), n)


@pytest.fixture(scope="module")
def judge():
    return Modes(load_data("ring"))


def test_by_hand():
    modes = np.array([[0.0, 0.0], [1.0, 0.0]])
    samples = np.array([[0.0, 0.29]] * 2 + [[0.0, 0.31]] + [[1.0, 0.0]] + [[0.5, 0.5]] * 97)
    assert covered(samples, modes, 0.1) == (1, 3 / 101)  # 2 of 101 are 1 %, 1 is not; the third is too far


def test_against_a_loop(judge):
    rng = np.random.default_rng(0)
    samples = centres()[rng.integers(0, 5, 2000)] + rng.normal(0, 0.03, (2000, 2))
    near = [[i for i, c in enumerate(centres()) if np.sqrt(((x - c) ** 2).sum()) <= 0.06] for x in samples]
    found = covered(samples, centres(), 0.02)
    assert found.share == np.mean([bool(one) for one in near])
    assert found.modes == sum(sum(i in one for one in near) >= 20 for i in range(8))


def test_the_ring_covers_its_modes_and_one_point_covers_one(judge):
    (real,) = judge.controls()
    assert (real.name,) == judge.beside
    assert set(real.values["modes"]) == {8}
    # of a circular Gaussian exp(-9 / 2) is outside of 3 standard deviations
    assert real.values["share"].mean() == pytest.approx(1 - np.exp(-4.5), abs=0.002)
    fallen = judge.values(Drawn(lambda rng, n: np.tile(centres()[0], (n, 1))), seed=1)
    assert fallen["share"].tolist() == [1.0] * BATCHES
    assert fallen["modes"].tolist() == [1.0] * BATCHES


def test_batches_and_seeds_draw_anew(judge):
    asked = []
    model = Drawn(lambda rng, n: asked.append(rng.random()) or np.zeros((n, 2)))
    for seed in (1, 2, 1):
        judge.values(model, seed=seed)
    assert len(set(asked)) == 2 * BATCHES
    assert asked[:BATCHES] == asked[-BATCHES:]


def test_modes_must_be_known():
    rows = Rows(np.zeros((2, 2), np.float32))
    with pytest.raises(ConfigError, match="modes: the modes of plain are not known; its details need `modes`"):
        Modes(DataSet("plain", rows, rows, rows))


def test_a_model_must_sample(judge):
    model = Drawn(None)
    model.can = lambda ability: False
    with pytest.raises(AbilityError, match="modes: judges models that sample, which drawn does not"):
        judge.measures(model, seed=1)


@pytest.mark.parametrize("details", [{"modes": ""}, {"deviation": "0"}, {"deviation": "nan"}, {"modes": "0 inf"}])
def test_modes_that_cannot_be_are_refused(details):
    rows = Rows(np.zeros((2, 2), np.float32))
    with pytest.raises(ConfigError, match="modes: the modes of odd are not known"):
        Modes(DataSet("odd", rows, rows, rows, {"modes": "0 0", "deviation": "1", **details}))


def test_only_rows_have_modes():
    part = Sequences(Ragged.of([np.zeros((3, 2))]))
    with pytest.raises(
        ConfigError,
        match="modes: the modes of odd are not known; its details need `modes`, the numbers of all centres of its",
    ):
        Modes(DataSet("odd", part, part, part, {"modes": "0 0", "deviation": "1"}))


def test_the_largest_seed_is_one_too(judge):
    seeds = []
    model = Drawn(None)
    model.sample = lambda n, *, seed: seeds.append(check_seed(seed)) or np.zeros((n, 2))
    judge.values(model, seed=2**64 - 1)
    assert len(set(seeds)) == BATCHES


def test_values_that_are_not_finite_are_refused(judge):
    lost = Modes.__new__(Modes)
    lost.values = lambda model, *, seed: {"share": np.array([0.5, np.nan])}
    with pytest.raises(DataError, match="modes: values must be finite, got one of share for drawn that is not; train"):
        lost.measures(Drawn(None), seed=1)
