"""Tests of irkit.text.vectors."""

import gzip
import struct

import numpy as np
import pytest

from irkit.errors import DataError
from irkit.text.vectors import Vectors, train_ppmi_svd, train_word2vec, unit_rows

WORDS = ["wing", "lift"]
ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]
LINES = b"wing 1 2 3\nlift 4 5 6.5\n"
BINARY = b"2 3\n" + b"".join(
    word.encode() + b" " + struct.pack("<3f", *row) + b"\n" for word, row in zip(WORDS, ROWS, strict=True)
)


@pytest.fixture
def file(tmp_path):
    def write(name: str, content: bytes):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("word2vec.txt", b"2 3\n" + LINES),
        ("glove.txt", LINES),
        ("glove.txt", LINES.replace(b"\n", b"\r\n").replace(b"6.5", b"6.5 ")),
        ("word2vec.txt.gz", gzip.compress(b"2 3\n" + LINES)),
        ("glove.txt.gz", gzip.compress(LINES)),
        ("word2vec.bin", BINARY),
        ("word2vec.bin.gz", gzip.compress(BINARY)),
    ],
)
def test_every_format_gives_the_same_vectors(file, name, content):
    read = Vectors.load(file(name, content))
    assert read.words == WORDS
    np.testing.assert_array_equal(read.matrix, np.array(ROWS, dtype=np.float32))
    assert (len(read), read.size, read.analyzed) == (2, 3, False)


@pytest.mark.parametrize(
    ("name", "content"),
    [("w.txt", b"2 3\n" + LINES), ("g.txt", LINES), ("w.bin", BINARY), ("g.gz", gzip.compress(LINES))],
)
def test_a_limit_takes_the_first_words(file, name, content):
    path = file(name, content)
    assert Vectors.load(path, limit=1).words == ["wing"]
    assert Vectors.load(path, limit=9).words == WORDS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("g.txt", LINES + b"wing 7 8 9\nwing 7 8 9\n"),
        ("w.txt", b"4 3\n" + LINES + b"wing 7 8 9\nwing 7 8 9\n"),
        ("w.bin", b"4 3\n" + BINARY[4:] + 2 * (b"wing " + struct.pack("<3f", 7, 8, 9) + b"\n")),
    ],
)
def test_of_a_word_that_occurs_twice_the_first_vector_counts(file, name, content):
    read = Vectors.load(file(name, content))
    assert read.words == WORDS
    np.testing.assert_array_equal(read.matrix, np.array(ROWS, dtype=np.float32))


def test_words_may_hold_spaces(file):
    assert Vectors.load(file("g.txt", b"wing 1 2 3\nwing tip 4 5 6\n. . . 7 8 9\n")).words == [
        "wing",
        "wing tip",
        ". . .",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"2 3\nwing 1 2 3\nlift 4 5\n", "line 3 has 2 numbers after the word, not 3"),
        ("a.txt", b"wing 1 2 3\nlift 4 5\n", "line 2 has 2 numbers after the word, not 3"),
        ("a.txt", b"wing 1 2 3\nlift 4 5 6 7\n", "line 2 has 4 numbers after the word, not 3"),
        ("a.txt", b"2 2\n" + LINES, "line 2 has 3 numbers after the word, not 2"),
        ("a.txt", b"3 3\n" + LINES, "it has 2 words, but its first line says 3"),
        ("a.txt", b"9999999999999 300\nwing 1 2\n", "line 2 has 2 numbers"),
        ("a.txt", b"wing one two\n", "line 1: could not convert string to float"),
        ("a.txt", b"", "its first line has no numbers"),
        ("a.txt", b"2 0\nwing\nlift\n", "its first line has no numbers"),
        ("a.txt", b"w\xe9ng 1 2 3\n", "codec can't decode"),
        ("a.txt.gz", b"wing 1 2 3\n", "Not a gzipped file"),
        ("a.txt.gz", gzip.compress(LINES)[:20], "Compressed file ended"),
        ("a.txt.gz", b"".join([(g := gzip.compress(LINES))[:10], b"\xff\xff\xff", g[13:]]), ""),
        ("a.bin", BINARY[:-8], "unexpected end of input"),
        ("a.bin", b"hello world\n", "invalid literal"),
        ("a.bin", b"\xff\xfe\x00", "codec can't decode"),
    ],
)
def test_a_file_that_is_something_else_is_refused_in_one_line(file, name, content, message):
    with pytest.raises(DataError, match=rf"{name}: not word2vec or GloVe vectors: .*{message}") as caught:
        Vectors.load(file(name, content))
    assert "\n" not in str(caught.value)


def test_numbers_that_are_not_finite_are_refused(file):
    with pytest.raises(DataError, match=r"^vectors: the vector of 'lift' is not finite"):
        Vectors.load(file("g.txt", b"wing 1 2\nlift nan 2\n"))


# ---------------------------------------------------------------------- saved


@pytest.mark.parametrize("analyzed", [True, False])
def test_what_is_saved_is_read_back(tmp_path, analyzed):
    kept = Vectors(["wing", "über", "a\nb"], np.arange(6).reshape(3, 2) / 7, analyzed)
    path = tmp_path / "new" / "kept.npz"
    kept.save(path)
    again = Vectors.read(path)
    assert (again.words, again.analyzed, again.fingerprint) == (kept.words, analyzed, kept.fingerprint)
    np.testing.assert_array_equal(again.matrix, kept.matrix)
    assert [part.name for part in path.parent.iterdir()] == ["kept.npz"]


def test_no_words_are_saved_too(tmp_path):
    Vectors([], np.zeros((0, 3))).save(tmp_path / "none.npz")
    again = Vectors.read(tmp_path / "none.npz")
    assert (again.words, again.size) == ([], 3)


def test_a_damaged_file_is_refused_in_one_line(tmp_path):
    path, other = tmp_path / "kept.npz", tmp_path / "other.npz"
    Vectors(WORDS, np.array(ROWS)).save(path)
    whole = path.read_bytes()
    with (tmp_path / "pickled.npz").open("wb") as out:
        np.savez(out, words=np.array([{}], dtype=object), matrix=np.ones(1), analyzed=np.array(True))
    damaged = [whole[:at] for at in range(0, len(whole), 40)] + [b"hello", (tmp_path / "pickled.npz").read_bytes()]
    for content in damaged:
        other.write_bytes(content)
        with pytest.raises(DataError, match=r"other\.npz: not vectors saved by irkit: ") as caught:
            Vectors.read(other)
        assert "\n" not in str(caught.value)


def test_fingerprints_follow_words_numbers_and_kind():
    kinds = [
        Vectors(WORDS, np.array(ROWS)),
        Vectors(WORDS[::-1], np.array(ROWS)),
        Vectors(WORDS, np.array(ROWS) + 1),
        Vectors(WORDS, np.array(ROWS), analyzed=True),
    ]
    assert len({kind.fingerprint for kind in kinds}) == 4
    assert kinds[0].fingerprint == Vectors(WORDS, np.array(ROWS)).fingerprint


# ---------------------------------------------------------------------- terms


def test_zero_vectors_stay_zero_and_give_a_term_nothing():
    np.testing.assert_array_equal(unit_rows(np.array([[3.0, 4.0], [0, 0]])), [[0.6, 0.8], [0, 0]])
    given = Vectors(["wing", "zero", "up", "down"], np.array([[1.0, 0], [0, 0], [0, 1], [0, -1]]))
    assert given.for_terms(["wing", "zero"]).words == ["wing"]
    # Surface forms that cancel out leave a stem without a direction.
    assert given.for_terms(["v", "wing"], lambda words: [["v" if w in ("up", "down") else w] for w in words]).words == [
        "wing"
    ]


def test_vectors_over_index_terms_are_not_analysed_again():
    given = Vectors(["wing"], np.array([[2.0, 0]]), analyzed=True)
    assert given.for_terms(["wing"], lambda words: [["other"] for _ in words]).words == ["wing"]


# ---------------------------------------------------------------------- training

TOPICS = [["wing", "lift", "drag", "stall", "nose"], ["heat", "plate", "wall", "cooling", "boundary"]]


def corpus() -> list[list[str]]:
    rng = np.random.default_rng(4)
    return [list(rng.choice(TOPICS[number % 2], 8)) for number in range(120)]


def encoded(texts: list[list[str]]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    words = sorted({word for text in texts for word in text})
    ptr = np.cumsum([0, *map(len, texts)])
    return ptr, np.array([words.index(word) for text in texts for word in text]), words


def cosines(vectors: Vectors) -> tuple[float, float]:
    """The least cosine within a topic, the greatest across topics."""
    unit = dict(zip(vectors.words, unit_rows(vectors.matrix), strict=True))
    within = [float(unit[a] @ unit[b]) for topic in TOPICS for a in topic for b in topic if a < b]
    across = [float(unit[a] @ unit[b]) for a in TOPICS[0] for b in TOPICS[1]]
    return min(within), max(across)


def test_ppmi_svd_puts_the_words_of_a_topic_together_and_repeats():
    ptr, ids, words = encoded(corpus())
    first = train_ppmi_svd(ptr, ids, words, size=2, window=4)
    assert (first.words, first.size, first.analyzed) == (words, 2, True)
    within, across = cosines(first)
    assert within > across + 0.3
    assert train_ppmi_svd(ptr, ids, words, size=2, window=4).fingerprint == first.fingerprint


def test_full_rank_ppmi_svd_factorises_the_ppmi_matrix():
    texts = [["a", "b", "c"], ["a", "b"], ["c", "d"], ["b", "c", "d", "e"], ["e", "a"]]
    ptr, ids, words = encoded(texts)
    pairs = np.zeros((5, 5))
    for text in texts:
        for i, one in enumerate(text):
            for other in text[max(0, i - 2) : i] + text[i + 1 : i + 3]:
                pairs[words.index(one), words.index(other)] += 1
    context = pairs.sum(axis=1) ** 0.75
    with np.errstate(divide="ignore"):
        ppmi = np.maximum(np.log(pairs / np.outer(pairs.sum(axis=1), context / context.sum())), 0)
    left, size, _ = np.linalg.svd(ppmi)
    slow = (left * np.sqrt(size))[:, :4]
    fast = train_ppmi_svd(ptr, ids, words, size=9, window=2).matrix
    np.testing.assert_allclose(fast @ fast.T, slow @ slow.T, atol=1e-5)


def test_word2vec_repeats_with_its_seed_and_drops_rare_words():
    texts = [*corpus(), ["rare", "wing"]]
    first, again, other = (train_word2vec(texts, size=8, epochs=2, seed=seed) for seed in (1, 1, 2))
    assert (sorted(first.words), first.size, first.analyzed) == (sorted(TOPICS[0] + TOPICS[1]), 8, True)
    assert first.fingerprint == again.fingerprint != other.fingerprint
