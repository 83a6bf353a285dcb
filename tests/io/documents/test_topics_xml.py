"""XML topics of several campaigns, and what an XML file may not do."""

# ruff: noqa: E501  (tables, one case a line)

from __future__ import annotations

import gzip

import pytest

from irkit.errors import DataError
from irkit.io import read_queries

COVID = """<?xml version="1.0" encoding="UTF-8"?>
<topics task="COVIDSearch 2020" batch="1">
  <topic number="1">
    <query>storm origin</query>
    <question>what is the origin of &lt;storms&gt; &amp; rain</question>
    <narrative>seeking a range of
      information</narrative>
  </topic>
  <topic number="2"><query>rain</query><question>why</question><narrative>x</narrative></topic>
</topics>
"""
CLEF = """<?xml version="1.0" encoding="ISO-8859-1"?>
<topics>
 <topic lang="fr"><identifier>10.2452/451-AH</identifier><title>Temp\u00eate</title><desc>Un <em>orage</em> fort</desc></topic>
</topics>
"""


def queries(path, text, written="utf-8", **options):
    path.write_bytes(text.encode(written))
    frame = read_queries(path, **options)
    return dict(zip(frame["qid"], frame["query"], strict=True))


def test_trec_covid(tmp_path):
    path = tmp_path / "topics.xml"
    assert queries(path, COVID) == {"1": "storm origin", "2": "rain"}
    both = queries(path, COVID, format="xml", fields=["query", "question"])
    assert both["1"] == "storm origin what is the origin of <storms> & rain"
    assert queries(path, COVID, fields=["narrative"])["1"] == "seeking a range of information"
    (tmp_path / "packed").write_bytes(gzip.compress(COVID.encode()))
    assert read_queries(tmp_path / "packed")["qid"].tolist() == ["1", "2"]


def test_clef_in_the_encoding_that_it_declares(tmp_path):
    path = tmp_path / "topics.xml"
    assert queries(path, CLEF, "latin-1") == {"10.2452/451-AH": "Temp\u00eate"}
    assert queries(path, CLEF, "latin-1", fields=["desc"]) == {"10.2452/451-AH": "Un orage fort"}
    assert queries(path, CLEF.replace("ISO-8859-1", "UTF-8"), "latin-1", encoding="latin-1") == {
        "10.2452/451-AH": "Temp\u00eate"
    }


@pytest.mark.parametrize(
    ("text", "qid", "query"),
    [
        ('<webtrack2009><topic number="1" type="faceted"><query>obama</query><subtopic number="1">x</subtopic></topic></webtrack2009>', "1", "obama"),
        ('<topics task="CT"><topic number="3">\n  a patient\n  with storms\n</topic></topics>', "3", "a patient with storms"),
        ("<topics><topic><number> 4 </number><title>x y</title></topic></topics>", "4", "x y"),
        ("<topics><topic><id>q.1</id><title>x</title><title2>z</title2></topic></topics>", "q.1", "x"),
        ('<Topics><Topic ID="051"><Title>x</Title></Topic></Topics>', "051", "x"),
        ('<a><b><topic number="1"><title>x<![CDATA[<y>]]></title></topic></b></a>', "1", "x<y>"),
        ('<!DOCTYPE topics SYSTEM "topics.dtd"><topics><topic number="1"><title>x</title></topic></topics>', "1", "x"),
    ],
)  # fmt: skip
def test_other_forms(tmp_path, text, qid, query):
    assert queries(tmp_path / "t", text) == {qid: query}


LAUGHS = (
    '<!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>\n<t><topic number="1"><title>&b;</title></topic></t>'
)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (LAUGHS, 1, "the file declares or uses entities of its own; write the characters themselves"),
        (
            '<!DOCTYPE t SYSTEM "file:///etc/passwd">\n<t><topic number="1"><title>&x;</title></topic></t>',
            2,
            "the file declares or uses entities",
        ),
        ('<t>\n<topic number="1"><title>x</topic></t>', 2, "not valid XML: mismatched tag in column"),
        ('<t>\n<topic number="1"><title>a & b</title></topic></t>', 2, "not valid XML: not well-formed"),
        ('<t>\n<topic number="1"><title>x', 2, "not valid XML: no element found"),
        ('<?xml version="1.0" encoding="shift_jis"?><t><topic number="1">x</topic></t>', 1, "its encoding is not read"),
        ('<?xml version="1.0" encoding="klingon"?><t><topic number="1">x</topic></t>', 1, ""),
        (
            '<t>\n\n<topic number="1"><disease>x</disease><gene>y</gene></topic></t>',
            3,
            "topic '1' has no <title>, it has disease, gene",
        ),
        (
            "<t>\n<topic><title>x</title></topic></t>",
            2,
            "this <topic> has no number (number, num, identifier, id, topic_id, qid), it has title",
        ),
        ('<t><topic number="1"><title>x</title>\n<title>y</title></topic></t>', 1, "topic '1' has two <title>"),
        ('<t><topic number="1">' + "<a>" * 200 + "</a>" * 200 + "</topic></t>", 1, "the XML is nested too deeply"),
        ('<t><topic number="1"/></t>', 1, "topic '1' has no <title>, it has nothing"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, line, says):
    path = tmp_path / "t"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_queries(path)
    assert str(caught.value).startswith(f"{path}:{line}: {says}")
    assert "\n" not in str(caught.value)


def test_a_topic_without_end_takes_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("irkit.io.reading.LONGEST_DOCUMENT", 100_000)
    path = tmp_path / "t.gz"
    path.write_bytes(gzip.compress(b'<t><topic number="1"><title>' + b"x" * 1_000_000))
    with pytest.raises(DataError, match=r"t\.gz:1: the topic has more than 100,000 characters"):
        read_queries(path)


def test_a_damaged_gzip_file_is_named(tmp_path):
    path = tmp_path / "t.gz"
    path.write_bytes(
        gzip.compress(b"".join(b'<t><topic number="%d">x%d</topic>' % (i, i * i) for i in range(5000)))[:-500]
    )
    with pytest.raises(DataError, match=r"t\.gz:1: the file is cut short or damaged"):
        read_queries(path, "xml")
