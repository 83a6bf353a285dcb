"""The classifier by which pictures are judged."""

import numpy as np

from irkit.io import load_data
from irkit.learn.judges.classifier import FEATURES, Classifier


def test_it_tells_digits_and_is_the_same_each_time():
    data = load_data("digits", binarise="none")
    train, test = ((part.x.reshape(-1, 1, 8, 8), part.labels) for part in (data.part("train"), data.part("test")))
    one, two = (Classifier(10).fit(*train) for _ in range(2))
    assert one.accuracy(*test) > 0.95
    np.testing.assert_array_equal(one.features(test[0]), two.features(test[0]))
    features = one.features(test[0])
    assert features.shape == (len(test[1]), FEATURES)
    assert (features >= 0).all()
    assert one.accuracy(test[0], np.roll(test[1], 1)) < 0.3
