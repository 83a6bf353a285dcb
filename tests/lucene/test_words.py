"""Tests of Words.java: the analysis that keeps what it has met, held against Lucene's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.lucene.analysis import Analyzer
from irkit.lucene.calls import interruptible
from irkit.lucene.jvm import java
from irkit.lucene.wire import pack

NAMES = ["english", "english-krovetz", "english-nostem", "whitespace"]

PIECES = [
    *"abcxyzABZ0189",
    *"''..,:;__-/@#&*\"\t\n\r\0\x01\x1c\x1f\x7f  ",
    "'s",
    "'S",
    "the",
    "of",
    "running",
    "U.S.",
    "3.14",
    "x'",
]
"Of ASCII texts: what joins tokens, what parts them, and what filters look at."

BEYOND = [
    "é",
    "’s",
    "—",
    "\u0301",
    "\u00a0",
    "\u2003",
    "\u200d",
    "\ufeff",
    "東",
    "京",
    "あ",
    "カ",
    "한",
    "ไทย",
    "א",
    '"',
    "😀",
    "1\ufe0f\u20e3",
    "·",
]
"Letters, marks, white space and joiners beyond ASCII."


def random_texts(seed, pieces, count, longest=40):
    """Strings of random pieces, now and then of one piece hundreds of times over."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        some = [pieces[i] for i in rng.integers(len(pieces), size=rng.integers(longest))]
        if some and rng.random() < 0.03:
            some[rng.integers(len(some))] *= int(rng.integers(100, 600))
        texts.append("".join(some))
    return texts


def analysed(way, name, texts):
    """Term numbers, steps and vocabulary of texts as the bridge gives them."""
    analysis = java("Analysis")
    job, block = getattr(analysis, way)(name, 1), pack([text.encode() for text in texts])
    calls = ((analysis.encode, job, block), (analysis.steps, job, block), (analysis.vocabulary, job))
    return [bytes(interruptible(*call)) for call in calls]


def check(name, texts):
    ours, lucenes = analysed("start", name, texts), analysed("lucene", name, texts)
    if ours != lucenes:
        text = next(text for text in texts if analysed("start", name, [text]) != analysed("lucene", name, [text]))
        assert Analyzer(name).analyze([text]) == [lucene_terms(name, text)], ascii(text)
    assert ours == lucenes


def lucene_terms(name, text):
    import jnius

    analyze = jnius.autoclass("io.anserini.analysis.AnalyzerUtils").analyze
    return list(analyze(java("Analyzers").byName(name), text).toArray())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pieces", [PIECES, PIECES + BEYOND], ids=["ascii", "beyond"])
def test_terms_and_positions_are_lucenes(name, pieces):
    check(name, random_texts(0, pieces, 4000))


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_of_ascii_characters(name):
    pairs = [f"a{chr(x)}{chr(y)}1 9{chr(x)}{chr(y)}z" for x in range(128) for y in range(128)]
    check(name, pairs)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=60), max_size=8), st.sampled_from(NAMES))
def test_any_ascii_text(texts, name):
    check(name, texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=8), st.sampled_from(NAMES))
def test_any_text(texts, name):
    check(name, [*texts, " ".join(texts), "a ".join(texts)])


@pytest.mark.parametrize("length", [253, 254, 255, 256, 257, 510, 511, 600])
@pytest.mark.parametrize("name", NAMES)
def test_long_runs_are_cut_where_lucene_cuts_them(name, length):
    tails = ["", "'s", ".b", "..", "_", "é", " the"]
    check(
        name,
        [
            head + middle * (length - len(head)) + tail
            for tail in tails
            for head in ("", "_", "1.")
            for middle in "a1_.'"
        ],
    )


def test_a_memo_that_is_full_is_begun_again():
    rng = np.random.default_rng(1)
    words = ["".join(map(chr, row)) for row in rng.integers(97, 123, size=(60_000, 150))]  # 9 MB, a memo's room is 8
    texts = [" ".join(words[i : i + 100]) for i in range(0, len(words), 100)]
    check("english", [*texts, *texts[:50], *texts[-50:]])


def test_a_text_too_long_to_hold_is_lucenes():
    check("english", ["running the cats ", "running the cats " * 70_000, "the runs"])
