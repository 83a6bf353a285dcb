"""TREC topics and documents: elements of all years, and where an element ends."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from irkit.errors import DataError
from irkit.io import read_documents, read_queries
from irkit.io.documents.trec import _sections

# The elements of topics 51 to 150, in their order and with their labels; the words are made up.
TOPIC_051 = """<top>

<head> Tipster Topic Description
<num> Number:  051
<dom> Domain:  International Economics
<title> Topic:  Storm Damage
<desc> Description:
A document names houses
hit by a storm.
<smry> Summary:
Storm and houses.
<narr> Narrative:
A relevant document names the <storm> it is about.
<con> Concept(s):
1. storm, rain
2. damage
<fac> Factor(s):
<nat> Nationality: U.S.
<time> Time: Current
</fac>
<def> Definition(s):
gale - a strong wind
</top>
"""


def topics(path, text, **options):
    path.write_text(text)
    frame = read_queries(path, "trec", **options)
    return dict(zip(frame["qid"], frame["query"], strict=True))


def test_an_element_ends_where_any_other_begins(tmp_path):
    path = tmp_path / "topics"
    assert topics(path, TOPIC_051) == {"51": "Storm Damage"}
    for name, text in {
        "dom": "International Economics",
        "desc": "A document names houses hit by a storm.",
        "smry": "Storm and houses.",
        "narr": "A relevant document names the <storm> it is about.",
        "con": "1. storm, rain 2. damage",
        "nat": "U.S.",
        "time": "Current",
        "fac": "",
        "def": "gale - a strong wind",
        "head": "Tipster Topic Description",
    }.items():
        if text:
            assert topics(path, TOPIC_051, fields=[name]) == {"51": text}
        else:
            with pytest.raises(DataError, match="has no text"):
                topics(path, TOPIC_051, fields=[name])


def test_unknown_elements_end_one_too_but_markup_does_not(tmp_path):
    path = tmp_path / "topics"
    text = "<top>\n<num>1\n<title>a <b>bold</b> <unknown> word\n<querytime>noon</querytime>\n<p>\n</top>\n"
    assert topics(path, text) == {"1": "a <b>bold</b> <unknown> word"}
    one = "<top><num>7</num><when>noon</when><title>storm</title><who>all</who></top>"
    assert topics(path, one) == {"7": "storm"}
    assert topics(path, one, fields=["who", "title"]) == {"7": "all storm"}


def test_the_number_behind_nists_label_loses_its_zeros_and_no_other_id_does(tmp_path):
    path = tmp_path / "topics"
    for number, qid in {
        "Number: 051": "51",
        "Number: 000": "0",
        "Number:  MB001": "MB001",
        "number : 7": "7",
        "051": "051",
        "C041": "C041",
    }.items():
        assert topics(path, f"<top><num> {number}\n<title> x\n</top>") == {qid: "x"}


def test_a_label_is_taken_away_at_the_beginning_only(tmp_path):
    path = tmp_path / "topics"
    text = "<top>\n<num> 1\n<title> Description: the Topic: of a Narrative:\n</top>\n"
    assert topics(path, text) == {"1": "Description: the Topic: of a Narrative:"}


def test_a_query_element_and_elements_of_a_language_are_read(tmp_path):
    path = tmp_path / "topics"
    assert topics(path, "<top>\n<num> Number: MB1 </num>\n<query> storm </query>\n</top>") == {"MB1": "storm"}
    assert topics(path, "<top>\n<num> C041 </num>\n<EN-title> storm </EN-title>\n</top>") == {"C041": "storm"}
    both = "<top>\n<num> C041 </num>\n<EN-title> storm </EN-title>\n<DE-title> Sturm </DE-title>\n</top>"
    with pytest.raises(DataError, match=r"topics:1: topic 'C041' has two <title>; keep one of them"):
        topics(path, both)


def test_sections_are_those_of_the_pattern_they_replace():
    """The old pattern, correct but cubic, is the oracle."""
    names = ("TEXT", "HL")
    slow = re.compile(r"<(TEXT|HL)(?:\s[^>]*)?>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
    pieces = [
        "<TEXT>",
        "</TEXT>",
        "<text a='b'>",
        "</Text>",
        "<HL>",
        "</HL>",
        "<TEXTURE>",
        "<TEXT",
        ">",
        " ",
        "x",
        "\n",
    ]

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(pieces), max_size=14))
    @example(["<TEXT", " ", "<HL>", "</HL>"])  # an element that is never closed swallows no other
    @example(["<TEXT", " "] * 3 + ["<HL>", "</HL>"])
    def agree(parts):
        body = "".join(parts)
        assert _sections(body, names) == [match.group(2) for match in slow.finditer(body)]

    agree()


def test_documents_are_those_of_the_patterns_they_replace(tmp_path):
    slow = re.compile(r"<DOCNO>\s*(.*?)\s*</DOCNO>", re.IGNORECASE | re.DOTALL)
    path = tmp_path / "a"
    pieces = ["<DOCNO>", "</DOCNO>", "<docno>", "</docno>", " ", "\n", "a", "b", "<", ">"]

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(pieces), max_size=12))
    def agree(parts):
        body = "".join(parts)
        path.write_text(f"<DOC>{body}</DOC>", newline="")
        found = slow.search(body)
        if found and len(found.group(1).split()) == 1:
            assert next(read_documents(path, "trec")).docno == found.group(1)
        else:
            with pytest.raises(DataError, match=r"has no <DOCNO>|may not hold white space"):
                next(read_documents(path, "trec"))

    agree()
