"""Tests of irkit.text.vectors."""

import bz2
import gzip
import lzma
import os
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
        ("word2vec.txt.gz", gzip.compress(b"2 3\n" + LINES, mtime=0)),
        ("glove.txt.gz", gzip.compress(LINES, mtime=0)),
        ("word2vec.bin", BINARY),
        ("word2vec.bin.gz", gzip.compress(BINARY, mtime=0)),
    ],
)
def test_every_format_gives_the_same_vectors(file, name, content):
    read = Vectors.load(file(name, content))
    assert read.words == WORDS
    np.testing.assert_array_equal(read.matrix, np.array(ROWS, dtype=np.float32))
    assert (len(read), read.size, read.analyzed) == (2, 3, False)


@pytest.mark.parametrize(
    ("name", "content"),
    [("w.txt", b"2 3\n" + LINES), ("g.txt", LINES), ("w.bin", BINARY), ("g.gz", gzip.compress(LINES, mtime=0))],
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


@pytest.mark.parametrize("content", [LINES, b"2 3\n" + LINES, BINARY], ids=["glove", "word2vec", "binary"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_vectors_come_from_a_pipe_and_packed_in_any_way(file, content, pack):
    reader, writer = os.pipe()
    os.write(writer, pack(content))
    os.close(writer)
    read = Vectors.load(f"/dev/fd/{reader}")
    os.close(reader)
    assert read.words == Vectors.load(file("a", pack(content))).words == WORDS
    np.testing.assert_array_equal(read.matrix, np.array(ROWS, dtype=np.float32))


def test_words_may_hold_spaces(file):
    assert Vectors.load(file("g.txt", b"wing 1 2 3\nwing tip 4 5 6\n. . . 7 8 9\n")).words == [
        "wing",
        "wing tip",
        ". . .",
    ]


def test_the_file_tells_its_format_whatever_its_name_says(file):
    for name, content in [("a.bin", b"2 3\n" + LINES), ("b.bin", LINES), ("c.txt", BINARY), ("d.txt.gz", LINES)]:
        assert Vectors.load(file(name, content)).words == WORDS
    assert Vectors.load(file("e", gzip.compress(BINARY, mtime=0))).words == WORDS


@pytest.mark.parametrize("content", [LINES, b"2 3\n" + LINES, BINARY], ids=["glove", "word2vec", "binary"])
def test_a_byte_order_mark_is_no_part_of_the_first_word(file, content):
    assert Vectors.load(file("a.txt", b"\xef\xbb\xbf" + content)).words == WORDS


def test_tabs_and_several_blanks_separate_too(file):
    read = Vectors.load(file("a.txt", b"wing\t1\t2\t3\nlift  4 \t5   6.5\n"))
    assert read.words == WORDS
    np.testing.assert_array_equal(read.matrix, np.array(ROWS, dtype=np.float32))


def test_binary_files_are_read_as_gensim_reads_them(file):
    from gensim.models import KeyedVectors

    rng = np.random.default_rng(5)
    words = [f"w{number}" for number in range(2000)] + ["über", "word\u00a0two", "7"]
    rows = rng.normal(size=(len(words), 150)).astype("<f4")
    packed = b"".join(word.encode() + b" " + row.tobytes() for word, row in zip(words, rows, strict=True))
    path = file("w.bin", f"{len(words)} 150\n".encode() + packed)  # 1.2 MB: more than is read at once
    read, oracle = Vectors.load(path), KeyedVectors.load_word2vec_format(str(path), binary=True)
    assert read.words == oracle.index_to_key == words
    np.testing.assert_array_equal(read.matrix, oracle.vectors)
    np.testing.assert_array_equal(read.matrix, rows)


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("a.txt", b"2 3\nwing 1 2 3\nlift 4 5\n", 3, "there are 2 numbers behind the word, not 3"),
        ("a.txt", b"wing 1 2 3\nlift 4 5\n", 2, "there are 2 numbers behind the word, not 3"),
        ("a.txt", b"wing 1 2 3\nlift 4 5 6 7\n", 2, "there are 4 numbers behind the word, not 3"),
        ("a.txt", b"wing 1 2\narea 51 3 4\n", 2, "a word of several parts may not end with a number"),
        ("a.txt", b"2 2\n" + LINES, 2, "there are 3 numbers behind the word, not 2"),
        ("a.txt", b"3 3\n" + LINES, 4, "the first line says 3 words, but there are 2"),
        ("a.txt", b"1 3\n" + LINES, 3, "the first line says 1 words, but there are more"),
        ("a.txt", b"9999999999999 300\nwing 1 2\n", 2, "there are 2 numbers behind the word, not 300"),
        ("a.txt", b"wing one two\n", 1, "the line ends with 'two' and not with 2 numbers"),
        ("a.txt", b"", 1, "the first line has no numbers"),
        ("a.txt", b"2 0\nwing\nlift\n", 1, "the first line says 0 numbers a word"),
        ("a.txt", b"w\xe9ng 1 2 3\n", 1, "is not valid utf-8: byte 0xe9 in column 2"),
        ("a.txt", b"2 2\nrain 1 2\ncaf\xc3 1 2\n", 3, "is not valid utf-8: byte 0xc3 in column 4"),
        ("a.txt.gz", gzip.compress(LINES, mtime=0)[:20], 1, "the gzip stream is cut short or damaged"),
        (
            "a.txt.gz",
            b"".join([(g := gzip.compress(LINES, mtime=0))[:10], b"\xff\xff\xff", g[13:]]),
            1,
            "the gzip stream",
        ),
        ("a.bin", BINARY[:-8], 3, "the file ends within word 2 of the 2"),
        ("a.bin", b"1" + BINARY[1:], 3, "the first line says 1 words, but there are more"),
        ("a.bin", BINARY.replace(b"lift", b"l\xe9ft"), 3, "is not valid utf-8: byte 0xe9 in column 2"),
        ("a.bin", b"hello world\n", 1, "the line ends with 'world' and not with 1 numbers"),
        ("a.bin", b"\xff\xfe\x00", 1, "neither text nor word2vec's binary form"),
        ("a.npz", b"PK\x03\x04 and more", 1, "not vectors saved by irkit"),
        ("a.txt", b"wing 1 2\nlift nan 2\n", 2, "the vector of 'lift' is not finite"),
        ("a.txt", b"wing 1 2\nlift 1e39 2\n", 2, "the vector of 'lift' is not finite"),
        ("a.bin", b"1 2\nwing " + struct.pack("<2f", 1, float("inf")), 2, "the vector of 'wing' is not finite"),
    ],
)
def test_a_file_that_is_something_else_is_refused_with_its_line(file, name, content, line, message):
    path = file(name, content)
    with pytest.raises(DataError) as caught:
        Vectors.load(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_without_end_takes_bounded_memory(file, monkeypatch):
    monkeypatch.setattr("irkit.text.vector_files._LONGEST", 1000)
    with pytest.raises(DataError, match=r"a\.gz:1: the line has more than 1,000 bytes"):
        Vectors.load(file("a.gz", gzip.compress(b"wing " + b"1 " * 5000)))


def test_numbers_that_are_not_finite_are_refused_everywhere():
    with pytest.raises(DataError, match=r"^vectors: the vector of 'lift' is not finite"):
        Vectors(WORDS, np.array([[1.0], [np.nan]]))


# ---------------------------------------------------------------------- saved


@pytest.mark.parametrize("analyzed", [True, False])
def test_what_is_saved_is_read_back(tmp_path, analyzed):
    kept = Vectors(["wing", "über", "a\nb"], np.arange(6).reshape(3, 2) / 7, analyzed)
    path = tmp_path / "new" / "kept.npz"
    kept.save(path)
    again = Vectors.load(path)
    assert (again.words, again.analyzed, again.fingerprint) == (kept.words, analyzed, kept.fingerprint)
    np.testing.assert_array_equal(again.matrix, kept.matrix)
    assert [part.name for part in path.parent.iterdir()] == ["kept.npz"]


def test_no_words_are_saved_too(tmp_path):
    Vectors([], np.zeros((0, 3))).save(tmp_path / "none.npz")
    again = Vectors.load(tmp_path / "none.npz")
    assert (again.words, again.size) == ([], 3)


def test_a_damaged_file_is_refused_in_one_line(tmp_path):
    path, other = tmp_path / "kept.npz", tmp_path / "other.npz"
    Vectors(WORDS, np.array(ROWS)).save(path)
    whole = path.read_bytes()
    with (tmp_path / "pickled.npz").open("wb") as out:
        np.savez(out, words=np.array([{}], dtype=object), matrix=np.ones(1), analyzed=np.array(True))
    damaged = [whole[:at] for at in range(40, len(whole), 40)] + [(tmp_path / "pickled.npz").read_bytes()]
    for content in damaged:
        other.write_bytes(content)
        with pytest.raises(DataError, match=r"other\.npz:1: not vectors saved by irkit: ") as caught:
            Vectors.load(other)
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
