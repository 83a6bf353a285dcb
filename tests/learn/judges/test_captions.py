"""Caption accuracy: by hand, of real pictures, of what draws the wrong ones, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from irkit.errors import AbilityError, ConfigError
from irkit.io import load_data
from irkit.io.kinds import DataSet, Rows
from irkit.learn.judges import captions, classifier
from irkit.learn.judges.captions import ROUNDS, Captions, corner_of, cropped


class Drawer:
    """Draws real pictures of other labels than it is asked for."""

    name = "drawer"

    def __init__(self, data, change):
        self.test, self.change = data.part("test"), change
        self.label_of = {tuple(words): label for words, label in zip(self.test.caption, self.test.labels, strict=True)}

    def can(self, ability):
        return ability == "sample"

    def draw(self, captions, *, seed):
        rng = np.random.default_rng(seed)
        labels = np.array([self.change(self.label_of[tuple(words)]) for words in captions])
        rows = [rng.choice(np.flatnonzero(self.test.labels == label)) if label >= 0 else -1 for label in labels]
        found = self.test.x[rows].astype(np.float32)
        found[labels < 0] = 0
        return found


@pytest.fixture(scope="module")
def data():
    return load_data("captioned-digits")


@pytest.fixture(scope="module")
def judge(data):
    return Captions(data)


def means(judge, model, seed=1):
    values = judge.values(model, seed=seed)
    assert values.keys() == judge.quantities.keys()
    assert all(one.shape == (ROUNDS,) == (judge.size,) for one in values.values())
    return {name: one.mean() for name, one in values.items()}


def test_corners_by_hand():
    ink = np.zeros((6, 5, 5))
    ink[0, 1, 1] = ink[1, 0, 4] = ink[2, 4, 0] = ink[3, 3, 3] = 1
    ink[4, 0, 0] = ink[4, 4, 3] = ink[4, 4, 4] = 1
    assert corner_of(ink).tolist() == [0, 1, 2, 3, 3, -1]
    pictures = np.arange(16.0).reshape(1, 1, 4, 4).repeat(4, 0)
    found = cropped(pictures, np.arange(4), 2)[:, 0]
    assert found[0].tolist() == [[0, 1], [4, 5]]
    assert found[1].tolist() == [[2, 3], [6, 7]]
    assert found[2].tolist() == [[8, 9], [12, 13]]
    assert found[3].tolist() == [[10, 11], [14, 15]]


def test_real_pictures_are_right_and_chance_is_what_it_is(judge):
    real, chance = judge.controls()
    shares = {name: one.mean() for name, one in real.values.items()}
    assert shares["joint"] > 0.93
    assert shares["position"] > 0.98
    assert shares["held-out joint"] > 0.9
    assert shares["shuffled"] < 0.06
    assert {name: one[0] for name, one in chance.values.items()} == pytest.approx(
        {"joint": 0.025, "digit": 0.1, "position": 0.25, "shuffled": 0.025}
        | {"held-out joint": 0.025, "held-out position": 0.25}
    )
    assert chance.values.keys() == real.values.keys() == judge.quantities.keys()
    assert "right on 9" in judge.facts[0]


def test_what_is_wrong_is_told_apart(judge, data):
    right = means(judge, Drawer(data, lambda label: label))
    assert right["joint"] > 0.93
    assert right["digit"] >= right["joint"]
    other_corner = means(judge, Drawer(data, lambda label: label // 4 * 4 + (label + 1) % 4))
    assert other_corner["digit"] > 0.9
    assert other_corner["position"] < 0.05
    assert other_corner["joint"] == 0
    other_digit = means(judge, Drawer(data, lambda label: (label + 4) % 40))
    assert other_digit["position"] > 0.98
    assert other_digit["digit"] < 0.06
    blank = means(judge, Drawer(data, lambda label: -1))
    assert set(blank.values()) == {0.0}
    held = set(map(int, data.details["held out"].split()))
    new = means(judge, Drawer(data, lambda label: -1 if label in held else label))
    assert new["held-out joint"] == new["held-out position"] == 0
    assert new["joint"] == right["joint"] or new["joint"] > 0.9


def test_seeds_draw_anew(judge, data):
    one, two, other = (judge.values(Drawer(data, lambda label: label), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["shuffled"], two["shuffled"])
    assert not np.array_equal(one["shuffled"], other["shuffled"])


def test_models_and_data_that_do_not_fit_are_refused(judge, data):
    rows = Rows(np.zeros((2, 4), np.float32))
    with pytest.raises(
        ConfigError, match="captions: where the digits of plain are is not known; its details need `quad"
    ):
        Captions(DataSet("plain", rows, rows, rows))
    with pytest.raises(ConfigError, match="captions: judges pictures with captions, got rows of shape"):
        Captions(DataSet("plain", rows, rows, rows, data.details))
    few = DataSet("few", data.train, data.valid, data.test.cut(20), data.details)
    with pytest.raises(ConfigError, match=r"captions: the test part of few lacks label \d+; give it all of them"):
        Captions(few)
    plain = type("Plain", (), {"name": "plain", "can": lambda self, ability: True})()
    with pytest.raises(
        AbilityError, match="captions: judges models that draw pictures of captions, which plain does not"
    ):
        judge.measures(plain, seed=1)


def with_labels(part, change, rows=slice(None)):
    labels = part.labels.copy()
    labels[rows] = change(labels[rows])
    return replace(part, labels=labels)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"quadrant": "99"},
            "a corner's side must be 4 to 20 pixels, got 99 in captioned-digits; correct its `quadrant`",
        ),
        ({"quadrant": "3"}, "a corner's side must be 4 to 20 pixels, got 3"),
        ({"held out": ""}, "some labels from 0 to 39 must be held out, not all, got none in captioned-digits"),
        ({"held out": "3 40"}, "not all, got 3 40"),
        ({"held out": " ".join(map(str, range(40)))}, "not all, got 0 1 2"),
    ],
)
def test_details_that_cannot_be_are_refused(data, changed, message):
    with pytest.raises(ConfigError, match=f"captions: .*{message}"):
        Captions(replace(data, details={**data.details, **changed}))


def test_pictures_without_a_label_are_left_out_and_other_labels_refused(data, monkeypatch):
    monkeypatch.setattr(classifier, "STEPS", 1)
    monkeypatch.setattr(captions, "PASSES", 1)
    train = data.train.cut(50)
    some = with_labels(train, lambda one: one * 0 - 1, slice(10))
    own, other = (Captions(replace(data, train=part)) for part in (some, train.take(np.arange(10, 50))))
    assert own.accuracy == other.accuracy
    for part in (with_labels(train, lambda one: one + 40), with_labels(train, lambda one: one * 0 - 1)):
        with pytest.raises(
            ConfigError, match=r"captions: labels from 0 to 39 are needed, got .* in the train part of ca"
        ):
            Captions(replace(data, train=part))
