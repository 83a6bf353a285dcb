"""A megabyte of what is worst for a scanner is read or refused in linear time, and memory stays bounded."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from irkit import packing
from irkit.errors import DataError, IrkitError
from irkit.io import lines, read_documents, read_qrels, read_queries, read_run, reading
from irkit.io.documents.html import html_text
from irkit.io.documents.lee import first_sentence

MEGA = 1_000_000
SECONDS = 20  # far more than the tenths it takes, on a busy machine too: quadratic work would take minutes


def filled(pattern: str) -> str:
    return pattern * (MEGA // len(pattern))


@pytest.fixture(autouse=True)
def quick():
    """See that no test of this file takes quadratic time, whatever else it looks at."""
    begin = time.process_time()
    yield
    assert time.process_time() - begin < SECONDS


HTML = [
    "<title>", "<textarea>", "<title>x</titl", "<", "<!--", "<!-- --", '<a b="', "<a =", "<a = ",
    "&", "&#9", "&lt", "<p>"
]  # fmt: skip


@pytest.mark.parametrize("pattern", HTML)
def test_html(pattern):
    assert len(html_text(filled(pattern))) <= MEGA
    assert len(html_text("<title>" + filled(pattern) + "</title>" + pattern)) <= MEGA + 20


@pytest.mark.parametrize("digits", ["9" * 11, "9" * 5000, "0" * 5000 + "65", "9" * MEGA])
def test_a_reference_to_no_character_is_the_replacement_character(digits):
    assert html_text(f"a&#{digits};b") == "a\ufffdb"
    assert html_text(f"a&#x{digits};b") == "a\ufffdb"
    assert html_text("&#0000065;") == "A"


TREC = [
    "<DOC ",
    "</DOC ",
    " ",
    "<DOCNO>",
    "<DOCNO> ",
    "<TEXT>",
    "<TEXT ",
    "<HL><TEXT>",
    "<title>",
    "<num>",
    "<top ",
    "<a ",
]


@pytest.mark.parametrize("pattern", TREC)
def test_trec(tmp_path, pattern):
    path = tmp_path / "a"
    text = filled(pattern)
    for body in (text, f"<DOC>\n<DOCNO>{text}</DOC>", f"<DOC><DOCNO>1</DOCNO>\n<TEXT>{text}\n</DOC>"):
        path.write_text(body)
        refusing(lambda: sum(1 for _ in read_documents(path, "trec", fields=["TEXT", "HL"])))
    for body in (text, f"<top>\n<num>{text}\n<title>x\n</top>", f"<top>\n<num>1\n<title>{text}\n</top>"):
        path.write_text(body)
        refusing(lambda: read_queries(path, "trec"))


def refusing(read):
    """Read, or be refused in one short line."""
    try:
        read()
    except IrkitError as error:
        said = str(error)
    else:
        said = ""
    assert len(said) < 1000
    assert "\n" not in said


@pytest.mark.parametrize("pattern", [" ", '"', ",", "{", "1 ", "0", ".I 1\n", "/\n"])
def test_other_formats(tmp_path, pattern):
    path = tmp_path / "a"
    for begin, format in {"": "jsonl", '{"id": "1", "text": "': "jsonl", "id,text\n1,": "csv", "1\t": "tsv"}.items():
        path.write_text(begin + filled(pattern))
        refusing(lambda format=format: sum(1 for _ in read_documents(path, format)))
    path.write_text(filled(pattern))
    refusing(lambda: sum(1 for _ in read_documents(path, "smart")))
    for read in (read_qrels, read_run, read_queries):
        refusing(lambda read=read: read(path))


@pytest.mark.parametrize("pattern", [".", ". ", "?!"])
def test_sentences(pattern):
    assert first_sentence(filled(pattern))


@pytest.mark.parametrize("pattern", ["<a>", "<a/>", "&lt;", "<!-- -->"])
def test_xml(tmp_path, pattern):
    path = tmp_path / "a"
    path.write_text(f'<t><topic number="1"><title>{filled(pattern)}')
    refusing(lambda: read_queries(path, "xml"))


# ---------------------------------------------------------------------- bounds


def bomb(path, start: bytes, piece: bytes, size: int):
    """Write a gzip file that unpacks to far more than it is."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(size // len(piece)):
            file.write(piece)
    return path


@pytest.mark.parametrize(
    ("read", "start"),
    [
        (lambda path: list(read_documents(path)), b'{"id": "1", "text": "'),
        (lambda path: list(read_documents(path)), b"1\t"),
        (lambda path: list(read_documents(path)), b"<DOC>"),
        (lambda path: list(read_documents(path, "html")), b"<p>"),
        (lambda path: read_queries(path), b"1\t"),
        (lambda path: read_qrels(path), b"1 0 d1 1"),
        (lambda path: read_run(path), b"1 Q0 d1 1 2.5 x"),
    ],
    ids=["json", "tsv", "trec", "html", "queries", "qrels", "run"],
)
def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch, read, start):
    monkeypatch.setattr(lines, "LONGEST_LINE", MEGA)
    monkeypatch.setattr(lines, "LONGEST_ROW", MEGA)
    path = bomb(tmp_path / "a.gz", start, b"x" * MEGA, 20 * MEGA)
    drawn = []

    class Counted(packing._Unpacked):
        def readinto(self, buffer):
            drawn.append(super().readinto(buffer))
            return drawn[-1]

    monkeypatch.setattr(packing, "_Unpacked", Counted)
    with pytest.raises(DataError, match=r"a\.gz:1: the line has more than 1,000,000 bytes; check that"):
        read(path)
    assert MEGA < sum(drawn) < 8 * MEGA


def test_the_bounds_leave_room_for_the_longest_documents():
    assert lines.LONGEST_LINE == 2**25
    assert lines.LONGEST_ROW == 2**20
    assert reading.LONGEST_DOCUMENT == 2**26


@pytest.mark.parametrize(
    ("format", "start", "piece", "what"),
    [
        ("trec", b"<DOC>\n", b"x\n", "the <DOC>"),
        ("smart", b".I 1\n.W\n", b"x\n", "record 1"),
        ("npl", b"1\n", b"x\n", "record 1"),
        ("html", b"<p>\n", b"x\n", "the file"),
    ],
)
def test_a_document_without_end_is_refused(tmp_path, monkeypatch, format, start, piece, what):
    monkeypatch.setattr(reading, "LONGEST_DOCUMENT", 10_000)
    path = bomb(tmp_path / "a.gz", start, piece, 50_000)
    with pytest.raises(
        DataError, match=rf"a\.gz:\d+: {what} has more than 10,000 characters; look for its missing end"
    ):
        list(read_documents(path, format))


def test_names_by_the_thousand_are_not_all_told(tmp_path):
    path = tmp_path / "a"
    topic = "<top>\n<num>1\n" + "".join(f"<e{n}>\n" for n in range(20_000)) + "</top>"
    for text in (
        topic,
        json.dumps({f"k{n}": n for n in range(20_000)}),
        "id\t" + "\t".join(map(str, range(9999))) + "\n1",
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=r"and [\d,]+ more"):
            read_queries(path)
        refusing(lambda: read_queries(path))


def test_numbers_of_thousands_of_digits_are_refused_with_their_line(tmp_path):
    path, digits = tmp_path / "a", "7" * 5000
    shown = "'" + "7" * 59 + r"\.\.\. \(5,002 characters\)"
    for text, read, says in [
        (
            f'{{"id": {digits}, "text": "x"}}',
            lambda: list(read_documents(path)),
            "the JSON holds a number of thousands",
        ),
        (f'{{"id": "1", "n": -{digits}, "text": "x"}}', lambda: list(read_documents(path)), "the JSON holds a number"),
        (f".I {digits}\n", lambda: list(read_documents(path)), f"must be a whole number, got {shown}"),
        (f"1 0 d {digits}\n", lambda: read_qrels(path), f"the label must be a whole number, got {shown}"),
        (f"1 Q0 d {digits} 1 x\n", lambda: read_run(path), f"the rank must be a whole number, got {shown}"),
        (f"1 Q0 d 1 {digits} x\n", lambda: read_run(path), f"the score must be a finite number, got {shown}"),
        (f"{digits}\nx\n/\n", lambda: list(read_documents(path, "npl")), "must be a whole number"),
    ]:
        path.write_text(text)
        with pytest.raises(DataError, match=rf"a:1: .*{says}"):
            read()


@pytest.mark.parametrize("label", ["1000001", "-1000001", "2147483648", "3000000000", "1" + "0" * 20])
@pytest.mark.parametrize(
    ("name", "text"),
    [("a", "1 0 d {}\n"), ("a", "q d {}\n"), ("a", "1 2 {}\n"), ("a.csv", "qid,docno,label\n1,d,{}\n")],
    ids=["trec", "plain", "smart", "csv"],
)
def test_labels_are_bounded(tmp_path, name, text, label):
    path = tmp_path / name
    path.write_text(text.format(label))
    with pytest.raises(DataError, match=rf"a.*:[12]: the label must lie within -1,000,000\.\.1,000,000, got '{label}'"):
        read_qrels(path)
    path.write_text(text.format("-1000000"))
    assert read_qrels(path)["label"].tolist() == [-1_000_000]


@pytest.mark.parametrize(("label", "value"), [("1.0", 1), ("+2.00", 2), ("-1.", -1), ("0", 0)])
def test_a_label_may_be_written_as_a_whole_fraction(tmp_path, label, value):
    (tmp_path / "a").write_text(f"1 0 d {label}\n")
    assert read_qrels(tmp_path / "a")["label"].tolist() == [value]
    for wrong in ("0.5", "1e3", "1.0.0", ".", "nan", "1_0", "\u0661"):
        (tmp_path / "a").write_text(f"1 0 d {wrong}\n")
        with pytest.raises(DataError, match="the label must be a whole number"):
            read_qrels(tmp_path / "a")
