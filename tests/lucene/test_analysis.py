"""Tests of irkit.lucene.analysis."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irkit.errors import ConfigError, DataError
from irkit.lucene import analysis
from irkit.lucene.analysis import Analyzer, analyzer_names
from irkit.lucene.jvm import start

AWKWARD = [
    "The cats' running shoes aren't John's; e-mail: a.b@c.org, U.S.A. 3.14 1,000 AT&T it's",
    "",
    "the and of",
    "naïve façade ÉCOLE Straße İstanbul ﬁne 東京 😀 \x00\x07\t\r\n x" + "y" * 300,
    "generalizations generously ponies relational conditional",
]


@pytest.fixture(scope="module")
def news():
    """One hundred real news stories."""
    folder = Path(importlib.util.find_spec("gensim").submodule_search_locations[0])
    return (folder / "test" / "test_data" / "lee_background.cor").read_text().splitlines()[:100]


def anserinis(name):
    """Return Anserini's own analyser of that kind."""
    start()
    import jnius

    english = jnius.autoclass("io.anserini.analysis.DefaultEnglishAnalyzer")
    return {
        "english": english.newDefaultInstance,
        "english-krovetz": lambda: english.newStemmingInstance("krovetz"),
        "english-nostem": lambda: english.newNonStemmingInstance(),
    }[name]()


def anserini(analyzer, texts):
    import jnius

    analyze = jnius.autoclass("io.anserini.analysis.AnalyzerUtils").analyze
    return [list(analyze(analyzer, text).toArray()) for text in texts]


@pytest.mark.parametrize("name", ["english", "english-krovetz", "english-nostem"])
def test_english_is_anserinis_token_for_token(name, news):
    theirs = anserinis(name)
    texts = AWKWARD + news
    assert Analyzer(name).analyze(texts) == anserini(theirs, texts)


def test_stemmers_differ_as_published():
    words = ["ponies relational"]
    assert Analyzer("english").analyze(words) == [["poni", "relat"]]
    assert Analyzer("english-krovetz").analyze(words) == [["pony", "relational"]]
    assert Analyzer("english-nostem").analyze(words) == [["ponies", "relational"]]


@pytest.mark.parametrize(
    ("code", "text", "terms"),
    [
        ("de", "Die Häuser der Städte", ["haus", "stadt"]),
        ("fr", "l'avion des chevaux", ["avion", "cheval"]),
        ("es", "las casas de los niños", ["cas", "niñ"]),
        ("it", "dell'amico e della casa", ["amico", "casa"]),
        ("nl", "de huizen en de katten", ["huiz", "kat"]),
        ("pt", "as casas das crianças", ["casa", "crianc"]),
        ("sv", "flickorna och husen", ["flick", "hus"]),
        ("ru", "красивые дома", ["красив", "дом"]),
        ("zh", "北京大学", ["北京", "京大", "大学"]),
        ("whitespace", "The Cats' U.S.", ["The", "Cats'", "U.S."]),
    ],
)
def test_languages(code, text, terms):
    assert Analyzer(code).analyze([text]) == [terms]


def test_every_analyser_takes_every_text():
    for name in analyzer_names():
        found = Analyzer(name).analyze([*AWKWARD, None])
        assert len(found) == len(AWKWARD) + 1
        assert found[1] == found[-1] == []


def test_names_cover_anserinis_languages():
    start()
    import jnius

    codes = set(jnius.autoclass("io.anserini.analysis.AnalyzerMap").analyzerMap.keySet().toArray())
    assert codes - {"th"} <= set(analyzer_names())  # small JREs have no Thai word breaker


def test_aliases_have_one_name():
    assert Analyzer("en") == Analyzer("english") == Analyzer()
    assert Analyzer("none").name == "whitespace"
    assert len({Analyzer("en"), Analyzer("english"), Analyzer("de")}) == 2


def test_encode_against_a_dictionary(news):
    texts = [*news, "", None, *AWKWARD]
    ptr, ids, vocabulary = Analyzer().encode(texts)
    assert ptr.dtype == np.int64
    assert ids.dtype == np.int32
    terms = vocabulary.to_pylist()
    assert terms == sorted(set(terms), key=str.encode)
    decoded = [[terms[i] for i in ids[ptr[row] : ptr[row + 1]]] for row in range(len(texts))]
    assert decoded == [found for text in texts for found in Analyzer().analyze([text])]
    assert set(ids) == set(range(len(terms)))


def test_threads_and_batches_change_nothing(news, monkeypatch):
    texts = news * 3
    ptr, ids, vocabulary = Analyzer().encode(texts, threads=1)
    monkeypatch.setattr(analysis, "BATCH_TEXTS", 70)
    for threads in (1, 3):
        again = Analyzer().encode(iter(texts), threads=threads)
        np.testing.assert_array_equal(again[0], ptr)
        np.testing.assert_array_equal(again[1], ids)
        assert again[2].equals(vocabulary)


def test_no_texts():
    ptr, ids, vocabulary = Analyzer().encode([])
    assert ptr.tolist() == [0]
    assert len(ids) == len(vocabulary) == 0
    assert Analyzer().analyze([]) == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\t\n\r"), max_size=200)))
def test_whitespace_is_split(texts):
    assert Analyzer("whitespace").analyze(texts) == [text.split() for text in texts]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=8))
def test_any_text_is_analysed_alone_as_among_others(texts):
    together = Analyzer().analyze(texts)
    assert together == [Analyzer().analyze([text])[0] for text in texts]


def test_unknown_name_lists_near_misses():
    with pytest.raises(ConfigError, match=r"analyzer: there is no analyser 'englsh'; did you mean english\b"):
        Analyzer("englsh")
    with pytest.raises(ConfigError, match="there is no analyser 7; choose from "):
        Analyzer(7)


def test_bad_texts_are_refused():
    with pytest.raises(
        DataError, match=r"Analyzer: texts must be several strings, got the string 'abc'; put it in a list"
    ):
        Analyzer().analyze("abc")
    with pytest.raises(
        DataError, match=r"Analyzer: text 1 is not valid Unicode, got the lone surrogate '\\ud800' at character 2"
    ):
        Analyzer().analyze(["a", "ab\ud800"])
    with pytest.raises(DataError, match="Analyzer: text 0 must be a string, got int 3"):
        Analyzer().analyze([3])


@pytest.mark.parametrize("name", ["english", "english-krovetz", "english-nostem"])
def test_positions_are_anserinis(name, news):
    import jnius

    theirs = anserinis(name)
    texts = [AWKWARD[0], AWKWARD[2], "to be or not to be: the end of it", *news[:5]]
    ours = jnius.autoclass("irkit.Analyzers").byName(name)
    assert [places(ours, text) for text in texts] == [places(theirs, text) for text in texts]


def places(analyzer, text):
    """Return the position increments and offsets of a text's tokens, and what is skipped at its end."""
    import jnius

    find = jnius.autoclass("java.lang.Class").forName
    kind = "org.apache.lucene.analysis.tokenattributes."
    stream = analyzer.tokenStream("contents", text)
    step = jnius.cast(
        f"{kind}PositionIncrementAttribute", stream.addAttribute(find(f"{kind}PositionIncrementAttribute"))
    )
    offset = jnius.cast(f"{kind}OffsetAttribute", stream.addAttribute(find(f"{kind}OffsetAttribute")))
    stream.reset()
    found = []
    while stream.incrementToken():
        found.append((step.getPositionIncrement(), offset.startOffset(), offset.endOffset()))
    stream.end()
    found.append((step.getPositionIncrement(), offset.startOffset(), offset.endOffset()))
    stream.close()
    return found
