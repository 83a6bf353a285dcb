"""Tests of irkit.io.density."""

import numpy as np
import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io.density import DEBD_SETS, binarised, load_density


def test_the_binarisation_is_part_of_the_identity():
    one, two = load_density("digits", binarise="sample"), load_density("digits", binarise="sample", seed=2)
    dynamic = load_density("digits", binarise="dynamic")
    assert one.binarisation == "sample, seed 1"
    assert dynamic.dynamic
    assert dynamic.binarisation == "dynamic, seed 1"
    prints = {data.fingerprint for data in (load_density("digits"), one, two, dynamic)}
    assert len(prints) == 4
    assert load_density("digits", binarise="sample").fingerprint == one.fingerprint
    np.testing.assert_array_equal(one.test, dynamic.test)
    assert not np.array_equal(one.train, dynamic.train)
    assert set(np.unique(dynamic.train * 16)) == set(range(17))


def test_a_sample_has_the_probabilities_of_the_grey_values():
    grey = np.tile([0.0, 0.2, 0.9, 1.0], (20_000, 1))
    bits = binarised(grey, "sample", 1, "train")
    np.testing.assert_allclose(bits.mean(0), grey[0], atol=0.015)
    assert bits[:, 0].max() == 0
    assert bits[:, 3].min() == 1
    assert not np.array_equal(bits, binarised(grey, "sample", 1, "valid"))


def test_missing_sets_and_files_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    with pytest.raises(NotFoundError, match="mnist: is not shipped; set IRKIT_DATA to a folder that holds mnist/"):
        load_density("mnist")
    with pytest.raises(NotFoundError, match="there is no 'debd/nltc'; did you mean debd/nltcs"):
        load_density("debd/nltc")
    with pytest.raises(NotFoundError, match=r"nips.train.data: there is no such file, nor nips.train.data.gz; put it"):
        load_density("debd/nips", folder=tmp_path)
    with pytest.raises(ConfigError, match="digits: unknown binarisation, got 'round'; choose from threshold, sample"):
        load_density("digits", binarise="round")


def test_parts_of_different_width_are_refused(tmp_path):
    folder = tmp_path / "debd" / "nips"
    folder.mkdir(parents=True)
    for part, row in (("train", "0,1\n"), ("valid", "0,1\n"), ("test", "0,1,1\n")):
        (folder / f"nips.{part}.data").write_text(row)
    with pytest.raises(DataError, match="its parts must have one width, got 2, 2, 3"):
        load_density("debd/nips", folder=tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sizes", "width"),
    [
        ("mushrooms", [2000, 500, 5624], 112),
        ("dna", [1600, 400, 1186], 180),
        ("nips", [400, 100, 1240], 500),
        ("nltcs", [16181, 2157, 3236], 16),
    ],
)
def test_the_real_binary_sets(data_folder, name, sizes, width):
    assert name in DEBD_SETS
    data = load_density(f"debd/{name}", folder=data_folder)
    assert [part.shape for part in (data.train, data.valid, data.test)] == [(n, width) for n in sizes]
    assert (data.binarisation, data.shape) == ("bits", (1, width))
