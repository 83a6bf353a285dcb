"""Tests of irkit.recipe.vectors."""

from types import SimpleNamespace

import numpy as np
import pytest

from irkit.documents import Document
from irkit.errors import NotFoundError
from irkit.kept import SIGN, keep
from irkit.lucene import Analyzer
from irkit.recipe.vectors import TRAINED, open_vectors
from irkit.text.vectors import Vectors

DOCUMENTS = [
    Document(f"d{i}", text) for i, text in enumerate(["wing lift drag wing", "heat plate wall", "lift wing"] * 4)
]
INDEX = SimpleNamespace(analyzer=Analyzer("whitespace"))


class Toys:
    """A collection that counts how often it is read."""

    name = "irds:toys/small"

    def __init__(self, fingerprint: str = "toys-1") -> None:
        self.fingerprint, self.read = fingerprint, 0

    def documents(self):
        self.read += 1
        return iter(DOCUMENTS)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IRKIT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.mark.parametrize("name", ["trained:ppmi-svd", "trained:word2vec"])
def test_vectors_are_trained_once_per_content_and_kept(name, home):
    toys = Toys()
    first = open_vectors(name, toys, INDEX)
    assert first.analyzed
    assert {"wing", "lift"} <= set(first.words) <= {"wing", "lift", "drag", "heat", "plate", "wall"}
    (path,) = (home / "vectors").iterdir()
    assert path.name.startswith("small-")
    again = open_vectors(name, toys, INDEX)
    assert toys.read == 1
    assert again.fingerprint == first.fingerprint
    other = Toys("toys-2")
    open_vectors(name, other, INDEX)
    assert other.read == 1
    assert len(list((home / "vectors").iterdir())) == 2


def test_training_sees_terms_as_the_index_does():
    english = SimpleNamespace(analyzer=Analyzer("english"))
    toys = Toys()
    toys.documents = lambda: iter([Document("d", "The wings of the plates")] * 3)
    assert sorted(open_vectors("trained:ppmi-svd", toys, english).words) == ["plate", "wing"]


def test_a_kind_of_training_that_is_not_there_is_refused(home):
    with pytest.raises(
        NotFoundError, match=r"vectors: there is no 'trained:word2vek'; did you mean trained:word2vec\?"
    ):
        open_vectors("trained:word2vek", Toys(), INDEX)
    assert not home.exists()


def test_a_file_is_found_here_and_below_the_data_folder(tmp_path, monkeypatch):
    data = tmp_path / "data"
    (data / "glove").mkdir(parents=True)
    (data / "glove" / "small.txt").write_text("wing 1 2\n")
    with pytest.raises(NotFoundError, match=r"vectors: there is no file 'glove/small\.txt' here or below IRKIT_DATA"):
        open_vectors("glove/small.txt", Toys(), INDEX)
    monkeypatch.setenv("IRKIT_DATA", str(data))
    assert open_vectors("glove/small.txt", Toys(), INDEX).words == ["wing"]
    (tmp_path / "glove").mkdir()
    (tmp_path / "glove" / "small.txt").write_text("lift 1 2\n")
    assert open_vectors("glove/small.txt", Toys(), INDEX).words == ["lift"]


def test_two_kinds_of_training_do_not_share_a_file():
    svd, skipgram = (open_vectors(name, Toys(), INDEX) for name in TRAINED)
    assert svd.matrix.shape != skipgram.matrix.shape or not np.array_equal(svd.matrix, skipgram.matrix)


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "as before there were digests"])
def test_damaged_vectors_are_trained_anew(home, damage):
    toys = Toys()
    first = open_vectors("trained:ppmi-svd", toys, INDEX)
    (path,) = (home / "vectors").iterdir()
    whole = path.read_bytes()
    for at in range(0, len(whole), 97) if damage == "flipped" else [0]:
        flipped = whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :]
        old = whole[: whole.rindex(SIGN)]
        path.write_bytes({"cut": whole[:-1], "flipped": flipped, "emptied": b""}.get(damage, old))
        toys.read = 0
        assert open_vectors("trained:ppmi-svd", toys, INDEX).fingerprint == first.fingerprint
        assert toys.read == 1
        assert path.read_bytes()[-32:] != b""
        toys.read = 0
        open_vectors("trained:ppmi-svd", toys, INDEX)
        assert toys.read == 0


def test_kept_vectors_with_a_number_that_is_not_finite_are_trained_anew(home):
    toys = Toys()
    first = open_vectors("trained:ppmi-svd", toys, INDEX)
    (path,) = (home / "vectors").iterdir()
    vectors = Vectors.load(path)
    vectors.matrix[0, 0] = np.nan
    keep(path, vectors.write)
    assert open_vectors("trained:ppmi-svd", toys, INDEX).fingerprint == first.fingerprint
    assert toys.read == 2


def test_vectors_are_used_where_they_cannot_be_kept(home, caplog):
    home.write_text("in the way")
    assert len(open_vectors("trained:ppmi-svd", Toys(), INDEX)) == 6
    assert len(caplog.messages) == 1
    assert caplog.messages[0].endswith("; results are not kept")
