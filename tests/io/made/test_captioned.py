"""Digits with captions: where they should be, said as they are, the same each time."""

import numpy as np
import pytest

from irkit.io import load_data
from irkit.io.made.captioned import HELD, WORDS, caption, put

LABELS = {4 * digit + corner for digit, corner in HELD.items()}


def test_by_hand():
    digits = np.array([[[1, 1], [0, 1]]] * 4)
    found = put(digits, np.arange(4), np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), 5)
    assert (found.shape, found.dtype) == ((4, 1, 5, 5), np.uint8)
    places = [set(map(tuple, np.argwhere(one[0]))) for one in found]
    assert places == [
        {(0, 0), (0, 1), (1, 1)},
        {(0, 2), (0, 3), (1, 3)},
        {(2, 0), (2, 1), (3, 1)},
        {(2, 2), (2, 3), (3, 3)},
    ]
    assert caption(4 * 3 + 2) == "the digit three is at the bottom left of the image ."


@pytest.fixture(scope="module")
def digits():
    return load_data("captioned-digits")


def test_captions_say_what_pictures_show(digits):
    assert digits.fingerprint == load_data("captioned-digits").fingerprint
    source = load_data("digits")
    assert [len(digits.part(part)) for part in ("train", "valid", "test")] == [4 * 1297, 250, 250]
    for name in ("train", "valid", "test"):
        part = digits.part(name)
        small = np.tile(source.part(name).x.reshape(-1, 8, 8), (4 if name == "train" else 1, 1, 1))
        classes = np.tile(source.part(name).labels, 4 if name == "train" else 1)
        np.testing.assert_array_equal(part.labels // 4, classes)
        for at in range(0, len(part), 7):
            said = " ".join(WORDS[word] for word in part.caption[at])
            assert said == caption(part.labels[at])
            down, right = divmod(part.labels[at] % 4, 2)
            picture = part.x[at, 0]
            corner = picture[10:, 10 * right :] if down else picture[:10, 10 * right :]
            corner = corner if right else corner[:, :10]
            assert corner.sum() == picture.sum() == small[at].sum()


def test_eight_combinations_are_in_the_test_part_alone(digits):
    assert len(LABELS) == 8
    for name in ("train", "valid"):
        assert not LABELS & set(digits.part(name).labels.tolist())
    assert set(digits.train.labels.tolist()) == set(range(40)) - LABELS
    assert set(digits.test.labels.tolist()) == set(range(40))
    assert set(map(int, digits.details["held out"].split())) == LABELS


@pytest.mark.data
def test_mnist_is_halved_and_the_control_says_something_else():
    data, control = load_data("captioned-mnist"), load_data("captioned-mnist-shuffled")
    assert data.spec.shape == (1, 30, 30)
    assert [len(data.part(part)) for part in ("train", "valid", "test")] == [50_000, 10_000, 10_000]
    grey = load_data("mnist", binarise="none").part("train").x[7].reshape(28, 28)
    ink = sum(grey[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() > 0.35 for i in range(14) for j in range(14))
    assert data.train.x[7].sum() == ink
    assert control.test.same(data.test)
    np.testing.assert_array_equal(control.train.x, data.train.x)
    for one, other in ((data.train, control.train), (data.valid, control.valid)):
        same = (one.caption.padded() == other.caption.padded()).all(1).mean()
        assert 0.02 < same < 0.05  # one of 32 by chance
        np.testing.assert_array_equal(*(np.sort(part.caption.padded(), axis=0) for part in (one, other)))
