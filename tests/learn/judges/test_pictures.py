"""The judge of pictures: its figures against closed forms and loops, and who it tells apart."""

import numpy as np
import pytest

from irkit.errors import AbilityError, ConfigError, DataError
from irkit.io import load_data
from irkit.io.kinds import DataSet, Pictures, Rows
from irkit.learn.judges import classifier
from irkit.learn.judges.pictures import (
    BATCHES,
    Moments,
    contrast,
    frechet_distance,
    in_class_distances,
    pair_distance,
)
from irkit.learn.judges.pictures import Pictures as Judge
from irkit.rng import check_seed


class Drawn:
    """What draws and reconstructs as it is told."""

    name = "drawn"

    def __init__(self, sample, reconstruct=None):
        self._sample, self.reconstruct = sample, reconstruct

    def can(self, ability):
        return ability == "sample" or (ability == "reconstruct" and self.reconstruct is not None)

    def sample(self, n, *, seed):
        return self._sample(np.random.default_rng(seed), n)


@pytest.fixture(scope="module")
def data():
    whole = load_data("digits", binarise="none")
    return DataSet("digits", *(whole.part(name) for name in ("train", "valid", "test")))


@pytest.fixture(scope="module")
def judge(data):
    return Judge(data)


# ------------------------------------------------------------------------------------------------ exact


def test_the_frechet_distance_of_gaussians_in_closed_form():
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    ones, others = np.array([1.0, 4.0, 9.0, 0.0]), np.array([4.0, 4.0, 0.25, 1.0])  # one of no full rank
    mean = rng.normal(size=(2, 4))
    one, other = (Moments(m, turn * v @ turn.T) for m, v in zip(mean, (ones, others), strict=True))
    # of covariances with the same axes: |m - m'|^2 + sum over axes of (s - s')^2
    wanted = np.square(mean[0] - mean[1]).sum() + np.square(np.sqrt(ones) - np.sqrt(others)).sum()
    assert frechet_distance(one, other) == pytest.approx(wanted, rel=1e-7)
    assert frechet_distance(other, one) == pytest.approx(wanted, rel=1e-7)
    assert frechet_distance(other, other) == pytest.approx(0, abs=1e-12)


def test_the_frechet_distance_of_gaussians_whose_axes_differ():
    """The trace of (S S')^1/2 in two dimensions is sqrt(tr(S S') + 2 sqrt(det(S S')))."""
    one, other = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.7], [-0.7, 3.0]])
    product = one @ other
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    wanted = np.trace(one) + np.trace(other) - 2 * root
    assert frechet_distance(Moments(np.zeros(2), one), Moments(np.zeros(2), other)) == pytest.approx(wanted, rel=1e-12)


def test_distances_and_contrast_against_loops():
    x, classes = np.random.default_rng(1).random((7, 5)), np.array([0, 1, 0, 2, 1, 0, 1])
    distance = lambda a, b: float(np.sqrt(((a - b) ** 2).sum()))  # noqa: E731
    pairs = [(i, j) for i in range(7) for j in range(i)]
    assert pair_distance(x) == pytest.approx(np.mean([distance(x[i], x[j]) for i, j in pairs]))
    found = in_class_distances(x, classes, 4)
    for one in range(2):
        wanted = np.mean([distance(x[i], x[j]) for i, j in pairs if classes[i] == classes[j] == one])
        assert found[one] == pytest.approx(wanted)
    assert np.isnan(found[2:]).all()
    assert contrast(np.array([[0.0, 1.0], [0.5, 0.5]])) == pytest.approx(0.25)


# ------------------------------------------------------------------------------------------------ judging


def test_real_data_is_what_it_is_held_against(judge):
    (real,) = judge.controls()
    found = {name: one.mean() for name, one in real.values.items()}
    assert set(found) == set(judge.quantities)
    assert all(one.shape == (BATCHES,) for one in real.values.values())
    assert found["classes"] == 10
    assert found["feature error"] == 0
    assert found["label accuracy"] == pytest.approx(judge.accuracy)
    for name in ("pair distance", "in-class distance", "contrast"):
        assert found[name] == pytest.approx(1, abs=0.05)
    assert f"right on {judge.accuracy:.3f} of the test pictures" in judge.facts[0]
    assert judge.accuracy > 0.95


def test_what_is_wrong_with_a_model_shows(judge, data):
    train, test = data.part("train"), data.part("test")
    fine = judge.values(Drawn(lambda rng, n: train.x[rng.permutation(len(train.x))[:n]], lambda part: part.x), seed=1)
    fallen = judge.values(Drawn(lambda rng, n: np.tile(test.x[:1], (n, 1)), lambda part: part.x[::-1]), seed=1)
    blurred = judge.values(Drawn(lambda rng, n: (train.x[:n] + train.x.mean(0)) / 2, lambda part: part.x), seed=1)
    assert set(fallen["classes"]) == {1}
    assert set(fallen["pair distance"]) == {0}
    # another picture's reconstruction: right where both have one label
    labels = test.labels
    assert fallen["label accuracy"].mean() == pytest.approx((labels == labels[::-1]).mean(), abs=0.05)
    assert fallen["feature error"].mean() > 20
    assert blurred["contrast"].mean() < 0.95
    assert blurred["pair distance"].mean() == pytest.approx(0.5, abs=0.05)
    assert fine["frechet distance"].mean() < 0.2 * blurred["frechet distance"].mean()
    assert blurred["frechet distance"].mean() < fallen["frechet distance"].mean()


def test_a_model_that_does_not_reconstruct_is_judged_by_its_samples(judge, data):
    model = Drawn(lambda rng, n: rng.random((n, 64)))
    assert list(judge.measures(model, seed=1)) == [name for name in judge.quantities if name not in judge.asks]
    judge.check(model, ["classes"])
    with pytest.raises(
        AbilityError,
        match="pictures: feature error is of models that reconstruct, which drawn does not; choose other measures",
    ):
        judge.check(model, ["classes", "feature error"])


def test_rows_and_pictures_are_seen_alike():
    colours = np.random.default_rng(0).random((12, 3, 4, 5), dtype=np.float32)
    rows = colours.transpose(0, 2, 3, 1).reshape(12, -1)  # a row has its channels last
    judge = Judge.__new__(Judge)
    judge.spec = Rows(rows, (4, 5, 3)).spec
    np.testing.assert_array_equal(judge.shaped(rows), colours)
    judge.spec = Pictures(colours).spec
    np.testing.assert_array_equal(judge.shaped(colours), colours)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Rows(np.zeros((20, 16), np.float32)), r"pictures of 4 pixels a side or more are judged, got rows"),
        (Rows(np.zeros((20, 12), np.float32), (3, 4)), r"got rows of shape \(12,\) and picture \(3, 4\) in odd"),
        (Rows(np.zeros((20, 16), np.float32), (4, 4)), r"at least 10 labelled pictures .* got 0 in the train part"),
    ],
)
def test_data_that_cannot_be_judged_is_refused(part, message):
    with pytest.raises(ConfigError, match=message):
        Judge(DataSet("odd", part, part, part))


def test_pictures_that_are_all_alike_judge_nothing():
    labels = np.arange(20) % 2
    part = Rows(np.full((20, 16), 0.5, np.float32), (4, 4), labels=labels)
    with pytest.raises(
        ConfigError, match="pictures: test pictures must differ and show something, got grey; judge oth"
    ):
        Judge(DataSet("grey", part, part, part))


def test_a_class_with_no_two_test_pictures_is_held_against_any_two(monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", 1)
    monkeypatch.setattr(classifier.Classifier, "predict", lambda self, x: np.arange(len(x)) // (len(x) - 1))
    x = np.random.default_rng(0).random((12, 16), dtype=np.float32)
    part = Rows(x, (4, 4), labels=np.arange(12) % 2)
    judge = Judge(DataSet("few", part, part, part))
    assert judge.distances[1] == judge.distance != judge.distances[0]


def test_the_largest_seed_is_one_and_what_is_not_finite_is_refused(judge):
    seeds = []
    model = Drawn(None)
    model.sample = lambda n, *, seed: seeds.append(check_seed(seed)) or np.random.default_rng(seed).random((n, 64))
    judge.values(model, seed=2**64 - 1)
    assert len(set(seeds)) == BATCHES
    with pytest.raises(DataError, match="pictures: values must be finite, got one that is not; train the model otherw"):
        judge.values(Drawn(lambda rng, n: np.full((n, 64), np.nan)), seed=1)
