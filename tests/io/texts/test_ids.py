"""Tests of irkit.io.texts.ids: documents as numbers of words behind their labels."""

import numpy as np
import pytest

from irkit.errors import DataError
from irkit.io import load_data
from irkit.io.texts.ids import labelled, labelled_held_out


@pytest.fixture
def write(tmp_path):
    def written(train="2,0 1 1\n0,\n\n1,3\n", test="0,3 3\n", words="a\nb\nc\nd\n"):
        paths = [tmp_path / name for name in ("train", "valid", "test", "words")]
        for path, text in zip(paths, (train, "1,2\n", test, words), strict=True):
            path.write_text(text)
        return paths

    return written


def test_documents_are_counts_of_words_with_their_labels(write):
    train, valid, test = labelled(*write())
    assert [one.tolist() for one in train.x] == [[0, 1], [], [3]]
    assert [one.tolist() for one in train.counts] == [[1, 2], [], [1]]
    assert train.labels.tolist() == [2, 0, 1]
    assert (train.vocabulary, train.words) == (4, ("a", "b", "c", "d"))
    np.testing.assert_array_equal(test.inputs()["x"], [[0, 0, 0, 2]])
    assert len(valid) == 1


def test_without_a_validation_file_a_tenth_of_training_is_held_out(write):
    files = write(train="".join(f"{at % 3},{at % 4}\n" for at in range(30)))
    train, valid, test = labelled_held_out(files[0], files[2], files[3])
    assert (len(train), len(valid), len(test)) == (27, 3, 1)
    terms = [np.concatenate([one.x.values, one.labels]) for one in (train, valid, labelled(*files)[0])]
    assert sorted([*terms[0], *terms[1]]) == sorted(terms[2])
    again = labelled_held_out(files[0], files[2], files[3])
    assert valid.same(again[1])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train": "0,1\nx,2\n"}, r"train:2: a document is label,numbers of words, got 'x,2'; fetch the file again"),
        ({"train": "0 1 2\n"}, r"train:1: a document is label,numbers of words, got '0 1 2'"),
        ({"train": "0,1 -2\n"}, r"train:1: a document is label,numbers of words, got '0,1 -2'"),
        ({"test": "0,1 4\n"}, r"test:1: words are 0 to 3, got 4; give the vocabulary that the numbers are of"),
        ({"train": "\n"}, r"train: holds no documents; fetch the file again"),
        ({"words": "a\nb\na\nd\n"}, r"words: each word stands once in a vocabulary, got 'a' again"),
    ],
)
def test_a_wrong_file_is_refused_in_a_line(write, files, message):
    with pytest.raises(DataError, match=message):
        labelled(*write(**files))


@pytest.mark.data
def test_the_published_sets_are_as_their_page_counts_them(data_folder):
    counts = {"20NSshort": (9917, 905, 3097), "TMNtitle": (85005, 7445, 28250), "TREC6": (35356, 3952, 2671)}
    for name, words in counts.items():
        data = load_data(f"docnade-sets/{name}")
        assert tuple(int(data.part(part).counts.values.sum()) for part in ("train", "valid", "test")) == words
    assert (len(data.train), len(data.valid)) == (4907, 545), "its validation file is its test file, and is not read"
