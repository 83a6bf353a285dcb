"""Sets of drawings: which characters, turned how, and none of them on both sides."""

import numpy as np
import pytest

from irkit.io import load_data
from irkit.io.kinds import PARTS

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def data():
    return load_data("omniglot-sets")


@pytest.fixture(scope="module")
def drawings():
    """The drawings of the card as bits, by character: (136, 20, 28, 28)."""
    card = load_data("omniglot", binarise="none")
    x = np.concatenate([card.part(one).x for one in PARTS]) > 0.3
    labels = np.concatenate([card.part(one).labels for one in PARTS])
    return np.stack([x[labels == one] for one in range(136)]).reshape(136, 20, 28, 28)


def _known(drawings) -> dict[bytes, int]:
    return {one.astype(np.uint8).tobytes(): at for at, each in enumerate(drawings) for one in each}


def test_parts_have_their_sizes_and_bits(data):
    assert [len(data.part(one)) for one in PARTS] == [8000, 0, 144]
    assert {*np.unique(data.train.x.values)} == {0, 1}
    assert {*data.train.x.lengths, *data.test.x.lengths} == {5}
    np.testing.assert_array_equal(np.unique(data.train.labels, return_counts=True), [range(400), [20] * 400])
    np.testing.assert_array_equal(np.unique(data.test.labels, return_counts=True), [range(400, 436), [4] * 36])


def test_a_set_is_of_one_character_and_test_sets_hold_each_drawing_once(data, drawings):
    known, seen = _known(drawings), []
    for one, label in zip(data.test.x, data.test.labels, strict=True):
        of = {known[each.tobytes()] for each in one}
        assert len(of) == 1
        seen.append((*of, int(label)))
    assert len({character for character, _ in seen}) == len({*seen}) == 36
    assert len(np.unique(data.test.x.values, axis=0)) == len(
        np.unique(drawings[sorted({c for c, _ in seen})].reshape(720, -1), axis=0)
    )


def test_training_classes_are_other_characters_in_four_directions(data, drawings):
    known, of = _known(drawings), {}
    tested = {known[one.tobytes()] for one in data.test.x.values}
    for row in range(0, 8000, 7):
        turns, own = divmod(int(data.train.labels[row]), 100)
        back = np.rot90(data.train.x[row].reshape(5, 28, 28), -turns, axes=(1, 2))
        (character,) = {known[one.tobytes()] for one in back}
        of.setdefault(character, set()).add(own)
    assert not tested & of.keys()
    assert len(of) == 100
    assert all(len(one) == 1 for one in of.values())
