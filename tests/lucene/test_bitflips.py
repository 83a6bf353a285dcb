"""One bit of an index is wrong: it is said, or made right, before it changes anything. No process dies."""

import os
import random
import shutil

import pytest

from irkit import verified
from irkit.errors import DamagedError
from irkit.lucene import Index, QLDirichlet, build_index

FLIPS = {True: 4, False: 14}
"Bits of each file, of the sidecar's and of Lucene's."

QUERIES = ["w1 w2 w3", "w7 w50", {"w5": 2.0, "w9": 0.5}]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """An index with every part of its sidecar."""
    rng = random.Random(1)
    words = [f"w{i}" for i in range(60)]
    documents = [(f"d{i}", " ".join(rng.choices(words, k=rng.randint(0, 30)))) for i in range(150)]
    path = tmp_path_factory.mktemp("flips") / "index"
    with build_index(path, documents, analyzer="whitespace", threads=1) as index:
        index.forward.sum()
    return path


@pytest.fixture
def quick(monkeypatch):
    """Nothing here needs to outlive a power cut, and no file is written twice within a tick of the clock."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(verified, "TICK", 0)


def answers(path):
    """Ask for everything an index gives: ranked lists, exact likelihoods, both matrices, vocabulary, lengths, texts."""
    with Index.open(path) as index:
        found = [index.search(QUERIES, 20), index.search(QUERIES, 20, QLDirichlet())]
        matrices = [index.forward, index.postings]
        return [
            *([part.tobytes() for part in hits] for hits in found),
            *([part.tobytes() for part in (matrix.indptr, matrix.indices, matrix.data)] for matrix in matrices),
            index.vocabulary.terms.to_pylist(),
            [part.tobytes() for part in (index.vocabulary.df, index.vocabulary.cf, index.lengths)],
            index.docnos.names.to_pylist(),
            index.docnos.rank.tolist(),
            index.texts(index.docnos.names.to_pylist()),
            index.stats,
            index.fingerprint,
        ]


def put(path, content):
    """Write a file as a copy would: it is another file from then on."""
    fresh = path.with_name(path.name + ".fresh")
    fresh.write_bytes(content)
    os.replace(fresh, path)


def flipped(content, bit):
    return content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]


def test_every_flipped_bit_is_said_or_made_right(original, tmp_path, quick):
    rng = random.Random(270)
    path = tmp_path / "index"
    shutil.copytree(original, path)
    truth = answers(original)
    names = sorted(file.relative_to(original) for file in original.rglob("*") if file.stat().st_size and file.is_file())
    said, right = 0, 0
    for name in names:
        content = (original / name).read_bytes()
        ours = name.parts[0] == "irkit"
        for bit in rng.sample(range(8 * len(content)), FLIPS[ours]):
            put(path / name, flipped(content, bit))
            if ours:
                assert answers(path) == truth, (name, bit)
                assert (path / name).read_bytes() == content  # made again
                right += 1
            else:
                with pytest.raises(DamagedError) as caught:
                    answers(path)
                assert str(caught.value).startswith(f"index: {path} is damaged ({name}: "), (name, bit)
                assert str(caught.value).endswith("); build it again")
                assert "\n" not in str(caught.value)
                said += 1
        put(path / name, content)
    assert answers(path) == truth
    assert (said, right) == (14 * FLIPS[False], 13 * FLIPS[True])


def test_the_same_flip_is_believed_where_nothing_is_checked(original, tmp_path, quick, monkeypatch):
    """So the trial above can fail."""
    path = tmp_path / "index"
    shutil.copytree(original, path)
    content = (path / "irkit" / "csr_tf.npy").read_bytes()
    put(path / "irkit" / "csr_tf.npy", flipped(content, 8 * 200))
    with monkeypatch.context() as blind:
        blind.setattr(verified, "once", lambda subject, files, check: None)
        assert answers(path) != answers(original)
    assert answers(path) == answers(original)


def test_a_record_of_what_is_intact_with_a_flipped_bit_is_no_record(original, tmp_path, quick, monkeypatch):
    monkeypatch.setenv("IRKIT_HOME", str(tmp_path / "home"))
    verified.forget(original)
    truth = answers(original)
    (record,) = (tmp_path / "home" / "verified").iterdir()
    content = record.read_bytes()
    for bit in random.Random(3).sample(range(8 * len(content)), 20):
        record.write_bytes(flipped(content, bit))
        monkeypatch.setattr(verified, "_here", {})
        assert answers(original) == truth
        assert record.read_bytes() != flipped(content, bit)  # read again, and noted again
