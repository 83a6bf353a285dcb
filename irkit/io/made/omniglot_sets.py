"""Sets of five drawings of one character, from the card `omniglot`: characters to test on are not among those to train.

The 136 characters are shuffled by a fixed seed; 100 are to train on, each turned by 0, 90, 180 and 270 degrees as four
classes, and 36 to test on. The 20 drawings of a class are shuffled and cut into four sets of five: five times over to
train, once to test, so that no drawing is in two test sets.

Source: Edwards and Storkey, "Towards a Neural Statistician", ICLR 2017, section 5.3; there are 1,200 characters to
train on, from all alphabets.
"""

from __future__ import annotations

import numpy as np

from irkit.arrays import Floats, Ints
from irkit.io.kinds import PARTS, DataSet, Ragged, Sets
from irkit.rng import generator

INK, TRAINED, EACH, SHUFFLES = 0.3, 100, 5, 5
"Grey above which a pixel is ink; characters to train on; drawings in a set; times that those to train on are shuffled."


def omniglot_sets() -> DataSet[Sets]:
    """Sets of five drawings of a character as bits, 400 classes to train on and 36 others to test on."""
    from irkit.io import load_data

    data = load_data("omniglot", binarise="none")
    every = [data.part(name) for name in PARTS]
    bits = np.concatenate([np.asarray(one.x) > INK for one in every])
    labels = np.concatenate([np.asarray(one.labels) for one in every])
    rng = generator(0, "omniglot-sets")
    order = rng.permutation(int(labels.max()) + 1)
    by_class = np.stack([bits[labels == one] for one in order])  # (classes, 20, 784)
    turned = np.concatenate([_turned(by_class[:TRAINED], turns) for turns in range(4)])
    train, test = _sets(turned, 0, SHUFFLES, rng), _sets(by_class[TRAINED:], len(turned), 1, rng)
    return DataSet("omniglot-sets", train, train.cut(0), test, {"ink": f"> {INK:g}", "omniglot": data.fingerprint})


def _turned(drawings: Floats, turns: int) -> Floats:
    """Turn pictures (classes, n, 784) by so many right angles."""
    square = drawings.reshape(*drawings.shape[:2], 28, 28)
    found: Floats = np.rot90(square, turns, axes=(2, 3)).reshape(drawings.shape)
    return found


def _sets(drawings: Floats, first: int, shuffles: int, rng: np.random.Generator) -> Sets:
    """Cut the drawings of each class (classes, 20, 784) into sets; classes are numbered from `first`."""
    classes, n, size = drawings.shape
    orders: Ints = rng.permuted(np.tile(np.arange(n), (shuffles, classes, 1)), axis=2)
    x = drawings[np.arange(classes)[:, None], orders].reshape(-1, size).astype(np.uint8)
    labels = np.tile(np.repeat(np.arange(first, first + classes), n // EACH), shuffles)
    return Sets(Ragged(x, np.full(len(labels), EACH, dtype=np.int64)), labels=labels)
