"""Tests of irkit.io.library.rating_splits: parts that the names of files tell."""

from __future__ import annotations

import pytest

from irkit.errors import ConfigError
from irkit.io import load_rating_collection
from irkit.io.library.catalogue import load_any
from irkit.io.library.rating_splits import own_splits

ROW = "a\tx\t4\n"


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(ROW)
    return folder


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train.csv", "test.csv", "valid.csv"], {"test": ("train.csv", "test.csv")}),
        (["Train.TSV", "Test.tsv"], {"test": ("Train.TSV", "Test.tsv")}),
        (["train.tsv.gz", "test.tsv.gz"], {"test": ("train.tsv.gz", "test.tsv.gz")}),
        (["u1.base", "u1.test", "u2.base"], {"u1": ("u1.base", "u1.test")}),
        (["r1.train", "r1.test"], {"r1": ("r1.train", "r1.test")}),
        (["a.train.csv", "a.test.csv"], {"a": ("a.train.csv", "a.test.csv")}),
        (["train-2.csv", "test-2.csv"], {"fold2": ("train-2.csv", "test-2.csv")}),
        (
            ["fold10/train.csv", "fold10/test.csv", "Fold_2/train.csv", "Fold_2/test.csv"],
            {"fold2": ("Fold_2/train.csv", "Fold_2/test.csv"), "fold10": ("fold10/train.csv", "fold10/test.csv")},
        ),
        (["train.csv", "tests.csv", "mytest.csv"], {}),
    ],
)
def test_parts_are_told_by_their_names(names, splits, tmp_path):
    found = own_splits(write(tmp_path, *names))
    assert {name: (one.train, one.test) for name, one in found.items()} == splits
    assert list(found) == list(splits)


def test_two_files_that_compete_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"test.csv and test.tsv are both the test part of test; keep one, or write"):
        own_splits(write(tmp_path, "train.csv", "test.csv", "test.tsv"))


def test_a_folder_of_parts_is_one_of_ratings(tmp_path):
    folder = write(tmp_path / "own", "train.tsv", "test.tsv")
    assert load_any(folder).splits == ("test",)
    assert load_rating_collection(folder).card.ratings.files == ("train.tsv", "test.tsv")
    whole = load_rating_collection(write(folder, "ratings.tsv"))
    assert (whole.card.ratings.files, whole.splits) == (("ratings.tsv",), ("test",))


def test_a_folder_of_other_parts_stays_what_it_is(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\nhello world,1\n")
    (tmp_path / "test.csv").write_text("text,label\nhello moon,0\n")
    assert load_any(tmp_path).card.kind == "tokens"
