"""What vectors tell of sets: against a loop, for vectors that tell all or nothing, and the controls."""

from dataclasses import replace

import numpy as np
import pytest

from irkit.errors import AbilityError, ConfigError
from irkit.io.kinds import DataSet, Ragged, Rows, Sets
from irkit.io.made.families import families
from irkit.learn.judges.moments import DRAWN, FAMILY, LINEAR, MEAN, VARIANCE, Moments, explained


class Encoded:
    """What encodes as it is told."""

    name = "encoded"
    takes = frozenset({"sets"})

    def __init__(self, encode, able=True, variance=0.0):
        self.encode, self.able, self.variance = encode, able, variance

    def posteriors(self, sets):
        mean = self.encode(sets)
        return mean, np.full_like(mean, self.variance, dtype=float)

    def can(self, ability):
        return self.able and ability == "encode"


@pytest.fixture(scope="module")
def judge():
    return Moments(families((1, 1, 201), 40))


def test_explained_is_by_least_squares_on_the_first_rows():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    a = np.column_stack([x[:20], np.ones(20)])
    w = np.linalg.solve(a.T @ a, a.T @ y[:20])
    slow = [1 - (x[i] @ w[:2] + w[2] - y[i]) ** 2 / np.mean((y[20:] - y[20:].mean()) ** 2) for i in range(20, 30)]
    np.testing.assert_allclose(explained(x, y, 20), slow, rtol=1e-9)
    residual = y[20:] - x[20:] @ w[:2] - w[2]
    assert explained(x, y, 20).mean() == pytest.approx(1 - (residual**2).mean() / y[20:].var())


def test_vectors_that_are_the_moments_tell_them_and_a_constant_tells_nothing(judge):
    test = families((1, 1, 201), 40).test
    tells = Encoded(lambda sets: np.array([[one.mean(dtype=float), one.var(dtype=float)] for one in sets.x]))
    found = judge.values(tells, seed=1)
    assert {name: one.shape for name, one in found.items()} == dict.fromkeys(judge.quantities, (100,))
    assert found[MEAN].mean() > 0.999
    assert found[VARIANCE].mean() > 0.999
    nothing = judge.values(Encoded(lambda sets: np.ones((len(sets), 1))), seed=1)
    assert abs(nothing[MEAN].mean()) < 0.1
    always = [(test.labels[101:] == family).tolist() for family in range(4)]
    assert nothing[LINEAR].tolist() in always
    assert nothing[FAMILY].tolist() in always
    labels = judge.values(Encoded(lambda sets: np.eye(4)[sets.labels]), seed=1)
    assert labels[FAMILY].mean() == labels[LINEAR].mean() == 1


def test_draws_tell_no_more_than_their_variance_lets_them(judge):
    own = lambda sets: np.array([[one.mean(dtype=float), one.var(dtype=float)] for one in sets.x])  # noqa: E731
    exact, noise = (judge.values(Encoded(own, variance=one), seed=1) for one in (0.0, 100.0))
    for name, drawn in DRAWN.items():
        np.testing.assert_array_equal(exact[drawn], exact[name])
        np.testing.assert_array_equal(noise[name], exact[name])
    assert noise[DRAWN[MEAN]].mean() < 0.1 < 0.999 < noise[MEAN].mean()
    again, other = (judge.values(Encoded(own, variance=100.0), seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(again[DRAWN[MEAN]], noise[DRAWN[MEAN]])
    assert not np.array_equal(other[DRAWN[MEAN]], noise[DRAWN[MEAN]])


def test_families_that_no_plane_parts_are_told_by_hidden_units(judge):
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 201)
    rings = lambda sets: (sets.labels + 1)[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])  # noqa: E731
    found = judge.values(Encoded(rings), seed=1)
    assert found[FAMILY].mean() > found[LINEAR].mean() + 0.3


def test_controls_are_the_moments_and_chance(judge):
    controls = {one.name: one.values for one in judge.controls()}
    assert controls["six moments"][MEAN].min() > 0.999
    assert controls["six moments"][VARIANCE].min() > 0.999
    assert controls["six moments"][FAMILY].mean() > 0.6
    assert set(controls["chance"][FAMILY]) == set(controls["chance"][LINEAR]) == {0.25}
    assert abs(controls["chance"][MEAN].mean()) < 0.1
    for control in controls.values():
        assert control.keys() == judge.quantities.keys()
    assert "fitted on 101 test sets and measured on 100 others" in judge.facts[0]


def test_what_cannot_be_judged_is_refused(judge):
    rows = Rows(np.zeros((2, 2), np.float32))
    with pytest.raises(ConfigError, match=r"moments: test sets of single numbers are needed, .* got 2 rows of shape"):
        Moments(DataSet("plain", rows, rows, rows))
    part = families((1, 1, 3), 5).test
    with pytest.raises(ConfigError, match="4 or more, got 3 sets"):
        Moments(DataSet("few", part, part, part))
    unlabelled = Sets(families((1, 1, 9), 5).test.x)
    with pytest.raises(ConfigError, match="with labels"):
        Moments(DataSet("none", unlabelled, unlabelled, unlabelled))
    with pytest.raises(AbilityError, match="moments: judges models that encode, which encoded does not"):
        judge.measures(Encoded(None, able=False), seed=1)
    blind = Encoded(None)
    blind.takes = frozenset({"rows"})
    with pytest.raises(AbilityError, match="moments: judges models that give posteriors of sets, which encoded does"):
        judge.measures(blind, seed=1)


@pytest.mark.parametrize(
    ("lengths", "labels", "message"),
    [
        ([2, 2, 0, 2], [0, 1, 0, 1], "of finite numbers are needed, got one without in odd"),
        ([2, 2, 2, 2], [0, 0, 1, 1], "must differ in family, mean and variance, got one in its first half"),
        ([2, 2, 1, 1], [0, 1, 0, 1], "got one variance of all in its second half"),
    ],
)
def test_sets_of_which_there_is_nothing_to_tell_are_refused(lengths, labels, message):
    x = np.random.default_rng(0).normal(size=(sum(lengths), 1))
    part = Sets(Ragged(x, np.array(lengths)), labels=np.array(labels))
    with pytest.raises(ConfigError, match=f"moments: test sets .*{message}"):
        Moments(DataSet("odd", part, part, part))


def test_sets_without_a_label_are_left_out():
    part = families((1, 1, 30), 5).test
    labels = part.labels.copy()
    labels[::3] = -1
    own, other = (
        Moments(DataSet("some", one, one, one))
        for one in (replace(part, labels=labels), part.take(np.flatnonzero(labels >= 0)))
    )
    assert own.size == other.size == 10
    np.testing.assert_array_equal(own.labels, other.labels)
