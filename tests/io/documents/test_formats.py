"""Each format by a hand-written file: what is read, and that `auto` finds the format."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.io import read_documents, read_qrels, read_queries


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def docs(path, *args, **options):
    return [(d.docno, d.text) for d in read_documents(path, *args, **options)]


def queries(path, *args, **options):
    frame = read_queries(path, *args, **options)
    assert list(frame.columns) == ["qid", "query"]
    return dict(zip(frame["qid"], frame["query"], strict=True))


def qrels(path, *args, **options):
    frame = read_qrels(path, *args, **options)
    assert list(frame.columns) == ["qid", "docno", "label"]
    assert frame["label"].dtype == "int64"
    return list(frame.itertuples(index=False, name=None))


def test_trec_documents_lose_tags_and_keep_lines(tmp_path):
    text = (
        "<DOC>\n<DOCNO> FT-1 </DOCNO>\n<HEADLINE>Gas &amp; oil</HEADLINE>\n"
        "<TEXT>\n<P>A &lt; B.</P>\nEnd\n</TEXT>\n</DOC>\n"
        "left out\n<doc><docno>FT-2</docno>one line</doc>\n"
    )
    path = write(tmp_path / "ft", text)
    read = list(read_documents(path))
    assert [d.docno for d in read] == ["FT-1", "FT-2"]
    assert [d.text.split() for d in read] == [["Gas", "&", "oil", "A", "<", "B.", "End"], ["one", "line"]]
    assert [d.where for d in read] == [f"{path}:1", f"{path}:10"]


def test_trec_documents_can_be_cut_to_some_elements(tmp_path):
    body = (
        "<DOC>\n<DOCNO>1</DOCNO>\n<DATE>May</DATE>\n<TEXT>\nbody\n</TEXT>\n<HL>head</HL><TEXTURE>no</TEXTURE>\n</DOC>\n"
    )
    path = write(tmp_path / "a", body)
    assert docs(path, fields=["TEXT", "HL"]) == [("1", "body\nhead")]


def test_topics_give_the_title_unless_other_fields_are_named(tmp_path):
    text = (
        "<top>\n\n<num> Number: 301\n<title> International Organized Crime\n\n"
        "<desc> Description:\nIdentify organizations.\n"
        "\n<narr> Narrative:\nA relevant document: must\nname one.\n\n</top>\n\n"
        "<top>\n<num>302</num>\n<title>Polio\n and Post-Polio</title>\n"
        "<desc>Is it so?</desc>\n<narr>Yes</narr>\n</top>\n"
    )
    path = write(tmp_path / "topics", text)
    assert queries(path) == {"301": "International Organized Crime", "302": "Polio and Post-Polio"}
    both = queries(path, fields=["title", "desc", "narr"])
    assert both["301"] == ("International Organized Crime Identify organizations. A relevant document: must name one.")
    assert both["302"] == "Polio and Post-Polio Is it so? Yes"


def test_topics_that_look_like_documents_are_read_whole(tmp_path):
    path = write(tmp_path / "t", "<DOC>\n<DOCNO> 2 </DOCNO>\n\n I want a < b\n\nPrieve, B.\n \n</DOC>\n")
    assert queries(path) == {"2": "I want a < b\n\nPrieve, B."}


def test_smart_documents_are_title_and_text_without_citations(tmp_path):
    text = (
        ".I 1\r\n.T\r\na title\r\n.A\r\nSomeone, A.\r\n.W\r\ntwo  \r\nlines .5 of it\r\n.X\r\n1\t5\t1\r\n.I 2\r\n.W\r\n"
    )
    path = write(tmp_path / "a.all", text)
    assert docs(path) == [("1", "a title\ntwo\nlines .5 of it"), ("2", "")]
    assert docs(path, fields=["A", "T"]) == [("1", "Someone, A.\na title"), ("2", "")]


def test_smart_queries_are_numbered_by_the_file_or_by_position(tmp_path):
    path = write(tmp_path / "a.qry", ".I 004\n.W\nfirst\n.I 008\n.W\nsecond\n.A\nName\n")
    assert queries(path) == {"4": "first", "8": "second"}
    assert queries(path, numbering="ordinal", fields=["W", "A"]) == {"1": "first", "2": "second\nName"}


def test_smart_judgements_have_grades_or_mean_relevant(tmp_path):
    graded = write(tmp_path / "a", "1 184 2 \n1  29 -1\n")
    assert qrels(graded) == [("1", "184", 2), ("1", "29", -1)]
    assert qrels(graded, labels={2: 3, -1: 0}) == [("1", "184", 3), ("1", "29", 0)]
    assert qrels(write(tmp_path / "b", "01 0756  0 0\n02 3 0 0.000000\n")) == [("1", "756", 1), ("2", "3", 1)]


def test_npl_files(tmp_path):
    path = write(tmp_path / "doc-text", "\n1\ncompact memories\nhave /\n   /\n2\nmore\n /\n")
    assert docs(path) == [("1", "compact memories\nhave /"), ("2", "more")]
    assert queries(write(tmp_path / "query-text", "1\nCODING FOR\nTRANSFER\n/\n")) == {"1": "CODING FOR TRANSFER"}
    judged = write(tmp_path / "rlv-ass", "1\n 12  7\n99\n   /\n2\n7\n   /\n")
    assert qrels(judged) == [("1", "12", 1), ("1", "7", 1), ("1", "99", 1), ("2", "7", 1)]


def test_json_lines(tmp_path):
    path = write(
        tmp_path / "a.jsonl",
        '{"_id": "d1", "title": "T", "text": "x"}\n\n{"id": 7, "contents": "y"}\n'
        '{"docno": "d3", "title": "", "body": "z"}\n',
    )
    assert docs(path) == [("d1", "T\nx"), ("7", "y"), ("d3", "z")]
    other = write(tmp_path / "b", '{"key": "k", "abstract": "a", "note": null, "title": "t"}\n')
    assert docs(other, id_field="key", fields=["title", "note", "abstract"]) == [("k", "t\na")]
    assert queries(write(tmp_path / "q", '{"qid": 1, "query": "x"}\n{"_id": "2", "text": "y"}\n')) == {
        "1": "x",
        "2": "y",
    }


def test_the_text_is_the_first_key_that_holds_one(tmp_path):
    path = write(
        tmp_path / "a.jsonl",
        '{"id": "1", "contents": "", "text": "storm"}\n{"id": "2", "contents": null, "body": "x"}\n',
    )
    assert docs(path) == [("1", "storm"), ("2", "x")]
    path = write(tmp_path / "b.jsonl", '{"id": "1", "text": ""}\n{"id": "2", "title": "T", "text": null}\n')
    assert docs(path) == [("1", ""), ("2", "T")], "an empty text is one, a null is none"
    path = write(tmp_path / "q.jsonl", '{"id": "1", "query": "", "title": "storm"}\n')
    assert queries(path) == {"1": "storm"}


def test_tables(tmp_path):
    assert docs(write(tmp_path / "a.tsv", '1\tone "quoted\n2\ttwo\n')) == [("1", 'one "quoted'), ("2", "two")]
    assert docs(write(tmp_path / "b.tsv", "id\ttext\ttitle\n1\tx\tT\n")) == [("1", "T\nx")]
    assert docs(write(tmp_path / "c.csv", 'id,text\n1,"a ""b"",\nc"\n')) == [("1", 'a "b",\nc')]
    assert queries(write(tmp_path / "q.tsv", "1\tone two\n")) == {"1": "one two"}
    assert queries(write(tmp_path / "q.csv", "topic,q\n9,nine\n"), id_field="topic", fields=["q"]) == {"9": "nine"}
    assert qrels(write(tmp_path / "r.csv", "qid,docno,label\n1,d,2\n")) == [("1", "d", 2)]
    assert qrels(write(tmp_path / "r.tsv", "query-id\tcorpus-id\tscore\n1\td\t2\n")) == [("1", "d", 2)]


def test_the_line_of_a_csv_row_is_where_it_starts(tmp_path):
    path = write(tmp_path / "c.csv", 'id,text\n1,"a\nb\nc"\n2,x\n')
    assert [d.where for d in read_documents(path)] == [f"{path}:2", f"{path}:5"]


def test_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2], "text": ["x", "y"], "title": [None, "T"]}), path)
    assert docs(path) == [("1", "x"), ("2", "T\ny")]
    pq.write_table(pa.table({"qid": ["1"], "docno": ["d"], "label": [2]}), tmp_path / "q.parquet")
    assert qrels(tmp_path / "q.parquet") == [("1", "d", 2)]
    pq.write_table(pa.table({"qid": ["1"], "query": ["q"]}), tmp_path / "t.parquet")
    assert queries(tmp_path / "t.parquet") == {"1": "q"}


def test_judgements_of_three_columns_and_with_names_and_comments(tmp_path):
    expected = [("q1", "d1", 1), ("q1", "d2", 0)]
    for text in (
        "q1 d1 1\nq1 d2 0\n",
        "# by hand\nq1\td1\t1\n  # more\nq1\td2\t0\n",
        "qid docno label\nq1 d1 1\nq1 d2 0\n",
        "# BEIR's\nquery-id\tcorpus-id\tscore\nq1\td1\t1\n# more\nq1\td2\t0\n",
        "query_id\tdoc_id\trelevance\nq1\td1\t1\nq1\td2\t0\n",
        "topic_id iter docno rel\nq1 0 d1 1\n#q1 0 d3 1\nq1 0 d2 0\n",
    ):
        assert qrels(write(tmp_path / "q", text)) == expected
        assert qrels(write(tmp_path / "q.tsv", text)) == expected
    with pytest.raises(DataError, match="q:1: the columns are query, document, label, got docno, qid, label; put them"):
        read_qrels(write(tmp_path / "q", "docno qid label\nd1 q1 1\n"))


@pytest.mark.parametrize(
    "text",
    ["1 0 d1 2\n1 0 d2 -1\n", "1\tQ0\td1\t2\r\n1\tQ0\td2\t-1\r\n", "\ufeff1 x d1 +2\n\n  1   x d2 -1  \n"],
    ids=["blanks", "tabs", "odd"],
)
def test_trec_qrels(tmp_path, text):
    assert qrels(write(tmp_path / "qrels.txt", text)) == [("1", "d1", 2), ("1", "d2", -1)]


def test_ids_keep_white_space_beyond_ascii(tmp_path):
    assert qrels(write(tmp_path / "q", "1 0 d\u00a01\u3000 2\n")) == [("1", "d\u00a01\u3000", 2)]


def test_gzip_and_a_byte_order_mark_are_seen_through(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf{"id": "1", "text": "x"}\n'))
    assert docs(path) == [("1", "x")]
    unnamed = tmp_path / "unnamed"
    unnamed.write_bytes(path.read_bytes())
    assert docs(unnamed) == [("1", "x")]


def test_another_encoding_is_read_when_named(tmp_path):
    path = write(tmp_path / "a.tsv", "1\t£5\n", "latin-1")
    assert docs(path, encoding="latin-1") == [("1", "£5")]
    for encoding in ("utf-16", "klingon"):
        with pytest.raises(ConfigError, match="encoding must be one that extends ASCII"):
            read_documents(path, encoding=encoding)


def test_a_folder_is_read_file_by_file(tmp_path):
    write(tmp_path / "b" / "ft_2", "<DOC><DOCNO>3</DOCNO></DOC>\n")
    write(tmp_path / "a" / "ft_1", "<DOC><DOCNO>1</DOCNO></DOC>\n<DOC><DOCNO>2</DOCNO></DOC>\n")
    write(tmp_path / "README.txt", "not a document")
    write(tmp_path / ".hidden", "nor this")
    write(tmp_path / "c.jsonl", '{"id": "4", "text": "x"}\n')
    assert [d.docno for d in read_documents(tmp_path)] == ["1", "2", "3", "4"]
    with pytest.raises(NotFoundError, match="no BEIR folder"):
        read_queries(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="the folder holds no documents"):
        read_documents(tmp_path / "empty")


def test_a_beir_folder(tmp_path):
    write(tmp_path / "corpus.jsonl", '{"_id": "d", "title": "T", "text": "x", "metadata": {}}\n')
    write(tmp_path / "queries.jsonl", '{"_id": "1", "text": "x"}\n')
    write(tmp_path / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\n1\td\t2\n")
    write(tmp_path / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore\n1\td\t1\n")
    assert docs(tmp_path) == docs(tmp_path, "beir") == [("d", "T\nx")]
    assert queries(tmp_path) == {"1": "x"}
    assert qrels(tmp_path) == [("1", "d", 2)]
    with pytest.raises(ConfigError, match="is a BEIR folder, got format 'trec'; leave the format out"):
        read_documents(tmp_path, "trec")
    (tmp_path / "queries.jsonl").unlink()
    with pytest.raises(NotFoundError, match=r"a BEIR folder needs queries\.jsonl"):
        read_queries(tmp_path)


def test_errors_about_the_call_itself(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"id": "1", "text": "x"}\n')
    with pytest.raises(NotFoundError, match=r"b\.jsonl: there is no such file or folder"):
        read_documents(tmp_path / "b.jsonl")
    with pytest.raises(ConfigError, match="there is no format 'jsonn'; did you mean jsonl"):
        read_documents(path, "jsonn")
    with pytest.raises(ConfigError, match="fields must be a list of names, got 'text'"):
        read_documents(path, fields="text")
    with pytest.raises(
        ConfigError, match="numbering has no meaning in the format jsonl; its options are encoding, fields, id_field"
    ):
        read_queries(path, numbering="ordinal")
    with pytest.raises(ConfigError, match="fields has no meaning in the format npl"):
        list(read_documents(write(tmp_path / "n", "1\nx\n/\n"), fields=["W"]))
    with pytest.raises(DataError, match="holds no document"):
        list(read_documents(write(tmp_path / "e.csv", "id,text\n")))
    with pytest.raises(DataError, match="holds no query"):
        read_queries(write(tmp_path / "e2.csv", "qid,query\n"))
    with pytest.raises(DataError, match="holds no judgement"):
        read_qrels(write(tmp_path / "e3.csv", "qid,docno,label\n"))


def test_reading_documents_needs_no_pandas():
    import subprocess
    import sys

    heavy = "{'pandas', 'pydantic', 'torch', 'scipy'}"
    code = f"import sys, irkit.io.documents.formats; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ids_and_labels_of_parquet_are_no_fractions(tmp_path):
    path = tmp_path / "q.parquet"
    pq.write_table(pa.table({"qid": [1], "docno": ["d"], "label": [1.0]}), path)
    assert qrels(path) == [("1", "d", 1)]
    pq.write_table(pa.table({"qid": [1.0], "docno": ["d"], "label": [1]}), path)
    with pytest.raises(DataError, match=r"q\.parquet:1: an id must be a string or a whole number, got 1\.0; write"):
        read_qrels(path)
    pq.write_table(pa.table({"id": ["1", "2"], "text": ["x", None]}), tmp_path / "d.parquet")
    with pytest.raises(DataError, match=r"d\.parquet:2: document '2' has no text, got null as text"):
        docs(tmp_path / "d.parquet")


def test_a_spreadsheet_s_semicolons_and_names_are_read(tmp_path):
    judged = "\ufeffQuery ID;Document;Relevance\r\n1;a,b.txt;2\r\n1;c.txt;0\r\n"
    assert qrels(write(tmp_path / "r.csv", judged)) == [("1", "a,b.txt", 2), ("1", "c.txt", 0)]
    assert queries(write(tmp_path / "q.csv", 'Query ID;Query\r\n1;"a; b"\r\n2;c, d\r\n')) == {"1": "a; b", "2": "c, d"}
    assert docs(write(tmp_path / "d.csv", "id;text\n1;a, b\n")) == [("1", "a, b")]
    assert docs(write(tmp_path / "e.csv", "id,text\n1,a; b\n")) == [("1", "a; b")]  # a comma in the first line decides


def test_a_judged_name_with_a_blank_says_what_the_document_is_called(tmp_path):
    with pytest.raises(DataError, match=r"r\.csv:2: .*'note 1\.txt'; .*has _ for each blank"):
        read_qrels(write(tmp_path / "r.csv", "qid,docno,label\n1,note 1.txt,2\n"))
