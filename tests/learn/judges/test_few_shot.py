"""Few-shot classification: by hand, against a loop, and embeddings that tell all, nothing or chance."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from irkit.errors import AbilityError, ConfigError
from irkit.io.kinds import DataSet, Ragged, Rows, Sets
from irkit.learn.judges.few_shot import EPISODES, TASKS, FewShot, episodes, kl, told


class Inferred:
    """What gives posteriors as it is told."""

    name, takes = "inferred", frozenset({"sets"})

    def __init__(self, posteriors):
        self.posteriors = posteriors

    def can(self, ability):
        return ability == "encode"


def classes(n: int = 24, each: int = 8) -> DataSet[Sets]:
    """Elements whose first value is their class and whose others are noise, in sets of two."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, each, 3))
    x[:, :, 0] = np.arange(n)[:, None]
    part = Sets(Ragged(x.reshape(-1, 3), np.full(n * each // 2, 2)), labels=np.repeat(np.arange(n), each // 2) + 7)
    return DataSet("classes", part, part.cut(0), part)


@pytest.fixture(scope="module")
def judge():
    return FewShot(classes())


def means(sets) -> np.ndarray:
    return np.array([one.mean(0) for one in sets.x])


def test_the_divergence_is_that_of_gaussians():
    rng = np.random.default_rng(0)
    m, s = rng.normal(size=(2, 4, 3)), rng.uniform(0.3, 2, (2, 4, 3))
    one, other = (Normal(torch.from_numpy(m[i]), torch.from_numpy(s[i])) for i in (0, 1))
    np.testing.assert_allclose(kl(m[0], s[0] ** 2, m[1], s[1] ** 2), kl_divergence(one, other).sum(1), rtol=1e-10)


def test_episodes_have_other_pictures_of_other_classes():
    labels = np.repeat(np.arange(6), 4)
    asked, support = episodes(labels, 5, 3, 200, np.random.default_rng(0))
    assert (asked.shape, support.shape) == ((200,), (200, 5, 3))
    for one, each in zip(asked, support, strict=True):
        assert len({one, *each.ravel()}) == 16
        assert (labels[each] == labels[each][:, :1]).all()
        assert len({*labels[each][:, 0]}) == 5
        assert labels[one] == labels[each][0, 0]
    assert len(np.unique(asked)) == 24


def test_against_a_loop(judge):
    def posteriors(sets):
        return means(sets)[:, :2], np.array([one.var(0)[:2] + 0.5 for one in sets.x])

    found = judge.values(Inferred(posteriors), seed=1)
    for name, (ways, _) in TASKS.items():
        asked, support = judge.episodes[name]
        for at in range(20):
            q = posteriors(Sets(Ragged.of([judge.pictures[[asked[at]]]])))
            each = [posteriors(Sets(Ragged.of([judge.pictures[one]]))) for one in support[at]]
            distance = [float(kl(q[0], q[1], *one)[0]) for one in each]
            assert found[name][at] == (np.argmin(distance) == 0)
            assert len(distance) == ways


def test_what_knows_the_class_is_right_and_what_knows_nothing_is_chance(judge):
    knows = judge.values(Inferred(lambda sets: (means(sets)[:, :1], np.full((len(sets), 1), 0.01))), seed=1)
    assert {name: one.tolist() for name, one in knows.items()} == dict.fromkeys(TASKS, [1.0] * EPISODES)
    same = judge.values(Inferred(lambda sets: (np.zeros((len(sets), 2)), np.ones((len(sets), 2)))), seed=1)
    rng = np.random.default_rng(0)
    blind = judge.values(Inferred(lambda sets: (rng.normal(size=(len(sets), 2)), np.ones((len(sets), 2)))), seed=1)
    chance = {one.name: one.values for one in judge.controls()}["chance"]
    for name, (ways, _) in TASKS.items():
        assert same[name].tolist() == chance[name].tolist() == [1 / ways] * EPISODES
        assert blind[name].mean() == pytest.approx(1 / ways, abs=4 * np.sqrt((1 - 1 / ways) / ways / EPISODES))


def test_pixels_are_told_by_the_nearest_mean(judge):
    pixels = next(one for one in judge.controls() if one.name == "pixels").values
    asked, support = judge.episodes["5-way 5-shot"]
    slow = []
    for one, each in zip(asked, support, strict=True):
        apart = [np.sum((judge.pictures[one] - judge.pictures[own].mean(0)) ** 2) for own in each]
        slow.append(np.argmin(apart) == 0)
    np.testing.assert_array_equal(pixels["5-way 5-shot"], slow)
    assert pixels["5-way 5-shot"].mean() > pixels["20-way 1-shot"].mean()


def test_a_picture_that_is_in_two_sets_is_asked_for_by_no_support_of_its_own():
    data = classes()
    twice = data.test.take(np.repeat(np.arange(len(data.test)), 2))
    judge = FewShot(DataSet("twice", data.train, data.valid, twice))
    assert len(judge.pictures) == 24 * 8
    for asked, support in judge.episodes.values():
        assert not (support == asked[:, None, None]).any()


def test_seeds_of_models_change_nothing_and_facts_are_told(judge):
    model = Inferred(lambda sets: (means(sets), np.ones((len(sets), 3))))
    for name, one in judge.values(model, seed=1).items():
        np.testing.assert_array_equal(one, judge.values(model, seed=2)[name])
    assert judge.facts == ("600 episodes of each task, the same for all, of 192 pictures of 24 classes",)
    assert told(np.array([[3.0, 3.0, 3.0, 9.0]])).tolist() == [1 / 3]


def test_what_cannot_be_judged_is_refused(judge):
    rows = Rows(np.zeros((2, 2), np.float32))
    with pytest.raises(ConfigError, match="few-shot: test sets with labels are needed, got rows"):
        FewShot(DataSet("plain", rows, rows, rows))
    for given, got in ((classes(19), "19 classes and 8"), (classes(24, 4), "24 classes and 4")):
        with pytest.raises(ConfigError, match=f"20 classes and 6 different elements of each, got {got}; choose"):
            FewShot(given)
    model = Inferred(None)
    del model.posteriors
    with pytest.raises(AbilityError, match="few-shot: judges models that give posteriors of sets, which inferred do"):
        judge.measures(model, seed=1)


def test_sets_without_a_label_are_left_out():
    data = classes()
    labels = data.test.labels.copy()
    labels[labels == labels[0]] = -1
    part = replace(data.test, labels=labels)
    assert len(np.unique(FewShot(replace(data, test=part)).labels)) == len(np.unique(labels)) - 1
