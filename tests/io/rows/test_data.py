"""Tests of irkit.io.rows.data."""

import numpy as np
import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import load_rows
from irkit.io.rows.data import binarised


@pytest.fixture(autouse=True)
def place(request, tmp_path, monkeypatch):
    """The folder of collections of a test; the real one of those that ask for it."""
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    if "data_folder" not in request.fixturenames:
        monkeypatch.setenv("IRKIT_DATA", str(tmp_path))


PRINTS = {
    ("digits", "threshold"): "b9e5d68941f99934a71a4d296d32f2f4",
    ("digits", "sample"): "10384ebe6ea59a9590d56d52a2d420e7",
    ("digits", "dynamic"): "8eba83bf04dee022aaa29c8e11ce1013",
    ("digits", "none"): "85b726eb77a9925945a4527c91abe967",
    ("mnist", "threshold"): "d6c94e181283a471d8651190c25ad2f9",
    ("mnist", "sample"): "712783010ba3f6d808fc9c93fd2274c5",
    ("mnist", "dynamic"): "1e24bf2c9e82555bd0f45b38bdaaa3c5",
    ("frey", "threshold"): "01df96b3fa7920d34a2da613f326066a",
    ("frey", "sample"): "0fb670376b82e9187fa0d70247b29f0c",
    ("frey", "none"): "192d0ae73cf60298b2b9d892f3158792",
    ("olivetti", "threshold"): "1332645ae8f4e9c7c5b5222ca372abb4",
    ("olivetti", "none"): "5e77289129699632ce95c2b9fbc5a818",
    ("omniglot", "dynamic"): "0457aa02e8b47cc1de2783a5ffcc6608",
    ("omniglot", "none"): "641ac3f394e2daa2b4897cd6974abfc0",
    ("debd/mushrooms", "threshold"): "021efa04ae27076fb782a377d8d83ee5",
    ("debd/dna", "threshold"): "688531f770363be4ddd229404d77e63a",
    ("debd/nips", "threshold"): "740847fa631bba3a770ddb7de672ef5e",
    ("debd/nltcs", "threshold"): "06915e3432c47ac53eb2d66cbc3275f3",
}
"Committed results hold these: the rows of a set never change."


@pytest.mark.parametrize("binarise", [how for name, how in PRINTS if name == "digits"])
def test_the_digits_are_those_of_committed_results(binarise):
    assert load_rows("digits", binarise=binarise).fingerprint == PRINTS["digits", binarise]


@pytest.mark.data
@pytest.mark.parametrize(("name", "binarise"), [one for one in PRINTS if one[0] != "digits"])
def test_real_sets_are_those_of_committed_results(data_folder, name, binarise):
    assert load_rows(name, binarise=binarise).fingerprint == PRINTS[name, binarise]


def test_the_binarisation_is_part_of_the_identity():
    one, two = load_rows("digits", binarise="sample"), load_rows("digits", binarise="sample", seed=2)
    dynamic = load_rows("digits", binarise="dynamic")
    assert one.binarisation == "sample, seed 1"
    assert dynamic.dynamic
    assert dynamic.binarisation == "dynamic, seed 1"
    prints = {data.fingerprint for data in (load_rows("digits"), one, two, dynamic)}
    assert len(prints) == 4
    assert load_rows("digits", binarise="sample").fingerprint == one.fingerprint
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
    with pytest.raises(NotFoundError, match=r"mnist: the collection is not on this machine; .* that holds mnist/train"):
        load_rows("mnist")
    with pytest.raises(
        NotFoundError, match=r"there is no 'debd/nltc'; did you mean debd/nltcs.*or put nltc/nltc.train"
    ):
        load_rows("debd/nltc")
    with pytest.raises(NotFoundError, match=r"debd/nips: the collection is not .*holds debd/nips/nips.train.data"):
        load_rows("debd/nips")
    with pytest.raises(ConfigError, match="digits: unknown binarisation, got 'round'; choose from threshold, sample"):
        load_rows("digits", binarise="round")


def test_parts_of_different_width_are_refused(tmp_path):
    folder = tmp_path / "debd" / "nips"
    folder.mkdir(parents=True)
    for part, row in (("train", "0,1\n"), ("valid", "0,1\n"), ("test", "0,1,1\n")):
        (folder / f"nips.{part}.data").write_text(row)
    with pytest.raises(DataError, match="the parts must have one width, got 2, 2, 3"):
        load_rows("debd/nips")


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
    data = load_rows(f"debd/{name}")
    assert [part.shape for part in (data.train, data.valid, data.test)] == [(n, width) for n in sizes]
    assert (data.binarisation, data.shape) == ("bits", (1, width))
