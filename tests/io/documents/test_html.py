"""HTML to text, as Jsoup has it."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from irkit.errors import DataError, NotFoundError
from irkit.io import read_documents
from irkit.io.documents.html import html_text


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<html><pre>\nA  B\n</pre></html>", "A B"),
        ("one<b>two</b>three", "onetwothree"),
        ("one<p>two</p>three<br>four<td>five", "one two three four five"),
        ("a < b <= c <3 d", "a < b <= c <3 d"),
        ("x<y z</p>w", "xw"),  # <y opens a tag, which ends at the next >
        ("a<!-- <p>no --> b<!-->c", "a bc"),
        ("<!doctype html>a<?php no ?>b</>c", "abc"),
        ('<a title="x>y" class=\'>\'>link</a> <i x=">end', "link"),
        ("a<script>if (a<b) {}</script>b<style>p {}</style >c", "a b c"),
        ("<title>a <b> c</title>d", "a <b> c d"),
        ("&lt;p&gt; &amp;amp; &eacute; &#65;&#x42; &nope; AT&T &notit;", "<p> &amp; é AB &nope; AT&T &notit;"),
        ("cut <b", "cut"),
        ("cut <!-- b", "cut"),
        ("", ""),
        ("<", "<"),
    ],
)
def test_text(html, words):
    assert html_text(html).split() == words.split()


def test_long_broken_input_is_read_to_its_end():
    # Quadratic work would take hours here.
    for text in ('<a b="' * 50_000, "<a " * 100_000, "<" * 200_000, "<!--" * 50_000):
        assert len(html_text(text)) <= len(text)


def tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def test_an_archive_is_one_document_a_file_with_anserinis_ids(tmp_path):
    path = tmp_path / "a.tar.gz"
    tar(path, [("x/CACM-0001.html", b"<pre>one</pre>"), ("README", b"no"), ("CACM-0002.htm", b"two")])
    read = list(read_documents(path))
    assert [(d.docno, d.text) for d in read] == [("CACM-0001", "one"), ("CACM-0002", "two")]
    assert read[0].where == f"{path}:x/CACM-0001.html:1"


def test_bad_bytes_in_an_archive_name_member_and_line(tmp_path):
    path = tmp_path / "a.tgz"
    tar(path, [("a.html", b"<p>\nb\xffd\n")])
    with pytest.raises(DataError, match=r"a\.tgz:a\.html:2: not valid utf-8: byte 0xff in column 2"):
        list(read_documents(path))


def test_an_archive_without_html_is_refused(tmp_path):
    path = tmp_path / "a.tar.gz"
    tar(path, [("a.txt", b"x")])
    with pytest.raises(NotFoundError, match=r"holds no \.html file"):
        list(read_documents(path))


def test_single_files_and_gzip(tmp_path):
    (tmp_path / "a.html").write_text("<p>x</p>")
    (tmp_path / "b.html.gz").write_bytes(gzip.compress(b"<p>y</p>"))
    assert [(d.docno, d.text) for d in read_documents(tmp_path, "html")] == [("a", "x"), ("b", "y")]
    assert [d.docno for d in read_documents(tmp_path)] == ["a.html", "b.html.gz"], "paths, where nothing is said"
